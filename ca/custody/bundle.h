/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of an evidence bundle: its MANIFEST, its policy.tlog, its README. What a
 * bundle has: ca/base/bundle.h. Pure. Any thread. */
#ifndef CAMCA_CUSTODY_BUNDLE_H
#define CAMCA_CUSTODY_BUNDLE_H

#include "ca/base/buf.h"
#include "ca/base/bundle.h"
#include "ca/custody/tlog.h"

/* ---- MANIFEST ---- */
struct manifest {
	struct manifest_item {
		char name[BUNDLE_NAME_MAX];
		uint8_t sha256[32];
	} *list;
	size_t n, cap;
};
/* CAMCA_EINVAL (no name of a bundle's file), CAMCA_ELIMIT, CAMCA_ENOMEM. */
CAMCA_MUST int manifest_add(struct manifest *m, const char *name,
    const uint8_t sha256[static 32]);
/* The same for the hash of n bytes. CAMCA_ECRYPTO. */
CAMCA_MUST int manifest_add_bytes(struct manifest *m, const char *name,
    const void *p, size_t n);
/* Sorts, and appends the text. CAMCA_ECONFLICT: a name is there twice. */
CAMCA_MUST int manifest_text(struct manifest *m, struct buf *out);
void manifest_fini(struct manifest *m);

/* ---- policy.tlog ---- */
/* Appends the policy that goes with a bundle: vkeys, one a line, as its log
 * lines; then the witnesses, groups and the quorum of `text` (n bytes; NULL:
 * "quorum none"), without comments and without URLs, which no verifier could
 * check. CAMCA_EINVAL where the result is none. */
CAMCA_MUST int bundle_policy(const char *vkeys, const char *text, size_t n,
    struct buf *out);
/* The checkpoint as it goes into a bundle: the text and log lines of note (n
 * bytes) and, of the cosignature lines, those of witnesses that the policy
 * names. CAMCA_EINVAL. */
CAMCA_MUST int bundle_checkpoint(const struct tlog_policy *policy,
    const void *note, size_t n, struct buf *out);

/* ---- README.txt ---- */
struct bundle_about {
	const char *device, *origin;
	int64_t size;                    /* of the checkpoint's tree */
	int64_t made_ms;
};
/* Vietnamese and English, with the exact commands of three ways to check the
 * bundle, and a program in Go by which one of them is done. */
CAMCA_MUST int bundle_readme(const struct bundle_about *about,
    struct buf *out);

#endif
