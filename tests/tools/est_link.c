/* SPDX-License-Identifier: Apache-2.0 */
/* An EST client that signs each request for the connection it goes over, or
 * pretends to: proof of possession (RFC 7030 3.5, RFC 9266), the attributes of
 * RFC 7894, and renewals on one connection with a pause between them.
 *
 *   est_link PORT ROOT [LABEL/]OPERATION KEY OUT [name=value ...]
 *
 * Prints "status N" or "closed" for each request and leaves OUT.der (request),
 * OUT.out (body) and, after a 200, OUT.pem. Options:
 *   tls=1.2|1.3 ems=no   login=USER:SECRET   cert=PEM certkey=PEM
 *   names=PEM            subject and subjectAltName of that certificate
 *   challenge=WHAT       challengePassword; linking=WHAT: estIdentityLinking
 *   otp=TEXT revocation=TEXT   the other two attributes of RFC 7894
 *   type=printable|utf8|ia5|bmp   string type of these four
 *   change=PEM           ChangeSubjectName (RFC 6402 2.8) to its names
 *   times=N pause=1      requests on the connection; before each but the first
 *                        prints "again" and waits for a line of input
 * WHAT: binding (the right one), unique, exporter, stale (of another
 * connection), flip (one bit wrong), or text:WORDS. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/tools/est_client.h"

#define OID_CHALLENGE "1.2.840.113549.1.9.7"
#define OID_OTP "1.2.840.113549.1.9.16.2.56"
#define OID_REVOCATION "1.2.840.113549.1.9.16.2.57"
#define OID_LINKING "1.2.840.113549.1.9.16.2.58"
#define OID_CHANGE "1.3.6.1.5.5.7.7.36"

struct link {
	int argc;
	char **argv;
	const char *out;
	int port;
	SSL_CTX *ctx;
	SSL *s;
	EVP_PKEY *key;
	char stale[128];
};

static void
link_die(const char *what)
{
	fprintf(stderr, "est_link: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(2);
}

/* The last one of the name counts. */
static const char *
link_option(const struct link *l, const char *name)
{
	size_t n = strlen(name);
	int i;

	for (i = l->argc - 1; i >= 6; i--)
		if (strncmp(l->argv[i], name, n) == 0 && l->argv[i][n] == '=')
			return l->argv[i] + n + 1;
	return NULL;
}

static bool
link_is(const struct link *l, const char *name, const char *value)
{
	const char *v = link_option(l, name);

	return v != NULL && strcmp(v, value) == 0;
}

static FILE *
link_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (f == NULL)
		link_die(path);
	return f;
}

static X509 *
link_cert(const char *path)
{
	FILE *f = link_file(path, "r");
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);

	fclose(f);
	if (x == NULL)
		link_die(path);
	return x;
}

/* --- bindings --- */

static void
link_base64(const void *p, size_t n, char out[static 128])
{
	char *text = enc_base64_dup(p, n);

	snprintf(out, 128, "%s", text != NULL ? text : "");
	free(text);
}

/* The first Finished is the client's, there being no resumption: tls-unique of
 * RFC 5929. On TLS 1.3 the same bytes are a binding that nobody defined. */
static void
link_unique(SSL *s, char out[static 128])
{
	unsigned char cb[64];

	link_base64(cb, SSL_get_finished(s, cb, sizeof cb), out);
}

static void
link_exporter(SSL *s, char out[static 128])
{
	unsigned char cb[32];

	if (SSL_export_keying_material(s, cb, sizeof cb,
	    "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0,
	    1) != 1)
		link_die("no exporter");
	link_base64(cb, sizeof cb, out);
}

static void
link_binding(SSL *s, char out[static 128])
{
	if (SSL_version(s) == TLS1_3_VERSION)
		link_exporter(s, out);
	else
		link_unique(s, out);
}

static void
link_value(struct link *l, const char *what, char out[static 512])
{
	if (strncmp(what, "text:", 5) == 0)
		snprintf(out, 512, "%s", what + 5);
	else if (strcmp(what, "unique") == 0)
		link_unique(l->s, out);
	else if (strcmp(what, "exporter") == 0)
		link_exporter(l->s, out);
	else if (strcmp(what, "stale") == 0)
		snprintf(out, 512, "%s", l->stale);
	else
		link_binding(l->s, out);
	if (strcmp(what, "flip") == 0)
		out[0] = out[0] == 'A' ? 'B' : 'A';
}

/* --- requests --- */

static void
link_attribute(struct link *l, X509_REQ *r, const char *oid, const char *text)
{
	int type = link_is(l, "type", "utf8") ? V_ASN1_UTF8STRING :
	    link_is(l, "type", "ia5") ? V_ASN1_IA5STRING :
	    link_is(l, "type", "bmp") ? V_ASN1_BMPSTRING :
	    V_ASN1_PRINTABLESTRING;
	unsigned char wide[1024];
	size_t i, n = strlen(text);

	for (i = 0; i < n && i < sizeof wide / 2; i++) {
		wide[2 * i] = 0;
		wide[2 * i + 1] = (unsigned char)text[i];
	}
	if (X509_REQ_add1_attr_by_txt(r, oid, type, type == V_ASN1_BMPSTRING ?
	    wide : (const unsigned char *)text, (int)(type ==
	    V_ASN1_BMPSTRING ? 2 * i : n)) != 1)
		link_die(oid);
}

static void
link_names(X509_REQ *r, X509 *like)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	int i = X509_get_ext_by_NID(like, NID_subject_alt_name, -1);

	X509_REQ_set_subject_name(r, X509_get_subject_name(like));
	if (i >= 0) {
		sk_X509_EXTENSION_push(exts, X509_get_ext(like, i));
		X509_REQ_add_extensions(r, exts);
	}
	sk_X509_EXTENSION_free(exts);
}

/* SEQUENCE { subject, subjectAlt OPTIONAL }, put together by hand: a template
 * of ours would agree with the reader of ours. */
static void
link_change(X509_REQ *r, X509 *to)
{
	unsigned char body[2048], der[2052], *p = body;
	int i = X509_get_ext_by_NID(to, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *san = i < 0 ? NULL :
	    X509_EXTENSION_get_data(X509_get_ext(to, i));
	size_t n;

	if (i2d_X509_NAME(X509_get_subject_name(to), NULL) > 1024 ||
	    i2d_X509_NAME(X509_get_subject_name(to), &p) <= 0 ||
	    (san != NULL && ASN1_STRING_length(san) > 1024))
		link_die("names too long");
	if (san != NULL) {
		memcpy(p, ASN1_STRING_get0_data(san),
		    (size_t)ASN1_STRING_length(san));
		p += ASN1_STRING_length(san);
	}
	n = (size_t)(p - body);
	der[0] = 0x30;
	i = n < 128 ? 1 : n < 256 ? 2 : 3;
	der[1] = (unsigned char)(i == 1 ? n : 0x7f + (unsigned)i);
	if (i == 2)
		der[2] = (unsigned char)n;
	if (i == 3) {
		der[2] = (unsigned char)(n >> 8);
		der[3] = (unsigned char)n;
	}
	memcpy(der + 1 + i, body, n);
	if (X509_REQ_add1_attr_by_txt(r, OID_CHANGE, V_ASN1_SEQUENCE, der,
	    1 + i + (int)n) != 1)
		link_die("ChangeSubjectName");
}

static void
link_linking(struct link *l, X509_REQ *r)
{
	static const struct {
		const char *option, *oid;
		bool computed;
	} known[] = {
		{ "challenge", OID_CHALLENGE, true },
		{ "linking", OID_LINKING, true },
		{ "otp", OID_OTP, false },
		{ "revocation", OID_REVOCATION, false },
	};
	char text[512];
	const char *v;
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		v = link_option(l, known[i].option);
		if (v == NULL)
			continue;
		if (known[i].computed)
			link_value(l, v, text);
		else
			snprintf(text, sizeof text, "%s", v);
		link_attribute(l, r, known[i].oid, text);
	}
}

static X509_REQ *
link_request(struct link *l)
{
	const char *names = link_option(l, "names");
	const char *change = link_option(l, "change");
	X509_REQ *r = X509_REQ_new();
	X509 *like;

	X509_REQ_set_pubkey(r, l->key);
	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN",
	    MBSTRING_ASC, (const unsigned char *)"ignored", -1, -1, 0);
	if (names != NULL) {
		like = link_cert(names);
		link_names(r, like);
		X509_free(like);
	}
	if (change != NULL) {
		like = link_cert(change);
		link_change(r, like);
		X509_free(like);
	}
	link_linking(l, r);
	if (X509_REQ_sign(r, l->key, EVP_sha256()) <= 0)
		link_die("signature");
	return r;
}

/* --- conversation --- */

static void
link_keep(const struct link *l, const char *ending, const void *p, size_t n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s.%s", l->out, ending);
	f = link_file(path, "w");
	fwrite(p, 1, n, f);
	fclose(f);
}

static void
link_keep_cert(const struct link *l, const char *body, size_t n)
{
	X509 *x = est_client_cert(body, n);
	char path[512];
	FILE *f;

	if (x == NULL) {
		printf("no single certificate\n");
		return;
	}
	snprintf(path, sizeof path, "%s.pem", l->out);
	f = link_file(path, "w");
	PEM_write_X509(f, x);
	fclose(f);
	X509_free(x);
}

static bool
link_once(struct link *l)
{
	static char answer[EST_CLIENT_ANSWER_MAX];
	char login[96], label[96], *op, *secret = NULL, *text;
	const char *v = link_option(l, "login"), *body;
	unsigned char *der = NULL;
	X509_REQ *r = link_request(l);
	int n = i2d_X509_REQ(r, &der), status = -1;
	size_t len;

	snprintf(label, sizeof label, "%s", l->argv[3]);
	op = strrchr(label, '/');
	if (op != NULL)
		*op++ = '\0';
	snprintf(login, sizeof login, "%s", v != NULL ? v : "");
	if (v != NULL && (secret = strchr(login, ':')) != NULL)
		*secret++ = '\0';
	link_keep(l, "der", der, (size_t)n);
	text = enc_base64_dup(der, (size_t)n);
	if (est_client_send(l->s, &(struct est_post){
	    .label = op != NULL ? label : "", .op = op != NULL ? op : label,
	    .body = text, .user = secret != NULL ? login : NULL,
	    .secret = secret, .keepalive = true }))
		status = est_client_read(l->s, answer, &body, &len);
	if (status < 0)
		printf("closed\n");
	else
		printf("status %d\n", status);
	if (status >= 0)
		link_keep(l, "out", body, len);
	if (status == 200)
		link_keep_cert(l, body, len);
	free(text);
	OPENSSL_free(der);
	X509_REQ_free(r);
	fflush(stdout);
	return status >= 0;
}

static void
link_setup(struct link *l)
{
	int version = link_is(l, "tls", "1.2") ? TLS1_2_VERSION :
	    link_is(l, "tls", "1.3") ? TLS1_3_VERSION : 0;
	const char *cert = link_option(l, "cert");
	FILE *f = link_file(l->argv[4], "r");

	l->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	l->ctx = est_client_ctx(l->argv[2]);
	if (l->key == NULL || l->ctx == NULL)
		link_die("key or root");
	SSL_CTX_set_min_proto_version(l->ctx, version);
	SSL_CTX_set_max_proto_version(l->ctx, version);
	if (link_is(l, "ems", "no"))
		SSL_CTX_set_options(l->ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	if (cert != NULL && (SSL_CTX_use_certificate_chain_file(l->ctx,
	    cert) != 1 || SSL_CTX_use_PrivateKey_file(l->ctx,
	    link_option(l, "certkey"), SSL_FILETYPE_PEM) != 1))
		link_die("client certificate");
}

int
main(int argc, char **argv)
{
	struct link l = { .argc = argc, .argv = argv };
	char line[16];
	int i, times;

	if (argc < 6)
		link_die("see the head of est_link.c");
	l.port = (int)strtol(argv[1], NULL, 10);
	l.out = argv[5];
	link_setup(&l);
	l.s = est_client_connect(l.ctx, l.port, NULL, NULL);
	if (l.s == NULL)
		link_die("no connection");
	link_binding(l.s, l.stale);
	est_client_close(l.s);
	l.s = est_client_connect(l.ctx, l.port, NULL, NULL);
	if (l.s == NULL)
		link_die("no connection");
	times = link_option(&l, "times") != NULL ?
	    (int)strtol(link_option(&l, "times"), NULL, 10) : 1;
	for (i = 0; i < times; i++) {
		if (i > 0 && link_option(&l, "pause") != NULL) {
			printf("again\n");
			fflush(stdout);
			if (fgets(line, sizeof line, stdin) == NULL)
				break;
		}
		if (!link_once(&l))
			break;
	}
	est_client_close(l.s);
	EVP_PKEY_free(l.key);
	SSL_CTX_free(l.ctx);
	return 0;
}
