/* SPDX-License-Identifier: Apache-2.0 */
/* The device's serial number in a factory identity (IEEE 802.1AR 8.6, RFC 4108
 * section 5). Private to ca/issue. */
#ifndef CAMCA_ISSUE_IDEVID_SERIAL_H
#define CAMCA_ISSUE_IDEVID_SERIAL_H

#include <openssl/x509.h>

#include "ca/base/refusal.h"

/* Subject serialNumber, else hwSerialNum of the SAN's HardwareModuleName: as
 * text where it is printable, else in lower-case hex. Two of a kind, controls
 * and values of out_len bytes or more are refused: CAMCA_EAUTH with why
 * (403 "idevid.serial-…"). Any thread. */
CAMCA_MUST int idevid_serial(X509 *leaf, char *out, size_t out_len,
    struct refusal *why);

#endif
