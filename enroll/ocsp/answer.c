/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/answer.h"

#include <openssl/asn1.h>
#include <string.h>

/* SEQUENCE { ecdsa-with-SHA256 }: RFC 5758 3.2, no parameters. */
static const uint8_t answer_alg[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
/* ENUMERATED successful; id-pkix-ocsp-basic. */
static const uint8_t answer_ok[] = { 0x0a, 0x01, 0x00 };
static const uint8_t answer_basic[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
	0x05, 0x07, 0x30, 0x01, 0x01 };

void
answer_error(uint8_t out[static ANSWER_ERROR_LEN], enum answer_status status)
{
	memcpy(out, "\x30\x03\x0a\x01", 4);
	out[4] = (uint8_t)status;
}

/* What lies inside what: each length is that of its own contents. */
struct answer_lens {
	int sig, certs_seq, certs, basic, octets, bytes, explicit, all;
};

static int
answer_size(int len)
{
	return ASN1_object_size(1, len, V_ASN1_SEQUENCE);
}

static int
answer_measure(struct answer_lens *l, size_t tbs, size_t sig, size_t cert)
{
	/* Far from where int ends: what follows adds headers only. */
	if (tbs > ANSWER_MAX || sig > ANSWER_MAX || cert > ANSWER_MAX)
		return CAMCA_ELIMIT;
	l->sig = (int)sig + 1;
	l->certs_seq = (int)cert;
	l->certs = answer_size(l->certs_seq);
	l->basic = (int)tbs + (int)sizeof answer_alg + answer_size(l->sig) +
	    answer_size(l->certs);
	l->octets = answer_size(l->basic);
	l->bytes = (int)sizeof answer_basic + answer_size(l->octets);
	l->explicit = answer_size(l->bytes);
	l->all = (int)sizeof answer_ok + answer_size(l->explicit);
	return CAMCA_OK;
}

static void
answer_put(unsigned char **p, const void *data, size_t n)
{
	if (n > 0)
		memcpy(*p, data, n);
	*p += n;
}

int
answer_wrap(const struct buf *tbs, const uint8_t *sig, size_t sig_len,
    const struct buf *cert, struct buf *out)
{
	struct answer_lens l;
	unsigned char *p;
	int ret = answer_measure(&l, tbs->len, sig_len, cert->len);

	if (ret == CAMCA_OK)
		ret = buf_reserve(out, (size_t)answer_size(l.all));
	if (ret < 0)
		return ret;
	p = out->data + out->len;
	ASN1_put_object(&p, 1, l.all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	answer_put(&p, answer_ok, sizeof answer_ok);
	ASN1_put_object(&p, 1, l.explicit, 0, V_ASN1_CONTEXT_SPECIFIC);
	ASN1_put_object(&p, 1, l.bytes, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	answer_put(&p, answer_basic, sizeof answer_basic);
	ASN1_put_object(&p, 0, l.octets, V_ASN1_OCTET_STRING,
	    V_ASN1_UNIVERSAL);
	ASN1_put_object(&p, 1, l.basic, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	answer_put(&p, tbs->data, tbs->len);
	answer_put(&p, answer_alg, sizeof answer_alg);
	ASN1_put_object(&p, 0, l.sig, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
	*p++ = 0;      /* unused bits */
	answer_put(&p, sig, sig_len);
	ASN1_put_object(&p, 1, l.certs, 0, V_ASN1_CONTEXT_SPECIFIC);
	ASN1_put_object(&p, 1, l.certs_seq, V_ASN1_SEQUENCE,
	    V_ASN1_UNIVERSAL);
	answer_put(&p, cert->data, cert->len);
	out->len += (size_t)answer_size(l.all);
	out->data[out->len] = '\0';
	return CAMCA_OK;
}
