/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence bundle of a device: which files it has, by what names, and how
 * large they may be. One grammar for the authority that makes a bundle, the
 * command that writes it to the disk, and the verifier that reads what an
 * opponent may have made. */
#ifndef CAMCA_BASE_BUNDLE_H
#define CAMCA_BASE_BUNDLE_H

#include <stddef.h>

#define BUNDLE_NAME_MAX 96               /* bytes of a name, with NUL */
#define BUNDLE_EVENTS_MAX 65535
#define BUNDLE_CERTS_MAX 8192
#define BUNDLE_FILES_MAX 160000
#define BUNDLE_BYTES_MAX ((size_t)1 << 30)   /* all files together */

enum bundle_kind {
	BUNDLE_NONE,             /* no name of a file in a bundle */
	BUNDLE_README,           /* README.txt */
	BUNDLE_MANIFEST,         /* MANIFEST: "HEX  NAME", as sha256sum -c reads */
	BUNDLE_POLICY,           /* policy.tlog */
	BUNDLE_CHECKPOINT,       /* checkpoint */
	BUNDLE_CHAIN,            /* ca-chain.pem */
	BUNDLE_EVENT,            /* events/000001.event */
	BUNDLE_PROOF,            /* events/000001.tlog-proof */
	BUNDLE_CERT,             /* certs/SERIAL.pem, 40 hex digits */
	BUNDLE_CRL,              /* crl/SKI.crl, 40 hex digits */
	BUNDLE_OCSP,             /* ocsp/SERIAL.der */
	BUNDLE_STAMP,            /* timestamps/NAME.tsr */
	BUNDLE_STAMP_TRUST,      /* timestamps/NAME.pem */
	BUNDLE_KINDS
};

/* What the n bytes of name name: exactly one spelling each, no way out of the
 * folder, hex in lower case, event numbers from 000001 on. */
enum bundle_kind bundle_kind(const char *name, size_t n);
/* Bytes that a file of this kind has at the most. */
size_t bundle_kind_max(enum bundle_kind kind);
/* The folders, in order, ended by NULL. */
extern const char *const bundle_folders[];

#endif
