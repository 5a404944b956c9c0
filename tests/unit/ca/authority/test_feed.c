/* SPDX-License-Identifier: Apache-2.0 */
/* The status feed over its real socket: this test is the gate. */
#include "tests/unit/ca/authority/fixture.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ca/authority/feed_int.h"
#include "ca/base/enc.h"
#include "ca/base/frame.h"
#include "ca/base/log.h"
#include "ca/base/rpc.h"
#include "ca/base/uptime.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PATIENCE_MS 20000

/* What a gate knows. */
struct peer {
	struct rpc *rpc;
	const char *id;
	char store[33];
	int64_t cert, rev, issuers;
	struct buf records;            /* of the last answer */
	bool more, resync;
};

struct test {
	struct fix *f;
	char path[128];
	int64_t issuer;
	struct peer peer;
};

static void
peer_open(struct test *t, struct peer *p, const char *id)
{
	memset(p, 0, sizeof *p);
	p->id = id;
	p->rev = p->issuers = -1;
	buf_init(&p->records, 0);
	assert_int_equal(rpc_open(&p->rpc, t->path), 0);
}

static void
peer_close(struct peer *p)
{
	rpc_close(p->rpc);
	buf_fini(&p->records);
	p->rpc = NULL;
}

static json_t *
peer_args(const struct peer *p, int wait_ms)
{
	json_t *args = json_pack("{s:s, s:s, s:I, s:i}", "gate", p->id,
	    "store", p->store, "after_cert", (json_int_t)p->cert, "wait_ms",
	    wait_ms);

	assert_non_null(args);
	if (p->rev >= 0)
		json_object_set_new(args, "after_rev", json_integer(p->rev));
	if (p->issuers >= 0)
		json_object_set_new(args, "issuers",
		    json_integer(p->issuers));
	return args;
}

static void
peer_take(struct peer *p, json_t *r)
{
	const char *records;

	snprintf(p->store, sizeof p->store, "%s",
	    json_string_value(json_object_get(r, "store")));
	p->resync = json_is_true(json_object_get(r, "resync"));
	buf_reset(&p->records);
	if (!p->resync) {
		records = json_string_value(json_object_get(r, "records"));
		assert_int_equal(dec_base64(&p->records, records,
		    strlen(records), 0), 0);
		p->cert = json_integer_value(json_object_get(r, "after_cert"));
		p->rev = json_integer_value(json_object_get(r, "after_rev"));
		p->more = json_is_true(json_object_get(r, "more"));
		p->issuers = json_integer_value(json_object_get(r,
		    "issuers_epoch"));
	}
	json_decref(r);
}

static int
peer_ask(struct peer *p, int wait_ms, struct refusal *why)
{
	json_t *r = NULL;
	int ret = rpc_call(p->rpc, "status.feed", peer_args(p, wait_ms),
	    PATIENCE_MS, &r, why);

	if (ret == CAMCA_OK)
		peer_take(p, r);
	return ret;
}

static void
peer_must(struct peer *p, int wait_ms)
{
	struct refusal why = { 0 };

	if (peer_ask(p, wait_ms, &why) < 0)
		fail_msg("%s [%s]", why.detail, why.code);
}

/* Asks until it is current; how many records came. */
static size_t
peer_load(struct peer *p)
{
	size_t n = 0;

	do {
		peer_must(p, 0);
		n += p->records.len / STATUS_WIRE_LEN;
	} while (p->more || p->resync);
	return n;
}

static struct status_wire
peer_record(const struct peer *p, size_t i)
{
	struct status_wire w;

	assert_true((i + 1) * STATUS_WIRE_LEN <= p->records.len);
	assert_int_equal(status_wire_get(&w, p->records.data +
	    i * STATUS_WIRE_LEN), 0);
	return w;
}

/* --- the store --- */

static int
issuer_tx(struct tx *tx, void *arg)
{
	uint8_t der[] = { 0x30, 0x00 };
	struct issuer_row r = { .name = "cameras", .generation = 1,
	    .state = ISSUER_ACTIVE, .key_uri = "pkcs11:object=x",
	    .cert = { der, sizeof der } };
	int ret = store_issuer_insert(tx, &r);

	((struct test *)arg)->issuer = r.id;
	return ret;
}

struct certs {
	struct test *t;
	int from, n;
	int64_t not_after_ms;
};

static int
certs_tx(struct tx *tx, void *arg)
{
	struct certs *c = arg;
	uint8_t der[] = { 0x30, 0x00 };
	int i, ret = CAMCA_OK;

	for (i = c->from; ret == CAMCA_OK && i < c->from + c->n; i++) {
		struct cert_row r = { .issuer = c->t->issuer,
		    .profile = "camera-tls", .label = "cameras",
		    .not_after_ms = c->not_after_ms, .reason = -1,
		    .der = { der, sizeof der } };

		snprintf((char *)r.serial, sizeof r.serial, "%d", i);
		memcpy(r.spki, r.serial, sizeof r.serial);
		ret = store_cert_insert(tx, &r);
	}
	return ret;
}

static void
certs_add(struct test *t, int from, int n)
{
	struct certs c = { t, from, n, FIX_NOW + 1000 };

	assert_int_equal(store_tx(t->f->a.store, DB_WRITE, certs_tx, &c), 0);
}

struct change {
	int64_t cert, rev;
};

static int
change_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct cert_row r;
	int ret = store_cert_by_id(tx, c->cert, &r);

	if (ret < 0)
		return ret;
	r.status = CERT_REVOKED;
	r.reason = 1;
	r.revoked_ms = FIX_NOW;
	ret = store_cert_change(tx, &r);
	c->rev = r.rev_seq;
	return ret;
}

static int64_t
revoke_cert(struct test *t, int64_t cert)
{
	struct change c = { cert, 0 };

	assert_int_equal(store_tx(t->f->a.store, DB_WRITE, change_tx, &c), 0);
	return c.rev;
}

static int
test_setup(void **state)
{
	static struct test t;
	char path[128];

	log_setup("test", (enum log_level)0);
	memset(&t, 0, sizeof t);
	if (fix_setup(state) != 0)
		return -1;
	t.f = *state;
	t.f->a.gate_uid = (uid_t)-1;
	snprintf(path, sizeof path, "%s/run", t.f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(config_status_path(t.f->dir, t.path, sizeof t.path),
	    0);
	assert_int_equal(store_tx(t.f->a.store, DB_WRITE, issuer_tx, &t), 0);
	assert_int_equal(feed_start(&t.f->a, NULL), 0);
	peer_open(&t, &t.peer, A);
	*state = &t;
	return 0;
}

static int
test_teardown(void **state)
{
	struct test *t = *state;

	peer_close(&t->peer);
	feed_stop(&t->f->a);
	*state = t->f;
	return fix_teardown(state);
}

static void
test_restart(struct test *t)
{
	rpc_close(t->peer.rpc);
	feed_stop(&t->f->a);
	assert_int_equal(feed_start(&t->f->a, NULL), 0);
	assert_int_equal(rpc_open(&t->peer.rpc, t->path), 0);
}

static void
test_begin(void **state)
{
	struct test *t = *state;
	struct peer *p = &t->peer;
	struct status_wire w;

	certs_add(t, 0, 3);
	revoke_cert(t, 2);
	assert_int_equal(peer_load(p), 3);
	assert_int_equal(p->cert, 3);
	assert_int_equal(p->rev, 1);
	w = peer_record(p, 1);
	assert_int_equal(w.status, STATUS_WIRE_REVOKED);
	assert_int_equal(w.reason, 1);
	assert_int_equal(w.rev_seq, 1);
	assert_int_equal(w.revoked_s, FIX_NOW / 1000);
	assert_int_equal(w.not_after_s, (FIX_NOW + 1000) / 1000);
	assert_int_equal(w.issuer, t->issuer);
	w = peer_record(p, 0);
	assert_int_equal(w.status, STATUS_WIRE_GOOD);
	assert_string_equal((char *)w.serial, "0");
	/* Nothing new: an empty answer, after the wait. */
	peer_must(p, 30);
	assert_int_equal(p->records.len, 0);
	assert_false(p->more);
}

static void
test_pages(void **state)
{
	struct test *t = *state;
	struct peer *p = &t->peer;

	certs_add(t, 0, FEED_PAGE_MAX + 50);
	/* That may have taken longer than camcad waits for a request. */
	peer_close(p);
	peer_open(t, p, A);
	peer_must(p, 0);               /* issuers */
	assert_true(p->more);
	peer_must(p, 0);
	assert_true(p->more);
	assert_int_equal(p->records.len, FEED_PAGE_MAX * STATUS_WIRE_LEN);
	/* A change does not wait behind the pages that are left. */
	revoke_cert(t, FEED_PAGE_MAX + 50);
	peer_must(p, 0);
	assert_false(p->more);
	assert_int_equal(p->records.len, 51 * STATUS_WIRE_LEN);
	assert_int_equal(peer_record(p, 0).status, STATUS_WIRE_REVOKED);
	assert_int_equal(peer_record(p, 50).status, STATUS_WIRE_REVOKED);
}

static void
test_expired(void **state)
{
	struct test *t = *state;
	struct certs c = { t, 100, 5, FIX_NOW - INT64_C(90000000) };

	assert_int_equal(store_tx(t->f->a.store, DB_WRITE, certs_tx, &c), 0);
	certs_add(t, 0, 1);
	assert_int_equal(peer_load(&t->peer), 1);
	assert_int_equal(t->peer.cert, 6);
	peer_close(&t->peer);
	t->f->a.conf.ocsp_retention_s = 86400;
	peer_open(t, &t->peer, B);
	assert_int_equal(peer_load(&t->peer), 6);
}

/* --- a gate that asks again and again, in a thread of its own --- */

struct gate_thread {
	struct peer *p;
	pthread_t thread;
	atomic_bool stop;
	_Atomic int64_t rev, cert;     /* as asked for */
};

static void *
gate_thread(void *arg)
{
	struct gate_thread *g = arg;

	while (!atomic_load(&g->stop) && peer_ask(g->p, 1000, NULL) == 0) {
		atomic_store(&g->rev, g->p->rev);
		atomic_store(&g->cert, g->p->cert);
	}
	return NULL;
}

static void
gate_begin(struct gate_thread *g, struct peer *p)
{
	memset(g, 0, sizeof *g);
	g->p = p;
	peer_load(p);
	assert_int_equal(pthread_create(&g->thread, NULL, gate_thread, g), 0);
}

static void
gate_end(struct gate_thread *g)
{
	atomic_store(&g->stop, true);
	rpc_interrupt(g->p->rpc);
	pthread_join(g->thread, NULL);
}

static void
test_barrier(void **state)
{
	struct test *t = *state;
	struct gate_thread g[2];
	struct feed_result r;
	struct peer other;
	int64_t rev;
	json_t *o;
	int i;

	certs_add(t, 0, 20);
	feed_barrier(&t->f->a, 0, &r);
	assert_int_equal(r.confirmed + r.cut, 0);
	peer_open(t, &other, B);
	gate_begin(&g[0], &t->peer);
	gate_begin(&g[1], &other);
	for (i = 1; i <= 10; i++) {
		rev = revoke_cert(t, i);
		feed_barrier(&t->f->a, rev, &r);
		assert_int_equal(r.confirmed, 2);
		assert_int_equal(r.cut, 0);
		assert_true(r.waited_ms < 1000);
		assert_true(atomic_load(&g[0].rev) >= rev);
		assert_true(atomic_load(&g[1].rev) >= rev);
	}
	feed_barrier(&t->f->a, rev, NULL);
	o = json_object();
	feed_result_json(o, &r);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(o,
	    "gates"), "confirmed")), 2);
	json_decref(o);
	gate_end(&g[0]);
	gate_end(&g[1]);
	peer_close(&other);
}

/* A new certificate ends the wait. */
static void
test_wait(void **state)
{
	struct test *t = *state;
	struct gate_thread g;
	const struct timespec ms = { 0, 1000000 };
	int64_t began;

	gate_begin(&g, &t->peer);
	began = uptime_ms();
	certs_add(t, 0, 1);
	while (atomic_load(&g.cert) < 1 && uptime_ms() - began < 10000)
		nanosleep(&ms, NULL);
	assert_true(uptime_ms() - began < 900);
	gate_end(&g);
}

/* The end does not wait for gates that wait. */
static void
test_stop(void **state)
{
	struct test *t = *state;
	struct gate_thread g;
	int64_t began;

	gate_begin(&g, &t->peer);
	began = uptime_ms();
	feed_stop(&t->f->a);
	assert_true(uptime_ms() - began < 900);
	gate_end(&g);
	feed_stop(&t->f->a);           /* nothing to stop */
}

/* --- restarts and restored stores --- */

static void
test_restarted(void **state)
{
	struct test *t = *state;
	struct feed_result r;
	char store[33];

	certs_add(t, 0, 3);
	peer_load(&t->peer);
	memcpy(store, t->peer.store, sizeof store);
	test_restart(t);
	/* It goes on where it was, and is known: the barrier waits for it. */
	revoke_cert(t, 1);
	peer_must(&t->peer, 0);
	assert_false(t->peer.resync);
	assert_int_equal(t->peer.records.len, STATUS_WIRE_LEN);
	assert_string_not_equal(t->peer.store, store);
	peer_must(&t->peer, 0);
	feed_barrier(&t->f->a, 1, &r);
	assert_int_equal(r.confirmed, 1);
}

static void
test_other_store(void **state)
{
	struct test *t = *state;
	struct peer *p = &t->peer;

	certs_add(t, 0, 3);
	peer_load(p);
	memset(p->store, 'e', 32);
	peer_must(p, 0);
	assert_true(p->resync);
	p->rev = -1;
	p->cert = 0;
	assert_int_equal(peer_load(p), 3);
	/* Positions that this store never had. */
	p->cert = 4;
	peer_must(p, 0);
	assert_true(p->resync);
	p->cert = 3;
	p->rev = 1;
	peer_must(p, 0);
	assert_true(p->resync);
}

/* A backup is restored, and written further than the gate has seen: what the
 * numbers mean is not the same any more. */
static void
test_restored(void **state)
{
	struct test *t = *state;
	struct peer *p = &t->peer;

	certs_add(t, 0, 5);
	peer_load(p);
	test_restart(t);               /* knows change 0 */
	p->rev = 1;                    /* the gate saw one, of the lost time */
	revoke_cert(t, 1);
	revoke_cert(t, 2);
	peer_must(p, 0);
	assert_true(p->resync);
}

/* --- who asks badly --- */

static bool
is_closed(struct peer *p)
{
	struct refusal why = { 0 };

	return peer_ask(p, 0, &why) == CAMCA_EIO;
}

static void
test_bad_gate(void **state)
{
	static const char *const bad[] = { "", "a",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct test *t = *state;
	struct refusal why;
	struct peer p;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&why, 0, sizeof why);
		peer_open(t, &p, bad[i]);
		assert_int_equal(peer_ask(&p, 0, &why), CAMCA_EINVAL);
		assert_int_equal(why.http, 400);
		assert_true(is_closed(&p));
		peer_close(&p);
	}
	peer_load(&t->peer);
	t->peer.id = B;                /* one connection, one gate */
	assert_int_equal(peer_ask(&t->peer, 0, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "feed.gate");
}

/* Good-bye: from there nobody waits for this gate. */
static void
test_leaving(void **state)
{
	struct test *t = *state;
	struct feed_result r;
	json_t *args, *result = NULL;

	certs_add(t, 0, 1);
	peer_load(&t->peer);
	args = peer_args(&t->peer, 0);
	json_object_set_new(args, "leaving", json_true());
	assert_int_equal(rpc_call(t->peer.rpc, "status.feed", args,
	    PATIENCE_MS, &result, NULL), 0);
	json_decref(result);
	feed_barrier(&t->f->a, revoke_cert(t, 1), &r);
	assert_int_equal(r.confirmed + r.cut, 0);
	assert_int_equal(r.waited_ms, 0);
}

/* Nothing else is done here, nor this elsewhere. */
static void
test_other_operations(void **state)
{
	struct test *t = *state;
	struct refusal why = { 0 };
	json_t *r = NULL;

	assert_int_equal(rpc_call(t->peer.rpc, "system.ping", NULL,
	    PATIENCE_MS, &r, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "auth.not-permitted");
	assert_true(is_closed(&t->peer));
	assert_int_equal(fix_call(t->f, "{\"id\":1,\"op\":\"status.feed\","
	    "\"args\":{\"gate\":\"" A "\",\"store\":\"\",\"after_cert\":0}}"),
	    403);
	t->f->caller.roles = ROLE_FEED;
	assert_int_equal(fix_call(t->f, "{\"id\":1,\"op\":\"status.feed\","
	    "\"args\":{\"gate\":\"" A "\",\"store\":\"\",\"after_cert\":0}}"),
	    403);
}

static int
raw_open(struct test *t)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, t->path, strlen(t->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

/* Whether the other end closes within a while; what it sends is dropped. */
static bool
raw_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c[256];
	ssize_t n;

	do {
		if (poll(&p, 1, 2000) <= 0)
			return false;
		n = recv(fd, c, sizeof c, 0);
	} while (n > 0);
	close(fd);
	return true;
}

static void
test_bad_frames(void **state)
{
	static const uint8_t empty[4], huge[4] = { 0xff, 0xff, 0xff, 0xff };
	static const uint8_t large[4] = { 0, 0, 0x10, 0x01 };
	struct test *t = *state;
	int fd;

	fd = raw_open(t);
	assert_int_equal(send(fd, empty, 4, 0), 4);
	assert_true(raw_closed(fd));
	fd = raw_open(t);
	assert_int_equal(send(fd, huge, 4, 0), 4);
	assert_true(raw_closed(fd));
	fd = raw_open(t);
	assert_int_equal(send(fd, large, 4, 0), 4);
	assert_true(raw_closed(fd));
	fd = raw_open(t);
	assert_int_equal(frame_write(fd, "[]", 2), 0);
	assert_true(raw_closed(fd));
	fd = raw_open(t);
	assert_int_equal(frame_write(fd, "{", 1), 0);
	assert_true(raw_closed(fd));
	peer_load(&t->peer);
}

static void
test_too_many(void **state)
{
	struct test *t = *state;
	int fd[FEED_CONNS_MAX], extra, i;

	peer_load(&t->peer);
	for (i = 0; i < FEED_CONNS_MAX - 1; i++)
		fd[i] = raw_open(t);
	extra = raw_open(t);
	assert_true(raw_closed(extra));
	peer_must(&t->peer, 0);        /* who is in stays in */
	for (i = 0; i < FEED_CONNS_MAX - 1; i++)
		close(fd[i]);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, test_setup, test_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_begin), T(test_pages), T(test_expired),
		T(test_barrier), T(test_wait), T(test_stop),
		T(test_restarted), T(test_other_store), T(test_restored),
		T(test_bad_gate), T(test_leaving), T(test_other_operations),
		T(test_bad_frames), T(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
