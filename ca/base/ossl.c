/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/ossl.h"

#include <openssl/err.h>

int
ossl_failed(int err)
{
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			err = CAMCA_ENOMEM;
	return err;
}
