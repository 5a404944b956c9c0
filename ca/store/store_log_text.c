/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an entry, which are stored nowhere: the body of its event, with
 * the two lines of its place in the chain of its device. */
#include "ca/store/store_log.h"

#include <string.h>

#include "ca/base/enc.h"

/* Lines of the body before those two: header, id, time, type, device. */
#define LOG_HEAD_LINES 5
/* Of the two, with a number of up to 20 digits. */
#define LOG_LINES_MAX 103

/* Bytes written. snprintf() takes longer than all the rest of the text. */
static size_t
log_number(char out[static 20], uint64_t n)
{
	char digits[20];
	size_t i = sizeof digits, len;

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	len = sizeof digits - i;
	memcpy(out, digits + i, len);
	return len;
}

/* The two lines; bytes written. */
static size_t
log_lines(char out[static LOG_LINES_MAX], int64_t dev_seq, const uint8_t *prev)
{
	char hex[2 * STORE_HASH_LEN + 1] = "-";
	size_t n = 8, len = 1;

	memcpy(out, "dev-seq ", 8);
	n += log_number(out + n, (uint64_t)dev_seq);
	memcpy(out + n, "\ndev-prev ", 10);
	n += 10;
	if (prev != NULL) {
		enc_hex(hex, prev, STORE_HASH_LEN);
		len = sizeof hex - 1;
	}
	memcpy(out + n, hex, len);
	n += len;
	out[n++] = '\n';
	return n;
}

int
store_log_text(const void *body, size_t n, int64_t dev_seq,
    const uint8_t *prev, uint8_t out[static STORE_LOG_TEXT_MAX],
    size_t *n_out)
{
	const uint8_t *p = body, *lf = p;
	char lines[LOG_LINES_MAX];
	size_t head, chain;
	int i;

	if (n > STORE_LOG_BODY_MAX)
		return CAMCA_ELIMIT;
	for (i = 0; i < LOG_HEAD_LINES && lf != NULL; i++) {
		lf = memchr(lf, '\n', n - (size_t)(lf - p));
		if (lf != NULL)
			lf++;
	}
	if (lf == NULL)
		return CAMCA_EINVAL;
	head = (size_t)(lf - p);
	chain = log_lines(lines, dev_seq, prev);
	if (chain + n > STORE_LOG_TEXT_MAX)
		return CAMCA_ELIMIT;
	memcpy(out, p, head);
	memcpy(out + head, lines, chain);
	memcpy(out + head + chain, lf, n - head);
	*n_out = n + chain;
	return CAMCA_OK;
}
