/* SPDX-License-Identifier: Apache-2.0 */
/* Cameras that do not give up: many enroll at once, and whoever gets "try again
 * later", or loses the connection, asks again with the same key, as RFC 7030
 * clients do. What they received is written down, to be compared with what the
 * authority has on record.
 *
 *   est_storm --ports FILE --ca FILE --secrets FILE --out FILE [--threads N]
 *             [--drop N] [--patience S] [--again]
 *
 * ports: STATE/gate/ports, read before each connection, since a gate that was
 * started again may have another one. secrets: lines "device secret". out: lines
 * "device serial spki-sha256", one for each certificate received, written
 * before the count on standard output goes up by it. --drop N: the answer to
 * each N-th request is not waited for. --patience S: seconds without any
 * success before the storm ends as failed. --again: at the end each camera asks
 * once more with its key, and must be handed the certificate that it has.
 *
 * Standard output: the count after each success, then one JSON line. */
#include <argp.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/tools/est_client.h"

#define STORM_THREADS_MAX 256
#define STORM_PAUSE_MAX_MS 320

struct camera {
	char device[80], secret[64];
	EVP_PKEY *key;
	char *csr;
	char serial[48];         /* "": has no certificate yet */
};

struct storm {
	const char *ports, *ca, *secrets, *out;
	int threads, drop, patience_s;
	bool again, second;
	SSL_CTX *ctx;
	struct camera *cams;
	size_t n;
	int out_fd;
	pthread_mutex_t lock;    /* guards the two outputs and done */
	size_t done;
	atomic_size_t next, posts, busy, broken, dropped, refused, changed;
	atomic_llong last_ok_ms;
};

static long long
storm_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
storm_pause(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* 0: there is no gate. */
static int
storm_port(const struct storm *t)
{
	FILE *f = fopen(t->ports, "r");
	int port = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "est %d", &port) != 1)
		port = 0;
	fclose(f);
	return port;
}

static bool
storm_read_secrets(struct storm *t)
{
	FILE *f = fopen(t->secrets, "r");
	struct camera c, *more;
	size_t cap = 0;

	if (f == NULL)
		return false;
	memset(&c, 0, sizeof c);
	while (fscanf(f, "%79s %63s", c.device, c.secret) == 2) {
		if (t->n == cap) {
			cap = cap != 0 ? cap * 2 : 1024;
			more = realloc(t->cams, cap * sizeof *more);
			if (more == NULL)
				break;
			t->cams = more;
		}
		t->cams[t->n++] = c;
	}
	fclose(f);
	return t->n > 0;
}

/* ---- one camera ---- */

static bool
storm_names(X509 *x, char serial[static 48], char spki[static 65])
{
	AUTO(BIGNUM) *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	unsigned char *der = NULL, hash[32], bytes[20];
	int n;

	if (bn == NULL || BN_bn2binpad(bn, bytes, sizeof bytes) < 0)
		return false;
	enc_hex(serial, bytes, sizeof bytes);
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	if (n <= 0)
		return false;
	EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	enc_hex(spki, hash, sizeof hash);
	return true;
}

/* A certificate was received: it is written down before anybody may count it,
 * for what is counted decides when the authority dies. */
static void
storm_received(struct storm *t, struct camera *c, X509 *x)
{
	char serial[48], spki[65], line[256];
	int n;

	if (x == NULL || X509_check_private_key(x, c->key) != 1 ||
	    !storm_names(x, serial, spki)) {
		atomic_fetch_add(&t->refused, 1);
		fprintf(stderr, "%s: no certificate for its key\n", c->device);
		return;
	}
	if (t->second && strcmp(serial, c->serial) != 0)
		atomic_fetch_add(&t->changed, 1);
	memcpy(c->serial, serial, sizeof serial);
	atomic_store(&t->last_ok_ms, storm_now_ms());
	pthread_mutex_lock(&t->lock);
	n = snprintf(line, sizeof line, "%s %s %s\n", c->device, serial, spki);
	if (write(t->out_fd, line, (size_t)n) != n)
		perror(t->out);
	t->done++;
	if (!t->second) {
		printf("%zu\n", t->done);
		fflush(stdout);
	}
	pthread_mutex_unlock(&t->lock);
}

/* One request: its status, -1 where the connection broke, 0 where it was
 * dropped on purpose. */
static int
storm_post(struct storm *t, struct camera *c, char *buf)
{
	struct est_post p = { "", "simpleenroll", c->csr, c->device,
	    c->secret, false };
	size_t n = atomic_fetch_add(&t->posts, 1) + 1, len = 0;
	SSL *s = est_client_connect(t->ctx, storm_port(t), NULL, NULL);
	const char *body = NULL;
	AUTO(X509) *x = NULL;
	int status = -1;

	if (s != NULL && est_client_send(s, &p)) {
		status = t->drop > 0 && !t->second &&
		    n % (size_t)t->drop == 0 ? 0 :
		    est_client_read(s, buf, &body, &len);
	}
	if (status == 200) {
		x = est_client_cert(body, len);
		storm_received(t, c, x);
	} else if (status > 0 && status != 503 && status != 429) {
		fprintf(stderr, "%s: %d %.*s", c->device, status, (int)len,
		    body);
	}
	est_client_close(s);
	ERR_clear_error();
	return status;
}

static bool
storm_lost_patience(struct storm *t)
{
	return storm_now_ms() - atomic_load(&t->last_ok_ms) >
	    t->patience_s * 1000LL;
}

static void
storm_camera(struct storm *t, struct camera *c, char *buf)
{
	int status, pause_ms = 5;

	for (;;) {
		status = storm_post(t, c, buf);
		if (status == 0)
			atomic_fetch_add(&t->dropped, 1);
		else if (status == 503 || status == 429)
			atomic_fetch_add(&t->busy, 1);
		else if (status < 0)
			atomic_fetch_add(&t->broken, 1);
		else
			break;
		if (storm_lost_patience(t))
			return;
		storm_pause(pause_ms);
		if (pause_ms < STORM_PAUSE_MAX_MS)
			pause_ms *= 2;
	}
	if (status != 200)
		atomic_fetch_add(&t->refused, 1);
}

static void *
storm_thread(void *arg)
{
	char buf[EST_CLIENT_ANSWER_MAX];
	struct storm *t = arg;
	size_t i;

	while ((i = atomic_fetch_add(&t->next, 1)) < t->n &&
	    !storm_lost_patience(t))
		storm_camera(t, &t->cams[i], buf);
	return NULL;
}

static void *
storm_prepare(void *arg)
{
	struct storm *t = arg;
	size_t i;

	while ((i = atomic_fetch_add(&t->next, 1)) < t->n) {
		t->cams[i].key = EVP_EC_gen("P-256");
		t->cams[i].csr = est_client_csr(t->cams[i].key, NULL);
	}
	return NULL;
}

static void
storm_in_threads(struct storm *t, void *(*fn)(void *))
{
	pthread_t threads[STORM_THREADS_MAX];
	int i, n;

	atomic_store(&t->next, 0);
	atomic_store(&t->last_ok_ms, storm_now_ms());
	for (n = 0; n < t->threads; n++)
		if (pthread_create(&threads[n], NULL, fn, t) != 0)
			break;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* ---- start ---- */

static const struct argp_option options[] = {
	{ "ports", 'p', "FILE", 0, "STATE/gate/ports", 0 },
	{ "ca", 'c', "FILE", 0, "root of the server", 0 },
	{ "secrets", 's', "FILE", 0, "lines: device secret", 0 },
	{ "out", 'o', "FILE", 0, "what was received", 0 },
	{ "threads", 't', "N", 0, "clients at a time", 0 },
	{ "drop", 'd', "N", 0, "go away before each N-th answer", 0 },
	{ "patience", 'w', "S", 0, "seconds without success", 0 },
	{ "again", 'a', NULL, 0, "ask twice", 0 },
	{ 0 }
};

static error_t
storm_option(int key, char *arg, struct argp_state *st)
{
	struct storm *t = st->input;

	switch (key) {
	case 'p': t->ports = arg; break;
	case 'c': t->ca = arg; break;
	case 's': t->secrets = arg; break;
	case 'o': t->out = arg; break;
	case 't': t->threads = (int)strtol(arg, NULL, 10); break;
	case 'd': t->drop = (int)strtol(arg, NULL, 10); break;
	case 'w': t->patience_s = (int)strtol(arg, NULL, 10); break;
	case 'a': t->again = true; break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool
storm_open(struct storm *t)
{
	if (t->ports == NULL || t->ca == NULL || t->secrets == NULL ||
	    t->out == NULL || t->threads < 1 ||
	    t->threads > STORM_THREADS_MAX) {
		fprintf(stderr, "est_storm: options are missing or wrong\n");
		return false;
	}
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&t->lock, NULL);
	t->ctx = est_client_ctx(t->ca);
	t->out_fd = open(t->out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
	    0644);
	if (t->ctx == NULL || t->out_fd < 0 || !storm_read_secrets(t)) {
		fprintf(stderr, "est_storm: a file cannot be read\n");
		return false;
	}
	return true;
}

static void
storm_close(struct storm *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		EVP_PKEY_free(t->cams[i].key);
		free(t->cams[i].csr);
	}
	free(t->cams);
	SSL_CTX_free(t->ctx);
	close(t->out_fd);
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, storm_option, NULL, NULL,
	    NULL, NULL, NULL };
	struct storm t = { .threads = 8, .patience_s = 120 };
	size_t first;
	long long start;
	double s;

	argp_parse(&parser, argc, argv, 0, NULL, &t);
	if (!storm_open(&t))
		return 2;
	storm_in_threads(&t, storm_prepare);
	start = storm_now_ms();
	storm_in_threads(&t, storm_thread);
	s = (double)(storm_now_ms() - start) / 1000.0;
	first = t.done;
	if (t.again && first == t.n) {
		t.second = true;
		storm_in_threads(&t, storm_thread);
	}
	printf("{\"enrolled\":%zu,\"of\":%zu,\"again\":%zu,\"changed\":%zu,"
	    "\"refused\":%zu,\"busy\":%zu,\"broken\":%zu,\"dropped\":%zu,"
	    "\"seconds\":%.3f,\"rate\":%.1f}\n", first, t.n, t.done - first,
	    atomic_load(&t.changed), atomic_load(&t.refused),
	    atomic_load(&t.busy), atomic_load(&t.broken),
	    atomic_load(&t.dropped), s, s > 0 ? (double)first / s : 0);
	storm_close(&t);
	return first == t.n && atomic_load(&t.refused) == 0 &&
	    atomic_load(&t.changed) == 0 ? 0 : 1;
}
