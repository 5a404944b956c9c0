/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for camcad where only camca-gate is tested: the same socket, a
 * throwaway CA, answers that the EST label chooses.
 *
 *   mock_authority SOCKET FOLDER
 *
 * FOLDER gets root.pem, ski (of the CA) and calls.log: each call as one line.
 * Labels: "" and "cam" plain; "flat", "wrap" and "nocte" set the layout; "none"
 * has no attributes; "pending" answers 202, "busy" 503, "slow" after 400 ms;
 * "pop" answers that proof of possession was used; "canned" gives always the
 * same certificate at no cost; "broken" answers nonsense. Any other: 404.
 * Login: user "dev1", password "secret"; or a certificate of the CA. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "ca/base/auto.h"
#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/frame.h"

#define MOCK_CLIENTS 8
#define MOCK_DELAYED 256
#define MOCK_SLOW_MS 400

struct delayed {
	int64_t due_ms;      /* 0: free */
	int client;
	json_t *answer;
};

struct mock {
	EVP_PKEY *key;
	X509 *root;
	char ski[41];
	char *bag;           /* cacerts, base64 */
	char *canned;
	int listen_fd;
	FILE *log;
	struct pollfd fd[MOCK_CLIENTS];
	struct buf in[MOCK_CLIENTS];
	struct delayed delayed[MOCK_DELAYED];
};

static int64_t
mock_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
mock_die(const char *what)
{
	fprintf(stderr, "mock_authority: %s\n", what);
	exit(1);
}

/* --- certificates --- */

static void
mock_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
	AUTO(X509_EXTENSION) *e = NULL;
	X509V3_CTX v3;

	X509V3_set_ctx(&v3, issuer, c, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
	if (e == NULL || X509_add_ext(c, e, -1) != 1)
		mock_die("extension");
}

static X509 *
mock_cert(struct mock *m, EVP_PKEY *key, const char *cn, long life_s)
{
	X509 *c = X509_new();
	X509_NAME *name = X509_get_subject_name(c);
	unsigned char serial[8];
	AUTO(BIGNUM) *bn = NULL;

	if (RAND_bytes(serial, sizeof serial) != 1)
		mock_die("random");
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40);
	bn = BN_bin2bn(serial, sizeof serial, NULL);
	X509_set_version(c, 2);
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(c));
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(c), -60);
	X509_gmtime_adj(X509_getm_notAfter(c), life_s);
	X509_set_issuer_name(c, m->root != NULL ?
	    X509_get_subject_name(m->root) : name);
	X509_set_pubkey(c, key);
	return c;
}

static void
mock_make_root(struct mock *m)
{
	const ASN1_OCTET_STRING *ski;

	m->key = EVP_EC_gen("P-256");
	m->root = mock_cert(m, m->key, "mock root", 30 * 86400);
	mock_extension(m->root, m->root, NID_basic_constraints,
	    "critical,CA:TRUE");
	mock_extension(m->root, m->root, NID_key_usage,
	    "critical,keyCertSign,cRLSign");
	mock_extension(m->root, m->root, NID_subject_key_identifier, "hash");
	if (X509_sign(m->root, m->key, EVP_sha256()) <= 0)
		mock_die("root");
	ski = X509_get0_subject_key_id(m->root);
	enc_hex(m->ski, ASN1_STRING_get0_data(ski), 20);
}

static X509 *
mock_leaf(struct mock *m, X509_REQ *req, const char *san, long life_s)
{
	X509 *c = mock_cert(m, X509_REQ_get0_pubkey(req), "mock leaf", life_s);

	mock_extension(c, m->root, NID_basic_constraints, "critical,CA:FALSE");
	if (san != NULL)
		mock_extension(c, m->root, NID_subject_alt_name, san);
	if (X509_sign(c, m->key, EVP_sha256()) <= 0)
		mock_die("leaf");
	return c;
}

/* Certs-only SignedData, base64; malloc'd. */
static char *
mock_bag(X509 *cert, int copies)
{
	PKCS7 *p7 = PKCS7_new();
	unsigned char *der = NULL;
	char *text;
	int n, i;

	PKCS7_set_type(p7, NID_pkcs7_signed);
	PKCS7_content_new(p7, NID_pkcs7_data);
	for (i = 0; i < copies; i++)
		PKCS7_add_certificate(p7, cert);
	n = i2d_PKCS7(p7, &der);
	text = n > 0 ? enc_base64_dup(der, (size_t)n) : NULL;
	OPENSSL_free(der);
	PKCS7_free(p7);
	if (text == NULL)
		mock_die("bag");
	return text;
}

static X509_REQ *
mock_request(const json_t *args)
{
	const char *text = json_string_value(json_object_get(args, "csr"));
	const unsigned char *p;
	X509_REQ *req = NULL;
	struct buf der;

	buf_init(&der, 0);
	if (text != NULL && dec_base64(&der, text, strlen(text), 0) == 0 &&
	    der.len > 0) {
		p = der.data;
		req = d2i_X509_REQ(NULL, &p, (long)der.len);
	}
	buf_fini(&der);
	return req;
}

static char *
mock_pem(X509 *a, X509 *b)
{
	AUTO(BIO) *mem = BIO_new(BIO_s_mem());
	char *p, *text;
	long n;

	PEM_write_bio_X509(mem, a);
	if (b != NULL)
		PEM_write_bio_X509(mem, b);
	n = BIO_get_mem_data(mem, &p);
	text = strndup(p, (size_t)n);
	return text;
}

/* --- operations: a result, or an error --- */

static json_t *
mock_error(int http, const char *code, const char *detail, int retry_after)
{
	json_t *e = json_pack("{s:s, s:i, s:s}", "code", code, "http", http,
	    "detail", detail);

	if (retry_after > 0)
		json_object_set_new(e, "retry_after",
		    json_integer(retry_after));
	return json_pack("{s:o}", "error", e);
}

static json_t *
mock_bag_result(const char *label, const char *bag, int pop)
{
	const char *layout = strcmp(label, "flat") == 0 ||
	    strcmp(label, "wrap") == 0 ? label : "auto";

	return json_pack("{s:{s:s, s:s, s:b, s:b, s:s}}", "result",
	    "der", strcmp(label, "broken") == 0 ? "%%%" : bag,
	    "base64", layout, "cte", strcmp(label, "nocte") != 0, "pop", pop,
	    "etag", "0123abcd");
}

static json_t *
mock_csrattrs(const char *label)
{
	/* The worked example of RFC 8951 section 4. */
	static const char example[] = "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSu"
	    "BBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw==";

	if (strcmp(label, "none") == 0)
		return json_pack("{s:{s:s, s:b}}", "result", "base64", "auto",
		    "cte", 1);
	return json_pack("{s:{s:s, s:s, s:b}}", "result", "der", example,
	    "base64", "auto", "cte", 1);
}

/* Is the first certificate of the chain one of ours? */
static int
mock_chain_ok(struct mock *m, json_t *chain)
{
	const char *text = json_string_value(json_array_get(chain, 0));
	const unsigned char *p;
	AUTO(X509) *leaf = NULL;
	struct buf der;

	buf_init(&der, 0);
	if (text != NULL && dec_base64(&der, text, strlen(text), 0) == 0) {
		p = der.data;
		leaf = d2i_X509(NULL, &p, (long)der.len);
	}
	buf_fini(&der);
	return leaf != NULL && X509_verify(leaf, m->key) == 1;
}

static json_t *
mock_login(struct mock *m, const json_t *args)
{
	json_t *chain = json_object_get(args, "chain");
	const char *user = json_string_value(json_object_get(args, "user"));
	const char *pw = json_string_value(json_object_get(args, "password"));

	if (chain != NULL && user == NULL)
		return mock_chain_ok(m, chain) ? NULL : mock_error(403,
		    "client.unknown", "The client certificate is not known.",
		    0);
	if (user == NULL)
		return mock_error(401, "auth.required",
		    "Authentication is required.", 0);
	if (strcmp(user, "dev1") != 0 || strcmp(pw, "secret") != 0)
		return mock_error(401, "secret.refused",
		    "The secret is not valid.", 0);
	return NULL;
}

static json_t *
mock_enroll(struct mock *m, const json_t *args, const char *label)
{
	AUTO(X509_REQ) *req = NULL;
	AUTO(X509) *leaf = NULL;
	json_t *answer;
	char *bag;

	answer = mock_login(m, args);
	if (answer != NULL)
		return answer;
	if (strcmp(label, "pending") == 0)
		return mock_error(202, "enroll.pending",
		    "The request waits for approval.", 7);
	if (strcmp(label, "busy") == 0)
		return mock_error(503, "system.hsm",
		    "The HSM does not answer; try again later.", 11);
	if (strcmp(label, "pop") == 0 &&
	    json_is_true(json_object_get(args, "pop_used")))
		return mock_error(403, "pop.binding-reused",
		    "The channel binding has been used already.", 0);
	if (strcmp(label, "canned") == 0)
		return mock_bag_result(label, m->canned, 0);
	req = mock_request(args);
	if (req == NULL)
		return mock_error(400, "csr.malformed", "No PKCS#10.", 0);
	leaf = mock_leaf(m, req, NULL, 86400);
	bag = mock_bag(leaf, 1);
	answer = mock_bag_result(label, bag, strcmp(label, "pop") == 0);
	free(bag);
	return answer;
}

static json_t *
mock_certify(struct mock *m, const json_t *args)
{
	AUTO(X509_REQ) *req = mock_request(args);
	AUTO(X509) *leaf = NULL;
	char *chain, *root;
	json_t *answer;

	if (req == NULL)
		return mock_error(400, "csr.malformed", "No PKCS#10.", 0);
	leaf = mock_leaf(m, req, "DNS:localhost,IP:127.0.0.1,IP:::1", 86400);
	chain = mock_pem(leaf, NULL);
	root = mock_pem(m->root, NULL);
	answer = json_pack("{s:{s:s, s:s}}", "result", "chain", chain, "root",
	    root);
	free(chain);
	free(root);
	return answer;
}

static char *
mock_crl(struct mock *m)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *der = NULL;
	char *text;
	int n;

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(m->root));
	X509_gmtime_adj(t, 0);
	X509_CRL_set1_lastUpdate(crl, t);
	X509_gmtime_adj(t, 86400);
	X509_CRL_set1_nextUpdate(crl, t);
	X509_CRL_sign(crl, m->key, EVP_sha256());
	n = i2d_X509_CRL(crl, &der);
	text = enc_base64_dup(der, n > 0 ? (size_t)n : 0);
	OPENSSL_free(der);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return text;
}

static json_t *
mock_download(struct mock *m, const char *op, const json_t *args)
{
	const char *ski = json_string_value(json_object_get(args, "ski"));
	char from[CTX_TIME_LEN], until[CTX_TIME_LEN];
	int64_t now = ctx_now_ms(&camca_ctx_system);
	unsigned char *der = NULL;
	json_t *answer;
	char *text;
	int n;

	if (ski == NULL || strcmp(ski, m->ski) != 0)
		return mock_error(404, "ca.unknown", "There is no such CA.",
		    0);
	ctx_time_format(from, now);
	ctx_time_format(until, now + 86400000);
	if (strcmp(op, "crl.get") == 0) {
		text = mock_crl(m);
		answer = json_pack("{s:{s:s, s:i, s:s, s:s}}", "result",
		    "der", text, "number", 1, "this_update", from,
		    "next_update", until);
	} else {
		n = i2d_X509(m->root, &der);
		text = enc_base64_dup(der, n > 0 ? (size_t)n : 0);
		OPENSSL_free(der);
		answer = json_pack("{s:{s:s}}", "result", "der", text);
	}
	free(text);
	return answer;
}

static int
mock_label_known(const char *label)
{
	static const char *const labels[] = { "", "cam", "flat", "wrap",
	    "nocte", "none", "pending", "busy", "slow", "pop", "canned",
	    "broken" };
	size_t i;

	for (i = 0; i < sizeof labels / sizeof labels[0]; i++)
		if (strcmp(labels[i], label) == 0)
			return 1;
	return 0;
}

static json_t *
mock_answer(struct mock *m, const char *op, const json_t *args,
    const char *label)
{
	if (strncmp(op, "est.", 4) == 0 && strcmp(op, "est.refused") != 0 &&
	    !mock_label_known(label))
		return mock_error(404, "est.no-such-label",
		    "There is no such label.", 0);
	if (strcmp(op, "est.cacerts") == 0)
		return mock_bag_result(label, m->bag, 0);
	if (strcmp(op, "est.csrattrs") == 0)
		return mock_csrattrs(label);
	if (strcmp(op, "est.enroll") == 0 || strcmp(op, "est.reenroll") == 0)
		return mock_enroll(m, args, label);
	if (strcmp(op, "est.refused") == 0)
		return json_pack("{s:{}}", "result");
	if (strcmp(op, "gate.certify") == 0)
		return mock_certify(m, args);
	if (strcmp(op, "ca.certificate") == 0 || strcmp(op, "crl.get") == 0)
		return mock_download(m, op, args);
	return mock_error(400, "request.operation", "No such operation.", 0);
}

/* --- socket --- */

static void
mock_send(struct mock *m, int i, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	if (m->fd[i].fd >= 0 &&
	    frame_write(m->fd[i].fd, text, strlen(text)) < 0)
		fprintf(stderr, "mock_authority: client gone\n");
	free(text);
	json_decref(answer);
}

static void
mock_delay(struct mock *m, int i, json_t *answer)
{
	size_t k;

	for (k = 0; k < MOCK_DELAYED; k++) {
		if (m->delayed[k].due_ms != 0)
			continue;
		m->delayed[k].due_ms = mock_now_ms() + MOCK_SLOW_MS;
		m->delayed[k].client = i;
		m->delayed[k].answer = answer;
		return;
	}
	mock_send(m, i, answer);
}

static void
mock_log(struct mock *m, const json_t *call, const char *label)
{
	/* Load tests would write more than they measure. */
	if (strcmp(label, "canned") == 0)
		return;
	json_dumpf(call, m->log, JSON_COMPACT | JSON_SORT_KEYS);
	fputc('\n', m->log);
	fflush(m->log);
}

static void
mock_call(struct mock *m, int i, const uint8_t *p, size_t n)
{
	json_t *call = json_loadb((const char *)p, n, 0, NULL), *answer, *args;
	const char *op, *label;

	if (call == NULL)
		mock_die("malformed call");
	op = json_string_value(json_object_get(call, "op"));
	args = json_object_get(call, "args");
	label = json_string_value(json_object_get(args, "label"));
	if (op == NULL || !json_is_object(args))
		mock_die("malformed call");
	label = label != NULL ? label : "";
	mock_log(m, call, label);
	answer = mock_answer(m, op, args, label);
	json_object_set(answer, "id", json_object_get(call, "id"));
	if (strcmp(label, "slow") == 0)
		mock_delay(m, i, answer);
	else
		mock_send(m, i, answer);
	json_decref(call);
}

static void
mock_read(struct mock *m, int i)
{
	const uint8_t *p;
	ssize_t r;
	size_t n;

	if (buf_reserve(&m->in[i], 65536) < 0)
		mock_die("memory");
	r = recv(m->fd[i].fd, m->in[i].data + m->in[i].len, 65536, 0);
	if (r <= 0) {
		close(m->fd[i].fd);
		m->fd[i].fd = -1;
		buf_fini(&m->in[i]);
		return;
	}
	m->in[i].len += (size_t)r;
	while (frame_peek(&m->in[i], &p, &n) > 0) {
		mock_call(m, i, p, n);
		buf_shift(&m->in[i], 4 + n);
	}
}

static void
mock_accept(struct mock *m)
{
	int i, fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	for (i = 1; i < MOCK_CLIENTS && fd >= 0; i++) {
		if (m->fd[i].fd >= 0)
			continue;
		m->fd[i].fd = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static int
mock_timers(struct mock *m)
{
	int64_t now = mock_now_ms();
	int timeout = -1;
	size_t k;

	for (k = 0; k < MOCK_DELAYED; k++) {
		if (m->delayed[k].due_ms == 0)
			continue;
		if (m->delayed[k].due_ms > now) {
			timeout = 10;
			continue;
		}
		m->delayed[k].due_ms = 0;
		mock_send(m, m->delayed[k].client, m->delayed[k].answer);
	}
	return timeout;
}

static void
mock_listen(struct mock *m, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	unlink(path);
	m->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(m->listen_fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
	    listen(m->listen_fd, 16) != 0)
		mock_die("cannot listen");
}

/* A CA made by an earlier run in the same folder is used again: the gate's
 * certificate then stays good over a restart of this program. */
static void
mock_load_root(struct mock *m, const char *dir)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/mock-ca.pem", dir);
	f = fopen(path, "r");
	if (f != NULL) {
		m->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		m->root = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
		if (m->key == NULL || m->root == NULL)
			mock_die("mock-ca.pem");
		enc_hex(m->ski, ASN1_STRING_get0_data(
		    X509_get0_subject_key_id(m->root)), 20);
		return;
	}
	mock_make_root(m);
	f = fopen(path, "w");
	if (f == NULL || PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL,
	    NULL) != 1 || PEM_write_X509(f, m->root) != 1 || fclose(f) != 0)
		mock_die("mock-ca.pem");
}

static void
mock_files(struct mock *m, const char *dir)
{
	char path[512], *pem = mock_pem(m->root, NULL);

	snprintf(path, sizeof path, "%s/root.pem", dir);
	if (file_replace(path, pem, strlen(pem), 0644) < 0)
		mock_die("root.pem");
	free(pem);
	snprintf(path, sizeof path, "%s/ski", dir);
	if (file_replace(path, m->ski, 40, 0644) < 0)
		mock_die("ski");
	snprintf(path, sizeof path, "%s/calls.log", dir);
	m->log = fopen(path, "a");
	if (m->log == NULL)
		mock_die("calls.log");
}

int
main(int argc, char **argv)
{
	static struct mock m;
	int i, timeout = -1;

	if (argc != 3)
		mock_die("usage: mock_authority SOCKET FOLDER");
	signal(SIGPIPE, SIG_IGN);
	mock_load_root(&m, argv[2]);
	m.bag = mock_bag(m.root, 5);
	m.canned = mock_bag(m.root, 1);
	mock_files(&m, argv[2]);
	mock_listen(&m, argv[1]);
	for (i = 0; i < MOCK_CLIENTS; i++) {
		m.fd[i].fd = i == 0 ? m.listen_fd : -1;
		m.fd[i].events = POLLIN;
		buf_init(&m.in[i], 4u * FRAME_MAX);
	}
	while (poll(m.fd, MOCK_CLIENTS, timeout) >= 0 || errno == EINTR) {
		for (i = 1; i < MOCK_CLIENTS; i++)
			if (m.fd[i].fd >= 0 && m.fd[i].revents != 0)
				mock_read(&m, i);
		if (m.fd[0].revents != 0)
			mock_accept(&m);
		timeout = mock_timers(&m);
	}
	return 1;
}
