/* SPDX-License-Identifier: Apache-2.0 */
/* Writes OCSP requests of every shape, and says what an answer holds, one fact
 * a line, so that shell tests can check rules that no public linter checks.
 *   ocsp_probe make ISSUER.pem [-m MD] [-n NONCE-BYTES | -N NONCE-HEX] [-p]
 *       [-e OID[!]] [-E OID[!]] [-s] [-v] SERIAL-HEX|-SERIAL-HEX...
 *       >request.der
 *   ocsp_probe show ISSUER.pem answer.der [request.der]
 * -p: AlgorithmIdentifier without parameters; -e, -E: extension of the request,
 * of its first CertID, "!" critical; -s: signed; -v: version given. */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"

#define PROBE_MAX (2u << 20)
#define NONCE_OID "1.3.6.1.5.5.7.48.1.2"

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "ocsp_probe: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

AUTO_DEFINE(OCSP_REQUEST, OCSP_REQUEST_free)
AUTO_DEFINE(OCSP_BASICRESP, OCSP_BASICRESP_free)
AUTO_DEFINE(OCSP_RESPONSE, OCSP_RESPONSE_free)

static X509 *
load_pem(const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *x = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (x == NULL)
		die(path);
	fclose(f);
	return x;
}

static void
load(const char *path, struct buf *out)
{
	buf_init(out, PROBE_MAX);
	if (file_read(path, PROBE_MAX, out) < 0)
		die(path);
}

/* ---- make ---- */

struct shape {
	const EVP_MD *md;
	long nonce;          /* -1: none */
	const char *nonce_hex;
	bool no_params, sign, version;
	const char *ext, *single_ext;
};

static X509_EXTENSION *
make_ext(const char *spec, const void *p, int n)
{
	char oid[128];
	bool critical = strchr(spec, '!') != NULL;
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *o;
	X509_EXTENSION *e;

	snprintf(oid, sizeof oid, "%.*s", (int)strcspn(spec, "!"), spec);
	o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING_set(v, p, n);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, v);
	if (e == NULL)
		die("extension");
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(v);
	return e;
}

static void
make_nonce(OCSP_REQUEST *req, const struct shape *s)
{
	uint8_t v[2048], *p = v, given[1024];
	size_t n = (size_t)s->nonce;
	X509_EXTENSION *e;

	if (s->nonce_hex != NULL && OPENSSL_hexstr2buf_ex(given, sizeof given,
	    &n, s->nonce_hex, '\0') != 1)
		die("nonce");
	ASN1_put_object(&p, 0, (int)n, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL);
	for (size_t i = 0; i < n; i++)
		*p++ = s->nonce_hex != NULL ? given[i] : (uint8_t)rand();
	e = make_ext(NONCE_OID, v, (int)(p - v));
	OCSP_REQUEST_add_ext(req, e, -1);
	X509_EXTENSION_free(e);
}

static OCSP_CERTID *
make_id(const struct shape *s, X509 *issuer, const char *serial)
{
	BIGNUM *bn = NULL;
	ASN1_INTEGER *i;
	OCSP_CERTID *id;

	if (BN_hex2bn(&bn, serial) == 0 || (i = BN_to_ASN1_INTEGER(bn,
	    NULL)) == NULL || (id = OCSP_cert_id_new(s->md,
	    X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer),
	    i)) == NULL)
		die(serial);
	BN_free(bn);
	ASN1_INTEGER_free(i);
	return id;
}

/* Takes the 05 00 out of each AlgorithmIdentifier of SHA-1 or SHA-256 and gives
 * the lengths around it back their sense: encoded anew by hand, since OpenSSL
 * cannot leave them out. Only for requests shorter than 128 bytes. */
static void
drop_params(struct buf *der)
{
	uint8_t *at = memmem(der->data, der->len, "\x05\x00\x04", 3);
	size_t alg;

	if (at == NULL || der->len >= 130 || der->data[1] >= 0x80)
		die("cannot leave the parameters out");
	memmove(at, at + 2, der->len - (size_t)(at - der->data) - 2);
	der->len -= 2;
	/* OCSPRequest, TBSRequest, requestList, Request, CertID. */
	for (int i = 1; i <= 9; i += 2)
		der->data[i] = (uint8_t)(der->data[i] - 2);
	alg = 11;
	der->data[alg] = (uint8_t)(der->data[alg] - 2);
}

static void
add_version(struct buf *der)
{
	struct buf out;

	buf_init(&out, PROBE_MAX);
	if (der->len >= 120 || buf_put(&out, der->data, 4) < 0 ||
	    buf_put(&out, "\xa0\x03\x02\x01\x00", 5) < 0 ||
	    buf_put(&out, der->data + 4, der->len - 4) < 0)
		die("version");
	out.data[1] = (uint8_t)(out.data[1] + 5);
	out.data[3] = (uint8_t)(out.data[3] + 5);
	buf_fini(der);
	*der = out;
}

static void
make_options(struct shape *s, int argc, char **argv)
{
	int c;

	optind = 2;
	while ((c = getopt(argc, argv, "+m:n:N:pe:E:sv")) != -1) {
		if (c == 'm')
			s->md = EVP_get_digestbyname(optarg);
		else if (c == 'n')
			s->nonce = atol(optarg);
		else if (c == 'N')
			s->nonce_hex = optarg;
		else if (c == 'p')
			s->no_params = true;
		else if (c == 'e')
			s->ext = optarg;
		else if (c == 'E')
			s->single_ext = optarg;
		else if (c == 's')
			s->sign = true;
		else if (c == 'v')
			s->version = true;
		else
			die("usage");
	}
}

static void
make_signature(OCSP_REQUEST *req)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *self = X509_new();

	X509_set_pubkey(self, key);
	X509_sign(self, key, EVP_sha256());
	if (OCSP_request_sign(req, self, key, EVP_sha256(), NULL,
	    OCSP_NOCERTS) != 1)
		die("signature");
	X509_free(self);
	EVP_PKEY_free(key);
}

static void
make_extras(OCSP_REQUEST *req, const struct shape *s)
{
	X509_EXTENSION *e;

	if (s->nonce >= 0 || s->nonce_hex != NULL)
		make_nonce(req, s);
	if (s->ext != NULL) {
		e = make_ext(s->ext, "\x05\x00", 2);
		OCSP_REQUEST_add_ext(req, e, -1);
		X509_EXTENSION_free(e);
	}
	if (s->single_ext != NULL) {
		e = make_ext(s->single_ext, "\x05\x00", 2);
		OCSP_ONEREQ_add_ext(OCSP_request_onereq_get0(req, 0), e, -1);
		X509_EXTENSION_free(e);
	}
	if (s->sign)
		make_signature(req);
}

static int
cmd_make(int argc, char **argv)
{
	struct shape s = { .md = EVP_sha1(), .nonce = -1 };
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	X509 *issuer = load_pem(argv[1]);
	unsigned char *der = NULL;
	struct buf out;
	int n;

	make_options(&s, argc, argv);
	for (int i = optind; i < argc; i++)
		OCSP_request_add0_id(req, make_id(&s, issuer, argv[i]));
	make_extras(req, &s);
	n = i2d_OCSP_REQUEST(req, &der);
	buf_init(&out, PROBE_MAX);
	if (n <= 0 || buf_put(&out, der, (size_t)n) < 0)
		die("encoding");
	if (s.no_params)
		drop_params(&out);
	if (s.version)
		add_version(&out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	OPENSSL_free(der);
	OCSP_REQUEST_free(req);
	X509_free(issuer);
	return 0;
}

/* ---- show ---- */

static void
show_time(const char *name, const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	if (t == NULL) {
		printf("%s=absent\n", name);
		return;
	}
	ASN1_TIME_to_tm(t, &tm);
	printf("%s=%lld\n%s_raw=%.*s\n", name, (long long)timegm(&tm), name,
	    ASN1_STRING_length(t), (const char *)ASN1_STRING_get0_data(t));
}

static void
show_hex(const char *name, const void *p, size_t n)
{
	char *hex = enc_hex_dup(p, n);

	printf("%s=%s\n", name, hex);
	free(hex);
}

static void
show_ext(const char *name, X509_EXTENSION *e)
{
	char oid[64];
	ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);

	OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(e), 1);
	printf("%s=%s%s ", name, oid, X509_EXTENSION_get_critical(e) ?
	    "!" : "");
	for (int i = 0; i < ASN1_STRING_length(v); i++)
		printf("%02x", ASN1_STRING_get0_data(v)[i]);
	printf("\n");
}

/* The CertID's own bytes, as they stand in the request. */
static void
show_id(const char *name, const OCSP_CERTID *id, const struct buf *in,
    OCSP_REQUEST *req, int i)
{
	unsigned char *a = NULL, *b = NULL;
	int n = i2d_OCSP_CERTID(id, &a), m = -1;

	if (req != NULL && i < OCSP_request_onereq_count(req))
		m = i2d_OCSP_CERTID(OCSP_onereq_get0_id(
		    OCSP_request_onereq_get0(req, i)), &b);
	printf("%s.id=%s\n", name, m < 0 ? "unknown" : n == m &&
	    memcmp(a, b, (size_t)n) == 0 &&
	    memmem(in->data, in->len, a, (size_t)n) != NULL ? "echoed" :
	    "differs");
	OPENSSL_free(a);
	OPENSSL_free(b);
}

static void
show_single(OCSP_BASICRESP *basic, int i, const struct buf *in,
    OCSP_REQUEST *req)
{
	OCSP_SINGLERESP *s = OCSP_resp_get0(basic, i);
	ASN1_GENERALIZEDTIME *rev = NULL, *this = NULL, *next = NULL;
	char name[32], sub[64];
	int reason = -1;
	int status = OCSP_single_get0_status(s, &reason, &rev, &this, &next);

	snprintf(name, sizeof name, "single.%d", i);
	printf("%s.status=%s\n", name, OCSP_cert_status_str(status));
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		printf("%s.reason=%d\n", name, reason);
		snprintf(sub, sizeof sub, "%s.revoked", name);
		show_time(sub, rev);
	}
	snprintf(sub, sizeof sub, "%s.this", name);
	show_time(sub, this);
	snprintf(sub, sizeof sub, "%s.next", name);
	show_time(sub, next);
	show_id(name, OCSP_SINGLERESP_get0_id(s), in, req, i);
	snprintf(sub, sizeof sub, "%s.ext", name);
	for (int k = 0; k < OCSP_SINGLERESP_get_ext_count(s); k++)
		show_ext(sub, OCSP_SINGLERESP_get_ext(s, k));
}

static void
show_signer(OCSP_BASICRESP *basic, X509 *issuer)
{
	const STACK_OF(X509) *certs = OCSP_resp_get0_certs(basic);
	X509 *c = certs != NULL && sk_X509_num(certs) > 0 ?
	    sk_X509_value(certs, 0) : NULL;
	const ASN1_OCTET_STRING *key_hash = NULL;
	const X509_NAME *by_name = NULL;
	uint8_t hash[20];
	ASN1_BIT_STRING *bits;
	EXTENDED_KEY_USAGE *eku;
	X509_EXTENSION *e;
	int at, days, secs;

	printf("certs=%d\n", certs != NULL ? sk_X509_num(certs) : 0);
	OCSP_resp_get0_id(basic, &key_hash, &by_name);
	printf("responder=%s\n", key_hash != NULL ? "byKey" : "byName");
	if (c == NULL)
		return;
	bits = X509_get0_pubkey_bitstr(c);
	EVP_Digest(bits->data, (size_t)bits->length, hash, NULL, EVP_sha1(),
	    NULL);
	printf("responder_matches=%s\n", key_hash != NULL &&
	    ASN1_STRING_length(key_hash) == 20 &&
	    memcmp(ASN1_STRING_get0_data(key_hash), hash, 20) == 0 ? "yes" :
	    "no");
	printf("signer.issued_by_ca=%s\n", X509_verify(c,
	    X509_get0_pubkey(issuer)) == 1 ? "yes" : "no");
	eku = X509_get_ext_d2i(c, NID_ext_key_usage, NULL, NULL);
	printf("signer.eku=%s\n", eku != NULL &&
	    sk_ASN1_OBJECT_num(eku) == 1 && OBJ_obj2nid(
	    sk_ASN1_OBJECT_value(eku, 0)) == NID_OCSP_sign ?
	    "OCSPSigning only" : "other");
	EXTENDED_KEY_USAGE_free(eku);
	printf("signer.ku=%#x\n", X509_get_key_usage(c));
	printf("signer.ca=%d\n", X509_check_ca(c));
	at = X509_get_ext_by_NID(c, NID_id_pkix_OCSP_noCheck, -1);
	e = at >= 0 ? X509_get_ext(c, at) : NULL;
	if (e != NULL)
		show_ext("signer.nocheck", e);
	printf("signer.cdp=%s\n", X509_get_ext_by_NID(c,
	    NID_crl_distribution_points, -1) >= 0 ? "yes" : "no");
	printf("signer.aia=%s\n", X509_get_ext_by_NID(c, NID_info_access,
	    -1) >= 0 ? "yes" : "no");
	ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(c),
	    X509_get0_notAfter(c));
	printf("signer.days=%d\n", days);
	ASN1_TIME_diff(&days, &secs, OCSP_resp_get0_produced_at(basic),
	    X509_get0_notAfter(c));
	printf("signer.left=%lld\n", days * 86400LL + secs);
	show_hex("signer.serial", X509_get0_serialNumber(c)->data,
	    (size_t)X509_get0_serialNumber(c)->length);
	printf("signature=%s\n", OCSP_basic_verify(basic,
	    (STACK_OF(X509) *)(uintptr_t)certs, NULL,
	    OCSP_NOVERIFY | OCSP_TRUSTOTHER) == 1 ? "ok" : "bad");
}

/* BasicOCSPResponse { ResponseData { [0] version? … */
static void
show_version(OCSP_BASICRESP *basic)
{
	unsigned char *der = NULL;
	const unsigned char *p;
	int n = i2d_OCSP_BASICRESP(basic, &der), tag, cls;
	long len;

	p = der;
	ASN1_get_object(&p, &len, &tag, &cls, n);
	ASN1_get_object(&p, &len, &tag, &cls, len);
	printf("version=%s\n", *p == 0xa0 ? "present" : "absent");
	OPENSSL_free(der);
}

static void
show_basic(OCSP_BASICRESP *basic, X509 *issuer, const struct buf *in,
    OCSP_REQUEST *req)
{
	show_version(basic);
	show_time("produced", OCSP_resp_get0_produced_at(basic));
	show_signer(basic, issuer);
	printf("singles=%d\n", OCSP_resp_count(basic));
	for (int i = 0; i < OCSP_resp_count(basic); i++)
		show_single(basic, i, in, req);
	for (int i = 0; i < OCSP_BASICRESP_get_ext_count(basic); i++)
		show_ext("ext", OCSP_BASICRESP_get_ext(basic, i));
	if (req != NULL)
		printf("nonce=%d\n", OCSP_check_nonce(req, basic));
}

static int
cmd_show(int argc, char **argv)
{
	AUTO(X509) *issuer = load_pem(argv[1]);
	AUTO(OCSP_REQUEST) *req = NULL;
	AUTO(OCSP_BASICRESP) *basic = NULL;
	AUTO(OCSP_RESPONSE) *r = NULL;
	struct buf in, rq;
	const unsigned char *p;
	unsigned char *again = NULL;

	load(argv[2], &in);
	p = in.data;
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)in.len);
	if (r == NULL)
		die("not an OCSPResponse");
	printf("bytes=%zu\ntrailing=%zu\n", in.len,
	    in.len - (size_t)(p - in.data));
	printf("der=%s\n", i2d_OCSP_RESPONSE(r, &again) == (int)in.len &&
	    memcmp(again, in.data, in.len) == 0 ? "yes" : "no");
	OPENSSL_free(again);
	printf("status=%d\n", OCSP_response_status(r));
	basic = OCSP_response_get1_basic(r);
	ERR_clear_error();
	printf("body=%s\n", basic != NULL ? "basic" : "none");
	if (argc > 3) {
		load(argv[3], &rq);
		p = rq.data;
		req = d2i_OCSP_REQUEST(NULL, &p, (long)rq.len);
		buf_fini(&rq);
	}
	if (basic != NULL)
		show_basic(basic, issuer, &in, req);
	buf_fini(&in);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "make") == 0)
		return cmd_make(argc - 1, argv + 1);
	if (argc > 3 && strcmp(argv[1], "show") == 0)
		return cmd_show(argc - 1, argv + 1);
	die("make or show");
}
