/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include "ca/issue/csr_int.h"

#define DER_DEPTH_MAX 32
#define DER_PARTS_MAX 2048
#define DER_OID_MAX 64        /* longer ones are slow to print and never real */

enum der_tag {
	DER_BOOLEAN = 0x01, DER_INTEGER = 0x02, DER_BIT_STRING = 0x03,
	DER_NULL = 0x05, DER_OID = 0x06, DER_ENUMERATED = 0x0a,
	DER_SEQUENCE = 0x30, DER_SET = 0x31
};

struct der_part {
	uint8_t tag;
	size_t head;              /* bytes of tag and length */
	size_t len;
};

/* X.690 8.1.2, 8.1.3 and 10.1: one byte of tag, a definite length in as few
 * bytes as it takes, and within what is there. NULL where tag and length at p
 * are fine, else what is wrong. */
static const char *
der_head(const uint8_t *p, size_t n, struct der_part *out)
{
	size_t i, octets;

	if (n < 2)
		return "it is cut short";
	out->tag = p[0];
	if ((p[0] & 0x1f) == 0x1f || p[0] == 0)
		return "it has a tag that no request uses";
	out->head = 2;
	out->len = p[1];
	if (p[1] == 0x80)
		return "it has an indefinite length";
	if (p[1] > 0x80) {
		octets = p[1] & 0x7f;
		if (octets > 3)
			return "it has a length of more than three bytes";
		if (n < 2 + octets)
			return "it is cut short";
		for (out->len = 0, i = 0; i < octets; i++)
			out->len = out->len << 8 | p[2 + i];
		if (p[2] == 0 || out->len < 0x80)
			return "it has a length that is not minimal";
		out->head += octets;
	}
	if (out->len > n - out->head)
		return "it has a length beyond its end";
	return NULL;
}

/* X.690 8.3.2 */
static const char *
der_integer(const uint8_t *v, size_t n)
{
	if (n == 0 || (n > 1 && ((v[0] == 0 && v[1] < 0x80) ||
	    (v[0] == 0xff && v[1] >= 0x80))))
		return "it has an integer that is not minimal";
	return NULL;
}

/* X.690 8.19.2. The bound: OpenSSL prints one in time that grows with the
 * square of its length. */
static const char *
der_oid(const uint8_t *v, size_t n)
{
	size_t i;
	bool first = true;

	if (n == 0 || n > DER_OID_MAX || v[n - 1] >= 0x80)
		return "it has an object identifier that is empty, cut short "
		    "or longer than 64 bytes";
	for (i = 0; i < n; i++) {
		if (first && v[i] == 0x80)
			return "it has an object identifier that is not "
			    "minimal";
		first = v[i] < 0x80;
	}
	return NULL;
}

/* X.690 8.6.2.2 and 11.2.1 */
static const char *
der_bits(const uint8_t *v, size_t n)
{
	if (n == 0 || v[0] > 7 || (n == 1 && v[0] != 0) ||
	    (v[n - 1] & ((1u << v[0]) - 1)) != 0)
		return "it has a bit string with wrong unused bits";
	return NULL;
}

/* X.690 11.6: the values of a SET OF ascend. Shorter ones count as padded with
 * zeros, but two different encodings differ before that matters. */
static const char *
der_set(const uint8_t *v, size_t n)
{
	const uint8_t *last = NULL;
	size_t last_n = 0, both;
	struct der_part part;
	const char *bad;

	while (n > 0) {
		bad = der_head(v, n, &part);
		if (bad != NULL)
			return bad;
		part.len += part.head;
		both = last_n < part.len ? last_n : part.len;
		if (last != NULL && memcmp(last, v, both) > 0)
			return "it has a set that is not in order";
		last = v;
		last_n = part.len;
		v += part.len;
		n -= part.len;
	}
	return NULL;
}

/* The value of one part by the rules of its type. */
static const char *
der_value(const struct der_part *part, const uint8_t *v)
{
	switch (part->tag) {
	case DER_BOOLEAN:
		return part->len == 1 && (v[0] == 0 || v[0] == 0xff) ? NULL :
		    "it has a boolean that is neither 00 nor FF";
	case DER_INTEGER:
	case DER_ENUMERATED:
		return der_integer(v, part->len);
	case DER_BIT_STRING:
		return der_bits(v, part->len);
	case DER_NULL:
		return part->len == 0 ? NULL : "it has a NULL with a value";
	case DER_OID:
		return der_oid(v, part->len);
	case DER_SET:
		return der_set(v, part->len);
	case DER_SEQUENCE:
		return NULL;
	case DER_SEQUENCE & 0x1f:
	case DER_SET & 0x1f:
		return "it has a primitive sequence or set";
	default:
		/* Strings in pieces are BER (X.690 10.2). */
		if ((part->tag & 0xc0) == 0 && (part->tag & 0x20) != 0)
			return "it has a string in pieces";
		return NULL;
	}
}

/* No recursion: end[] has where each open part ends. A set's children are
 * looked at once more for their order, so a byte costs at most as many looks as
 * it is deep. */
int
csr_der_check(const uint8_t *p, size_t n, const char *what,
    struct refusal *why)
{
	size_t end[DER_DEPTH_MAX], depth = 0, at = 0, parts = 0;
	struct der_part part;
	const char *bad;

	do {
		bad = der_head(p + at, (depth > 0 ? end[depth - 1] : n) - at,
		    &part);
		if (bad == NULL)
			bad = der_value(&part, p + at + part.head);
		if (bad != NULL)
			return refuse(why, CAMCA_EINVAL, 400, "csr.not-der",
			    "The %s is not DER: %s.", what, bad);
		if (++parts > DER_PARTS_MAX)
			return refuse(why, CAMCA_EINVAL, 400,
			    "csr.too-complex", "The %s has more than %d "
			    "parts.", what, DER_PARTS_MAX);
		at += part.head;
		if ((part.tag & 0x20) != 0) {
			if (depth == DER_DEPTH_MAX)
				return refuse(why, CAMCA_EINVAL, 400,
				    "csr.too-deep", "The %s is nested deeper "
				    "than %d.", what, DER_DEPTH_MAX);
			end[depth++] = at + part.len;
		} else {
			at += part.len;
		}
		while (depth > 0 && at == end[depth - 1])
			depth--;
	} while (depth > 0);
	if (at != n)
		return refuse(why, CAMCA_EINVAL, 400, "csr.trailing-data",
		    "The %s is followed by %zu bytes that are not part of "
		    "it.", what, n - at);
	return CAMCA_OK;
}
