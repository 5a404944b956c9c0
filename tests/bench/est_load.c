/* SPDX-License-Identifier: Apache-2.0 */
/* Load generator for EST servers: prepares keys and CSRs first, then posts them
 * from several threads, and says how long that took.
 *
 *   est_load --port N --ca FILE --threads N --secrets FILE [--keepalive]
 *            [--renew] [--label L] [--save DIR] [--baseline]
 *
 * secrets: lines "device secret". Each line is one enrollment with a key of its
 * own. --renew: afterwards each camera renews once with its new certificate,
 * timed apart. --baseline: answers are not looked at but for their status, and
 * renewal uses one self-signed certificate. One JSON line a phase. */
#include <argp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/tools/est_client.h"

struct camera {
	char device[80], secret[64];
	EVP_PKEY *key;
	X509 *cert;
	char *csr_b64, *renew_b64;
};

static struct {
	int port, threads;
	const char *ca, *secrets, *label;
	bool keepalive, renew, baseline;
	struct camera *cams;
	size_t n;
	SSL_CTX *ctx;
	atomic_size_t next, ok, bad, conns;
	atomic_int last_bad;
	bool renewing;
} L = { .threads = 8, .label = "" };

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
cameras_read(void)
{
	FILE *f = fopen(L.secrets, "r");
	size_t cap = 0;
	struct camera c;

	if (f == NULL) {
		perror(L.secrets);
		exit(1);
	}
	memset(&c, 0, sizeof c);
	while (fscanf(f, "%79s %63s", c.device, c.secret) == 2) {
		if (L.n == cap) {
			cap = cap != 0 ? cap * 2 : 1024;
			L.cams = realloc(L.cams, cap * sizeof *L.cams);
			if (L.cams == NULL)
				exit(1);
		}
		L.cams[L.n++] = c;
	}
	fclose(f);
}

static void *
prepare_thread(void *arg)
{
	size_t i;

	(void)arg;
	while ((i = atomic_fetch_add(&L.next, 1)) < L.n) {
		struct camera *c = &L.cams[i];

		if (!L.renewing) {
			c->key = EVP_EC_gen("P-256");
			c->csr_b64 = est_client_csr(c->key, NULL);
		} else if (c->cert != NULL) {
			EVP_PKEY *fresh = EVP_EC_gen("P-256");

			c->renew_b64 = est_client_csr(fresh, c->cert);
			EVP_PKEY_free(fresh);
		}
	}
	return NULL;
}

static void
in_threads(int n, void *(*fn)(void *))
{
	pthread_t t[256];
	int i;

	atomic_store(&L.next, 0);
	for (i = 0; i < n; i++)
		pthread_create(&t[i], NULL, fn, NULL);
	for (i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

static SSL *
load_connect(const struct camera *c)
{
	SSL *s = est_client_connect(L.ctx, L.port, L.renewing ? c->cert : NULL,
	    c->key);

	if (s != NULL)
		atomic_fetch_add(&L.conns, 1);
	return s;
}

static int
load_post(SSL *s, struct camera *c, char *buf)
{
	struct est_post p = { L.label, L.renewing ? "simplereenroll" :
	    "simpleenroll", L.renewing ? c->renew_b64 : c->csr_b64,
	    L.renewing ? NULL : c->device, c->secret, L.keepalive };
	const char *answer = NULL;
	size_t len = 0;
	int status;

	status = est_client_send(s, &p) ?
	    est_client_read(s, buf, &answer, &len) : -1;
	if (status == 200 && !L.baseline && !L.renewing) {
		c->cert = est_client_cert(answer, len);
		if (c->cert == NULL)
			status = -2;
	}
	return status;
}

static void *
load_thread(void *arg)
{
	char buf[EST_CLIENT_ANSWER_MAX];
	SSL *ssl = NULL;
	size_t i;
	int status;

	(void)arg;
	while ((i = atomic_fetch_add(&L.next, 1)) < L.n) {
		struct camera *c = &L.cams[i];

		if (L.renewing && c->renew_b64 == NULL)
			continue;
		if (ssl == NULL)
			ssl = load_connect(c);
		status = ssl != NULL ? load_post(ssl, c, buf) : -1;
		if (status == 200) {
			atomic_fetch_add(&L.ok, 1);
		} else {
			atomic_fetch_add(&L.bad, 1);
			atomic_store(&L.last_bad, status);
		}
		if (!L.keepalive || status != 200) {
			est_client_close(ssl);
			ssl = NULL;
		}
		ERR_clear_error();
	}
	est_client_close(ssl);
	return NULL;
}

static void
phase(const char *name)
{
	double t;

	atomic_store(&L.ok, 0);
	atomic_store(&L.bad, 0);
	atomic_store(&L.conns, 0);
	t = now_s();
	in_threads(L.threads, load_thread);
	t = now_s() - t;
	printf("{\"phase\":\"%s\",\"ok\":%zu,\"failed\":%zu,\"last_failure\":%d,"
	    "\"seconds\":%.3f,\"rate\":%.1f,\"connections\":%zu}\n", name,
	    atomic_load(&L.ok), atomic_load(&L.bad), atomic_load(&L.last_bad),
	    t, (double)atomic_load(&L.ok) / t, atomic_load(&L.conns));
	fflush(stdout);
}

/* The baseline server gives no certificates: one of our own will do, so that
 * its handshakes carry a client certificate too. */
static X509 *
self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"load", -1, -1, 0);
	X509_set_issuer_name(x, n);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	return x;
}

static const struct argp_option options[] = {
	{ "port", 'p', "N", 0, "", 0 },
	{ "ca", 'c', "FILE", 0, "root of the server", 0 },
	{ "threads", 't', "N", 0, "", 0 },
	{ "secrets", 's', "FILE", 0, "", 0 },
	{ "label", 'l', "L", 0, "", 0 },
	{ "keepalive", 'k', NULL, 0, "", 0 },
	{ "renew", 'r', NULL, 0, "", 0 },
	{ "baseline", 'b', NULL, 0, "", 0 },
	{ 0 }
};

static error_t
parse(int key, char *arg, struct argp_state *st)
{
	(void)st;
	switch (key) {
	case 'p': L.port = (int)strtol(arg, NULL, 10); break;
	case 'c': L.ca = arg; break;
	case 't': L.threads = (int)strtol(arg, NULL, 10); break;
	case 's': L.secrets = arg; break;
	case 'l': L.label = arg; break;
	case 'k': L.keepalive = true; break;
	case 'r': L.renew = true; break;
	case 'b': L.baseline = true; break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, parse, NULL, NULL, NULL,
	    NULL, NULL };
	size_t i;

	argp_parse(&parser, argc, argv, 0, NULL, NULL);
	L.ctx = est_client_ctx(L.ca);
	if (L.ctx == NULL)
		return 1;
	cameras_read();
	in_threads(2, prepare_thread);
	phase("enroll");
	if (L.renew) {
		L.renewing = true;
		for (i = 0; L.baseline && i < L.n; i++)
			L.cams[i].cert = self_signed(L.cams[i].key);
		in_threads(2, prepare_thread);
		phase("reenroll");
	}
	return atomic_load(&L.bad) == 0 ? 0 : 1;
}
