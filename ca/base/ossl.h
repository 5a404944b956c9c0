/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAMCA_BASE_OSSL_H
#define CAMCA_BASE_OSSL_H

#include "ca/base/err.h"

/* A call of OpenSSL has failed: empties this thread's queue of errors. Gives
 * CAMCA_ENOMEM where memory was what it lacked, else err. */
int ossl_failed(int err);

#endif
