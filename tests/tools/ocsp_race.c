/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a gate about certificates while it has them revoked, and looks for an
 * answer "good" that came after the operator was told "done":
 *
 *   ocsp_race --socket AUTHORITY --port N --ca ISSUER.pem --certs FILE
 *       [--queries N] [--singles N] [--clients N]
 *
 * FILE has a line "SERIAL GROUP" for each certificate: group 0 may be revoked
 * alone, the first --singles of them are; 1..99 is revoked as a batch by its
 * "MANUFACTURER|MODEL", which are the third field of one of its lines. One
 * thread and one clock: what had arrived before "done" is read before it. The
 * last line of the output is JSON; exit 1 where an answer came too late.
 * A lost camcad is asked again until it says done. */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/frame.h"

#define RACE_CLIENTS_MAX 64
#define RACE_GROUPS 100
#define RACE_HOT 24            /* certificates asked for again and again */
#define RACE_RETRY_MS 20
#define RACE_STUCK_MS 60000

struct target {
	char serial[41];
	int group;
	bool single;           /* to be revoked alone */
	int64_t done_ns;       /* when "done" was read; 0: not yet */
	struct buf id[2];      /* CertID, DER: by SHA-1, by SHA-256 */
	struct buf request[2]; /* a whole HTTP request: POST, GET */
};

struct group {
	char manufacturer[64], model[64];
	size_t n, first;       /* of its targets */
	bool done;
};

struct client {
	int fd;                /* -1: not connected */
	size_t target;
	int form;
	int64_t retry_ns;
	bool waiting;
	struct buf in;
};

enum step { STEP_IDLE, STEP_REVOKE, STEP_PLAN, STEP_APPLY, STEP_AGAIN };

struct race {
	const char *socket, *ca, *certs;
	int port;
	long queries, singles, nclients;
	X509 *issuer;
	struct target *targets;
	size_t ntargets;
	struct group groups[RACE_GROUPS];
	struct client clients[RACE_CLIENTS_MAX];
	size_t hot[RACE_HOT];
	uint64_t random;
	/* the operator */
	int operator_fd;
	struct buf in;
	enum step step;
	bool sent;
	size_t *order;         /* targets, or ntargets + group */
	size_t norder, next;
	size_t current;
	int64_t batch, call_ns, retry_ns;
	long *took_us;
	/* what came */
	long answered, good, revoked, trylater, other, lost;
	long stale, outages;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "ocsp_race: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t
race_random(struct race *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random;
}

/* --- targets --- */

static void
target_request(struct target *t, int form, const struct buf *der)
{
	struct buf *out = &t->request[form];
	char *text = enc_base64_dup(der->data, der->len), *p;
	int ret;

	if (text == NULL)
		die("memory");
	if (form == 0) {
		ret = buf_printf(out, "POST /ocsp HTTP/1.1\r\nHost: race\r\n"
		    "Content-Type: application/ocsp-request\r\n"
		    "Content-Length: %zu\r\n\r\n", der->len);
		if (ret == 0)
			ret = buf_put(out, der->data, der->len);
	} else {
		ret = buf_puts(out, "GET /ocsp/");
		for (p = text; ret == 0 && *p != '\0'; p++)
			ret = *p == '+' ? buf_puts(out, "%2B") : *p == '/' ?
			    buf_puts(out, "%2F") : *p == '=' ?
			    buf_puts(out, "%3D") :
			    buf_putc(out, (uint8_t)*p);
		if (ret == 0)
			ret = buf_puts(out, " HTTP/1.1\r\nHost: race\r\n\r\n");
	}
	if (ret < 0)
		die("memory");
	free(text);
}

static void
put_der(struct buf *out, const void *object, i2d_of_void *encode)
{
	unsigned char *p = NULL;
	int n = encode(object, &p);

	if (n <= 0 || buf_put(out, p, (size_t)n) < 0)
		die("encoding");
	OPENSSL_free(p);
}

static void
target_make(struct race *r, struct target *t)
{
	const EVP_MD *md[2] = { EVP_sha1(), EVP_sha256() };
	ASN1_INTEGER *serial = NULL;
	BIGNUM *n = NULL;
	OCSP_CERTID *id;
	OCSP_REQUEST *req;
	struct buf der;
	int i;

	if (BN_hex2bn(&n, t->serial) == 0 ||
	    (serial = BN_to_ASN1_INTEGER(n, NULL)) == NULL)
		die(t->serial);
	for (i = 0; i < 2; i++) {
		id = OCSP_cert_id_new(md[i],
		    X509_get_subject_name(r->issuer),
		    X509_get0_pubkey_bitstr(r->issuer), serial);
		req = OCSP_REQUEST_new();
		buf_init(&der, 0);
		buf_init(&t->id[i], 0);
		buf_init(&t->request[i], 0);
		if (id == NULL || req == NULL ||
		    OCSP_request_add0_id(req, id) == NULL)
			die("request");
		put_der(&t->id[i], id, (i2d_of_void *)i2d_OCSP_CERTID);
		put_der(&der, req, (i2d_of_void *)i2d_OCSP_REQUEST);
		target_request(t, i, &der);
		buf_fini(&der);
		OCSP_REQUEST_free(req);
	}
	ASN1_INTEGER_free(serial);
	BN_free(n);
}

static void
race_load(struct race *r)
{
	FILE *f = fopen(r->certs, "r"), *pem = fopen(r->ca, "r");
	char line[256], names[128], *bar;
	struct target *t;
	struct group *g;

	if (f == NULL || pem == NULL)
		die("files");
	r->issuer = PEM_read_X509(pem, NULL, NULL, NULL);
	if (r->issuer == NULL)
		die(r->ca);
	while (fgets(line, sizeof line, f) != NULL) {
		r->targets = realloc(r->targets, (r->ntargets + 1) *
		    sizeof *r->targets);
		if (r->targets == NULL)
			die("memory");
		t = &r->targets[r->ntargets];
		memset(t, 0, sizeof *t);
		names[0] = '\0';
		if (sscanf(line, "%40[0-9A-Fa-f] %d %127[^\n]", t->serial,
		    &t->group, names) < 2 || t->group < 0 ||
		    t->group >= RACE_GROUPS)
			die(line);
		g = &r->groups[t->group];
		if (g->n++ == 0)
			g->first = r->ntargets;
		if ((bar = strchr(names, '|')) != NULL) {
			*bar = '\0';
			snprintf(g->manufacturer, sizeof g->manufacturer,
			    "%.63s", names);
			snprintf(g->model, sizeof g->model, "%.63s", bar + 1);
		}
		target_make(r, t);
		r->ntargets++;
	}
	fclose(f);
	fclose(pem);
}

/* Singles, with the batches evenly among them. */
static void
race_order(struct race *r)
{
	size_t i, singles = 0, batches = 0, g = 1;

	r->order = calloc(r->ntargets + RACE_GROUPS, sizeof *r->order);
	r->took_us = calloc(r->ntargets + RACE_GROUPS, sizeof *r->took_us);
	if (r->order == NULL || r->took_us == NULL)
		die("memory");
	for (i = 1; i < RACE_GROUPS; i++)
		batches += r->groups[i].n > 0;
	for (i = 0; i < r->ntargets && (long)singles < r->singles; i++) {
		if (r->targets[i].group != 0)
			continue;
		r->targets[i].single = true;
		r->order[r->norder++] = i;
		singles++;
		if (batches > 0 && singles % ((size_t)r->singles / batches +
		    1) == 0)
			while (g < RACE_GROUPS) {
				if (r->groups[g++].n == 0)
					continue;
				r->order[r->norder++] = r->ntargets + g - 1;
				break;
			}
	}
	for (; g < RACE_GROUPS; g++)
		if (r->groups[g].n > 0)
			r->order[r->norder++] = r->ntargets + g;
	for (i = 0; i < RACE_HOT; i++)
		r->hot[i] = (size_t)race_random(r) % r->ntargets;
}

/* What is about to be revoked is asked for beforehand too, so that an answer
 * "good" is prepared and on its way. */
static void
race_heat(struct race *r, size_t what)
{
	size_t at = (size_t)race_random(r) % RACE_HOT;

	r->hot[at] = what < r->ntargets ? what :
	    r->groups[what - r->ntargets].first;
}

/* --- the clients --- */

static void
client_drop(struct race *r, struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	r->lost += c->waiting;
	c->fd = -1;
	c->waiting = false;
	c->retry_ns = now_ns() + RACE_RETRY_MS * 1000000L;
	buf_reset(&c->in);
}

static void
client_connect(struct race *r, struct client *c)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)r->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	if (now_ns() < c->retry_ns)
		return;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof sa) != 0)
		client_drop(r, c);
}

static void
client_ask(struct race *r, struct client *c)
{
	uint64_t x = race_random(r);
	struct buf *b;

	c->target = x % 4 == 0 ? (size_t)(x >> 8) % r->ntargets :
	    r->hot[(x >> 8) % RACE_HOT];
	c->form = (int)(x >> 4 & 1);
	b = &r->targets[c->target].request[c->form];
	c->waiting = true;
	if (send(c->fd, b->data, b->len, MSG_NOSIGNAL) != (ssize_t)b->len)
		client_drop(r, c);
}

/* The tag of certStatus, which follows the CertID as it was asked for; 0 where
 * there is none. OpenSSL's decoder takes a quarter of a millisecond for the
 * certificate in each answer: other tests look at the rest. */
static uint8_t
answer_status(const struct buf *id, const uint8_t *p, size_t n)
{
	const uint8_t *at = memmem(p, n, id->data, id->len);

	return at != NULL && at + id->len < p + n ? at[id->len] : 0;
}

static void
race_answer(struct race *r, struct client *c, const uint8_t *p, size_t n)
{
	static const uint8_t trylater[] = { 0x30, 3, 0x0a, 1, 3 };
	struct target *t = &r->targets[c->target];

	r->answered++;
	if (n == sizeof trylater && memcmp(p, trylater, n) == 0) {
		r->trylater++;
		return;
	}
	switch (answer_status(&t->id[c->form], p, n)) {
	case 0x80:                     /* [0] good */
		r->good++;
		if (t->done_ns == 0)
			break;
		r->stale++;
		fprintf(stderr, "%s: good %lld us after done\n", t->serial,
		    (long long)(now_ns() - t->done_ns) / 1000);
		break;
	case 0xa1:                     /* [1] revoked */
		r->revoked++;
		break;
	default:
		r->other++;
	}
}

/* True where a whole answer was there. */
static bool
client_take(struct race *r, struct client *c)
{
	char *end, *field;
	size_t head, body;

	if (c->in.len == 0 ||
	    (end = strstr((char *)c->in.data, "\r\n\r\n")) == NULL)
		return false;
	*end = '\0';
	field = strcasestr((char *)c->in.data, "\r\nContent-Length:");
	*end = '\r';
	if (field == NULL)
		die("an answer without a length");
	head = (size_t)(end - (char *)c->in.data) + 4;
	body = (size_t)strtoul(field + 17, NULL, 10);
	if (c->in.len < head + body)
		return false;
	race_answer(r, c, c->in.data + head, body);
	buf_reset(&c->in);
	c->waiting = false;
	return true;
}

/* Everything that has arrived. */
static void
client_read(struct race *r, struct client *c)
{
	ssize_t n;

	while (c->fd >= 0 && c->waiting) {
		if (buf_reserve(&c->in, 4096) < 0)
			die("memory");
		n = recv(c->fd, c->in.data + c->in.len, 4096, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			client_drop(r, c);
			return;
		}
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		client_take(r, c);
	}
}

/* --- the operator --- */

static void
operator_lost(struct race *r)
{
	if (r->operator_fd >= 0)
		close(r->operator_fd);
	r->operator_fd = -1;
	r->outages += r->sent;
	r->sent = false;
	r->retry_ns = now_ns() + RACE_RETRY_MS * 1000000L;
	buf_reset(&r->in);
}

static bool
operator_connect(struct race *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (r->operator_fd >= 0)
		return true;
	if (now_ns() < r->retry_ns)
		return false;
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", r->socket);
	r->operator_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(r->operator_fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return true;
	operator_lost(r);
	return false;
}

static json_t *
operator_call(struct race *r)
{
	const struct group *g;

	switch (r->step) {
	case STEP_PLAN:
		g = &r->groups[r->current - r->ntargets];
		return json_pack("{s:i, s:s, s:{s:s, s:s, s:s, s:[s], s:[s]}}",
		    "id", 1, "op", "revoke.plan", "args", "action", "revoke",
		    "reason", "race", "crl_reason", "keyCompromise",
		    "manufacturer", g->manufacturer, "model", g->model);
	case STEP_APPLY:
		return json_pack("{s:i, s:s, s:{s:I}}", "id", 1, "op",
		    "revoke.apply", "args", "batch", (json_int_t)r->batch);
	default:
		return json_pack("{s:i, s:s, s:{s:s, s:s, s:s}}", "id", 1,
		    "op", "cert.revoke", "args", "serial",
		    r->targets[r->current < r->ntargets ? r->current :
		    r->groups[r->current - r->ntargets].first].serial,
		    "reason", "keyCompromise", "text", "race");
	}
}

static void
operator_send(struct race *r)
{
	json_t *call;
	char *text;

	if (!operator_connect(r))
		return;
	call = operator_call(r);
	text = call != NULL ? json_dumps(call, JSON_COMPACT) : NULL;
	if (text == NULL)
		die("memory");
	if (r->step != STEP_PLAN && r->call_ns == 0)
		r->call_ns = now_ns();
	r->sent = true;
	if (frame_write(r->operator_fd, text, strlen(text)) < 0)
		operator_lost(r);
	free(text);
	json_decref(call);
}

/* "Done" was read just now, after everything that had arrived before it. */
static void
operator_done(struct race *r)
{
	int64_t now = now_ns();
	size_t i;

	if (r->current < r->ntargets) {
		r->targets[r->current].done_ns = now;
	} else {
		for (i = 0; i < r->ntargets; i++)
			if (r->targets[i].group ==
			    (int)(r->current - r->ntargets))
				r->targets[i].done_ns = now;
	}
	r->took_us[r->next - 1] = (long)((now - r->call_ns) / 1000);
	r->step = STEP_IDLE;
}

static void
operator_answer(struct race *r, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(error, "code"));

	r->sent = false;
	if (error == NULL && r->step == STEP_PLAN) {
		r->batch = json_integer_value(json_object_get(json_object_get(
		    json_object_get(answer, "result"), "batch"), "id"));
		r->step = STEP_APPLY;
	} else if (error == NULL) {
		operator_done(r);
	} else if (code != NULL && strcmp(code, "cert.revoked") == 0) {
		/* Of a call whose answer was lost; camcad has waited for the
		 * gates this time too. */
		operator_done(r);
	} else if (code != NULL && strcmp(code, "revoke.state") == 0) {
		r->step = STEP_AGAIN;      /* applied; has it been heard of? */
	} else if (code != NULL && strcmp(code, "revoke.changed") == 0) {
		r->step = STEP_APPLY;      /* the preview is a new one */
	} else if (json_integer_value(json_object_get(error, "http")) == 503) {
		operator_lost(r);
	} else {
		json_dumpf(answer, stderr, 0);
		fputc('\n', stderr);
		exit(2);
	}
}

static void
operator_read(struct race *r)
{
	const uint8_t *p;
	size_t n;
	ssize_t got;
	json_t *answer;

	if (buf_reserve(&r->in, 65536) < 0)
		die("memory");
	got = recv(r->operator_fd, r->in.data + r->in.len, 65536,
	    MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		operator_lost(r);
		return;
	}
	r->in.len += (size_t)got;
	if (frame_peek(&r->in, &p, &n) != 1)
		return;
	answer = json_loadb((const char *)p, n, 0, NULL);
	buf_shift(&r->in, 4 + n);
	operator_answer(r, answer);
	json_decref(answer);
}

/* The next one where it is time for it: evenly over all queries. */
static void
operator_next(struct race *r)
{
	if (r->step == STEP_IDLE && r->next < r->norder &&
	    r->answered * (long)(r->norder + 1) >=
	    r->queries * (long)(r->next + 1)) {
		r->current = r->order[r->next++];
		r->call_ns = 0;
		r->step = r->current < r->ntargets ? STEP_REVOKE : STEP_PLAN;
		if (r->next < r->norder)
			race_heat(r, r->order[r->next]);
	}
	if (r->step != STEP_IDLE && !r->sent)
		operator_send(r);
}

/* --- the loop --- */

static void
race_turn(struct race *r, bool ask)
{
	struct pollfd p[RACE_CLIENTS_MAX + 1];
	struct client *c;
	long i;

	for (i = 0; i < r->nclients; i++) {
		c = &r->clients[i];
		if (c->fd < 0)
			client_connect(r, c);
		if (c->fd >= 0 && !c->waiting && ask)
			client_ask(r, c);
		p[i] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	}
	p[i] = (struct pollfd){ .fd = r->sent ? r->operator_fd : -1,
	    .events = POLLIN };
	if (poll(p, (nfds_t)i + 1, RACE_RETRY_MS) < 0 && errno != EINTR)
		die("poll");
	/* First what was there before "done" is looked at. */
	for (i = 0; i < r->nclients; i++)
		client_read(r, &r->clients[i]);
	if (p[r->nclients].revents != 0)
		operator_read(r);
}

static void
race_run(struct race *r)
{
	int64_t moved = now_ns();
	long before = -1;

	while (r->answered < r->queries || r->next < r->norder ||
	    r->step != STEP_IDLE) {
		operator_next(r);
		race_turn(r, true);
		if (r->answered != before)
			moved = now_ns();
		before = r->answered;
		if (now_ns() - moved > RACE_STUCK_MS * 1000000L)
			die("nothing moves");
	}
}

/* In the end each of them is asked for once more, by both forms. */
static long
race_not_revoked(struct race *r)
{
	struct client *c = &r->clients[0];
	long not_revoked = 0, revoked, tries;
	size_t i;
	int form;

	while (c->waiting || c->fd < 0)
		race_turn(r, false);
	for (i = 0; i < r->ntargets; i++)
		for (form = 0; r->targets[i].done_ns != 0 && form < 2; form++) {
			revoked = r->revoked;
			for (tries = 0; tries < 100 && r->revoked == revoked;
			    tries++) {
				struct buf *b = &r->targets[i].request[form];

				c->target = i;
				c->form = form;
				c->waiting = true;
				if (send(c->fd, b->data, b->len,
				    MSG_NOSIGNAL) != (ssize_t)b->len)
					client_drop(r, c);
				while (c->waiting || c->fd < 0)
					race_turn(r, false);
			}
			not_revoked += r->revoked == revoked;
		}
	return not_revoked;
}

static int
race_by_size(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
race_report(struct race *r, long not_revoked, double seconds)
{
	size_t i, done = 0;

	for (i = 0; i < r->ntargets; i++)
		done += r->targets[i].done_ns != 0;
	qsort(r->took_us, r->norder, sizeof *r->took_us, race_by_size);
	printf("{\"queries\":%ld,\"operations\":%zu,\"certificates\":%zu,"
	    "\"good\":%ld,\"revoked\":%ld,\"trylater\":%ld,\"other\":%ld,"
	    "\"lost\":%ld,\"outages\":%ld,\"stale\":%ld,\"not_revoked\":%ld,"
	    "\"done_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f},"
	    "\"queries_per_s\":%.0f}\n", r->answered, r->norder, done, r->good,
	    r->revoked, r->trylater, r->other, r->lost, r->outages, r->stale,
	    not_revoked, (double)r->took_us[r->norder / 2] / 1e3,
	    (double)r->took_us[r->norder * 99 / 100] / 1e3,
	    (double)r->took_us[r->norder - 1] / 1e3,
	    (double)r->queries / seconds);
	return r->stale == 0 && not_revoked == 0 ? 0 : 1;
}

enum { OPT_SOCKET = 256, OPT_PORT, OPT_CA, OPT_CERTS, OPT_QUERIES,
	OPT_SINGLES, OPT_CLIENTS };

static const struct argp_option options[] = {
	{ "socket", OPT_SOCKET, "PATH", 0, "authority.sock", 0 },
	{ "port", OPT_PORT, "N", 0, "of the gate's plain HTTP", 0 },
	{ "ca", OPT_CA, "PEM", 0, "issuer of the certificates", 0 },
	{ "certs", OPT_CERTS, "FILE", 0, "SERIAL GROUP [MAKER|MODEL]", 0 },
	{ "queries", OPT_QUERIES, "N", 0, "answers to wait for", 0 },
	{ "singles", OPT_SINGLES, "N", 0, "certificates revoked alone", 0 },
	{ "clients", OPT_CLIENTS, "N", 0, "connections, default 8", 0 },
	{ 0 }
};

static error_t
parse(int key, char *arg, struct argp_state *st)
{
	struct race *r = st->input;

	switch (key) {
	case OPT_SOCKET: r->socket = arg; break;
	case OPT_PORT: r->port = (int)strtol(arg, NULL, 10); break;
	case OPT_CA: r->ca = arg; break;
	case OPT_CERTS: r->certs = arg; break;
	case OPT_QUERIES: r->queries = strtol(arg, NULL, 10); break;
	case OPT_SINGLES: r->singles = strtol(arg, NULL, 10); break;
	case OPT_CLIENTS: r->nclients = strtol(arg, NULL, 10); break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void
race_free(struct race *r)
{
	size_t i;
	int k;

	for (i = 0; i < r->ntargets; i++)
		for (k = 0; k < 2; k++) {
			buf_fini(&r->targets[i].id[k]);
			buf_fini(&r->targets[i].request[k]);
		}
	for (i = 0; i < (size_t)r->nclients; i++)
		buf_fini(&r->clients[i].in);
	buf_fini(&r->in);
	free(r->targets);
	free(r->order);
	free(r->took_us);
	X509_free(r->issuer);
}

int
main(int argc, char **argv)
{
	static const struct argp parser = { options, parse, NULL, NULL, NULL,
	    NULL, NULL };
	struct race r = { .queries = 10000, .singles = 100, .nclients = 8,
	    .operator_fd = -1, .random = UINT64_C(88172645463325252) };
	int64_t begin;
	double seconds;
	long i;
	int rc;

	if (argp_parse(&parser, argc, argv, 0, NULL, &r) != 0 ||
	    r.socket == NULL || r.ca == NULL || r.certs == NULL ||
	    r.port <= 0 || r.nclients < 1 || r.nclients > RACE_CLIENTS_MAX)
		return 2;
	for (i = 0; i < r.nclients; i++) {
		r.clients[i].fd = -1;
		buf_init(&r.clients[i].in, 1u << 20);
	}
	buf_init(&r.in, 4 + FRAME_MAX + 65536);
	race_load(&r);
	race_order(&r);
	begin = now_ns();
	race_run(&r);
	seconds = (double)(now_ns() - begin) / 1e9;
	rc = race_report(&r, race_not_revoked(&r), seconds);
	race_free(&r);
	return rc;
}
