/* SPDX-License-Identifier: Apache-2.0 */
/* What a camera's request for a certificate must be before it goes to EST. */
#ifndef CAMCA_AGENT_CSR_CHECK_H
#define CAMCA_AGENT_CSR_CHECK_H

#include <openssl/evp.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "enroll/agent/job.h"

struct csr_want {
	const char *device;            /* the one common name it must have */
	enum cam_key_type type;
	const struct agent_label *label;
};

/* One PKCS#10 with a good signature of its own key, of the type asked for and
 * a size that the label takes, whose subject names the device. The CA takes
 * names from the inventory; but it looks the device up by this name, so another
 * one would be another camera's certificate. *pub_out is the caller's.
 * CAMCA_EPERM and why.code "camera.csr", "camera.csr-signature",
 * "camera.csr-key" or "camera.csr-subject". */
CAMCA_MUST int csr_check(const struct buf *der, const struct csr_want *w,
    EVP_PKEY **pub_out, struct refusal *why);

#endif
