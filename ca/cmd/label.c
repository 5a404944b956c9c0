/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/label.h"

#include <stdbool.h>
#include <string.h>

/* Percent-encodes what could be taken for a mark of the query (RFC 3986 3.4);
 * ':' and '/' may stand, which keeps the code small enough to scan. */
static int
label_percent(struct buf *out, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~:/";
	int ret = CAMCA_OK;

	for (; *s != '\0' && ret == CAMCA_OK; s++)
		if (strchr(plain, *s) != NULL)
			ret = buf_putc(out, (uint8_t)*s);
		else
			ret = buf_printf(out, "%%%02X", (unsigned char)*s);
	return ret;
}

int
label_uri(struct buf *out, const struct label *l)
{
	int ret;

	if ((ret = buf_puts(out, "camca:1?url=")) < 0 ||
	    (ret = label_percent(out, l->url)) < 0 ||
	    (ret = buf_puts(out, "&id=")) < 0 ||
	    (ret = label_percent(out, l->device)) < 0 ||
	    (ret = buf_puts(out, "&otp=")) < 0 ||
	    (ret = label_percent(out, l->secret)) < 0 ||
	    (ret = buf_puts(out, "&root=sha256:")) < 0)
		return ret;
	return label_percent(out, l->root);
}

static int
label_csv_field(struct buf *out, const char *s, bool last)
{
	int ret = buf_putc(out, '"');

	/* A spreadsheet runs cells that begin like this, quoted or not. */
	if (ret == CAMCA_OK && s[0] != '\0' &&
	    strchr("=+-@\t\r\n", s[0]) != NULL)
		ret = buf_putc(out, '\'');
	for (; *s != '\0' && ret == CAMCA_OK; s++) {
		if (*s == '"')
			ret = buf_putc(out, '"');
		if (ret == CAMCA_OK)
			ret = buf_putc(out, (uint8_t)*s);
	}
	return ret < 0 ? ret : buf_puts(out, last ? "\"\r\n" : "\",");
}

int
label_csv_head(struct buf *out)
{
	return buf_puts(out, "\"device\",\"serial\",\"model\",\"site\","
	    "\"secret\",\"expires\",\"url\",\"root_sha256\",\"qr\"\r\n");
}

int
label_csv(struct buf *out, const struct label *l)
{
	const char *const fields[] = { l->device, l->serial, l->model,
	    l->site, l->secret, l->expires, l->url, l->root };
	struct buf uri;
	size_t i;
	int ret;

	buf_init(&uri, 4096);
	ret = label_uri(&uri, l);
	for (i = 0; i < sizeof fields / sizeof fields[0] && ret == CAMCA_OK;
	    i++)
		ret = label_csv_field(out, fields[i], false);
	if (ret == CAMCA_OK)
		ret = label_csv_field(out, buf_str(&uri), true);
	buf_cleanse(&uri);
	return ret;
}

int
label_group(struct buf *out, const char *secret)
{
	size_t n = 0;
	int ret = CAMCA_OK;

	for (; *secret != '\0' && ret == CAMCA_OK; secret++) {
		if (*secret == '-' || *secret == ' ')
			continue;
		if (n > 0 && n % 4 == 0)
			ret = buf_putc(out, '-');
		if (ret == CAMCA_OK)
			ret = buf_putc(out, (uint8_t)*secret);
		n++;
	}
	return ret;
}
