/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/download.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"

void
download_init(struct download *d)
{
	memset(d, 0, sizeof *d);
}

void
download_fini(struct download *d)
{
	free(d->p);
	download_init(d);
}

/* The first page states the whole; the others must say the same. */
static int
download_begin(struct download *d, const json_t *answer, size_t page)
{
	int64_t number = json_integer_value(json_object_get(answer, "number"));
	const json_t *size = json_object_get(answer, "size");
	int64_t n = json_is_integer(size) ? json_integer_value(size) :
	    (int64_t)page;

	if (d->p != NULL)
		return n == (int64_t)d->size && number == d->number ?
		    CAMCA_OK : CAMCA_EPROTO;
	if (n <= 0 || n > DOWNLOAD_MAX)
		return CAMCA_EPROTO;
	d->p = malloc((size_t)n);
	d->size = (size_t)n;
	d->number = number;
	return d->p != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
download_check(struct download *d, const json_t *answer)
{
	const char *hex = json_string_value(json_object_get(answer, "sha256"));
	uint8_t want[sizeof d->sha256];

	if (EVP_Digest(d->p, d->got, d->sha256, NULL, EVP_sha256(), NULL) != 1)
		return CAMCA_EPROTO;
	return hex == NULL || (dec_hex(want, sizeof want, hex) == CAMCA_OK &&
	    memcmp(want, d->sha256, sizeof want) == 0) ? CAMCA_OK :
	    CAMCA_EPROTO;
}

int
download_add(struct download *d, const json_t *answer)
{
	const json_t *der = json_object_get(answer, "der");
	const char *b64 = json_string_value(der != NULL ? der :
	    json_object_get(answer, "data"));
	int64_t offset = json_integer_value(json_object_get(answer, "offset"));
	struct buf page;
	int ret;

	buf_init(&page, DOWNLOAD_MAX);
	ret = b64 != NULL ? dec_base64(&page, b64, strlen(b64), 0) :
	    CAMCA_EPROTO;
	if (ret == CAMCA_OK)
		ret = download_begin(d, answer, page.len);
	if (ret == CAMCA_OK && (page.len == 0 || offset != (int64_t)d->got ||
	    page.len > d->size - d->got))
		ret = CAMCA_EPROTO;
	if (ret == CAMCA_OK) {
		memcpy(d->p + d->got, page.data, page.len);
		d->got += page.len;
		ret = d->got < d->size ? CAMCA_EPENDING :
		    download_check(d, answer);
	}
	buf_fini(&page);
	return ret == CAMCA_OK || ret == CAMCA_EPENDING ||
	    ret == CAMCA_ENOMEM ? ret : CAMCA_EPROTO;
}
