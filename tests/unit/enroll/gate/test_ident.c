/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/gate/fake_authority.h"

#include <poll.h>
#include <sys/stat.h>

#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/mono.h"
#include "enroll/gate/ident.h"
#include "enroll/gate/tlskey.h"
#include "tests/unit/enroll/gate/signer.h"

#define NOW 1800000000LL

static int64_t now_s;

static int64_t
fake_now(void *arg)
{
	(void)arg;
	return now_s * 1000;
}

static const struct camca_ctx ctx = { .now_ms = fake_now };

struct set {
	struct fake fake;
	struct config cfg;
	struct upstream *up;
	struct ident *id;
	EVP_PKEY *key;
};

static void
path(const struct set *s, const char *name, char out[static 128])
{
	snprintf(out, 128, "%s/%s", s->fake.dir, name);
}

static void
open_ident(struct set *s)
{
	char p[128];

	assert_int_equal(ident_open(&s->id, &s->cfg, &ctx, s->up), CAMCA_OK);
	path(s, "gate/tls.key", p);
	assert_int_equal(tlskey_open(&s->key, p), CAMCA_OK);
}

static void
start(struct set *s)
{
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;
	struct upstream_config c;
	char p[128];

	memset(s, 0, sizeof *s);
	now_s = NOW;
	fake_init(&s->fake);
	path(s, "gate", p);
	assert_int_equal(mkdir(p, 0700), 0);
	config_default(&s->cfg, s->fake.dir);
	fake_listen(&s->fake);
	upstream_defaults(&c, s->fake.path);
	c.retry_min_ms = 1;
	assert_int_equal(upstream_open(&s->up, &c), CAMCA_OK);
	fake_accept(&s->fake);
	while (!upstream_connected(s->up) && mono_ms() < end)
		poll(NULL, 0, 1);
	open_ident(s);
}

static void
end(struct set *s)
{
	char p[128];

	upstream_close(s->up);
	ident_close(s->id);
	EVP_PKEY_free(s->key);
	path(s, "gate/tls.key", p);
	unlink(p);
	path(s, "gate/tls.pem", p);
	unlink(p);
	path(s, "gate", p);
	rmdir(p);
	fake_fini(&s->fake);
}

/* Answers the waiting gate.certify with pem, or with an error where NULL. */
static void
certify(struct set *s, const char *pem)
{
	json_t *call = fake_call(&s->fake), *chain, *args;
	char *text, *quoted;

	args = json_object_get(call, "args");
	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    "gate.certify");
	assert_non_null(json_string_value(json_object_get(args, "csr")));
	if (pem == NULL) {
		fake_answer(&s->fake, call, "\"error\":{\"code\":\"x.y\","
		    "\"http\":503,\"detail\":\"No.\"}");
	} else {
		chain = json_string(pem);
		quoted = json_dumps(chain, JSON_ENCODE_ANY);
		assert_true(asprintf(&text, "\"result\":{\"chain\":%s}",
		    quoted) > 0);
		fake_answer(&s->fake, call, text);
		free(text);
		free(quoted);
		json_decref(chain);
	}
	json_decref(call);
}

static void
wait_ready(struct set *s)
{
	int64_t limit = mono_ms() + FAKE_TURN_S * 1000;

	while (!ident_ready(s->id) && mono_ms() < limit)
		poll(NULL, 0, 1);
	assert_true(ident_ready(s->id));
}

/* Ticks until it asks: an answer before may still be being stored. */
static void
tick_until_asked(struct set *s, bool demand)
{
	struct pollfd p = { .fd = s->fake.fd, .events = POLLIN };
	int64_t limit = mono_ms() + FAKE_TURN_S * 1000, mono = 100000;

	do
		ident_tick(s->id, mono += 40000, demand);
	while (poll(&p, 1, 1) == 0 && mono_ms() < limit);
}

/* The answer has been taken once another pair is in use. */
static void
wait_replaced(struct set *s, struct ident_pair *old)
{
	int64_t limit = mono_ms() + FAKE_TURN_S * 1000;
	struct ident_pair *p;

	do {
		poll(NULL, 0, 1);
		p = ident_take(s->id);
		ident_pair_free(p);
	} while (p == old && mono_ms() < limit);
	assert_ptr_not_equal(p, old);
}

static void
test_first_certificate(void **state)
{
	struct ident_pair *p;
	struct set s;
	unsigned n = 0;
	char *pem;

	(void)state;
	start(&s);
	assert_false(ident_ready(s.id));
	assert_null(ident_take(s.id));
	ident_tick(s.id, 1000, false);
	ident_tick(s.id, 1001, false);      /* asks once */
	pem = signer_pem(s.key, s.key, NOW - 100, NOW + 1000);
	certify(&s, pem);
	wait_ready(&s);
	p = ident_take(s.id);
	assert_non_null(p);
	assert_non_null(ident_pair_chain(p, &n));
	assert_int_equal(n, 1);
	assert_non_null(ident_pair_key(p));
	ident_pair_free(p);
	free(pem);
	end(&s);
}

/* The stored pair serves at once after a restart. */
static void
test_restart(void **state)
{
	int64_t limit;
	struct set s;
	char *pem, file[128];

	(void)state;
	start(&s);
	pem = signer_pem(s.key, s.key, NOW - 100, NOW + 1000);
	ident_tick(s.id, 1000, false);
	certify(&s, pem);
	path(&s, "gate/tls.pem", file);
	limit = mono_ms() + FAKE_TURN_S * 1000;
	while (!file_exists(file) && mono_ms() < limit)
		poll(NULL, 0, 1);
	upstream_stop(s.up);
	ident_close(s.id);
	EVP_PKEY_free(s.key);
	open_ident(&s);
	assert_true(ident_ready(s.id));
	/* Expired meanwhile: not used. */
	now_s = NOW + 1001;
	ident_close(s.id);
	EVP_PKEY_free(s.key);
	open_ident(&s);
	assert_false(ident_ready(s.id));
	free(pem);
	end(&s);
}

/* Renewed from half of the life on; what began with the old pair keeps it. */
static void
test_renewal(void **state)
{
	struct ident_pair *old;
	unsigned n = 0;
	struct set s;
	char *pem;

	(void)state;
	start(&s);
	pem = signer_pem(s.key, s.key, NOW, NOW + 1000);
	ident_tick(s.id, 1000, false);
	certify(&s, pem);
	wait_ready(&s);
	free(pem);
	old = ident_take(s.id);
	now_s = NOW + 499;
	ident_tick(s.id, 100000, false);    /* not yet: asks nothing */
	now_s = NOW + 500;
	tick_until_asked(&s, false);
	pem = signer_pem(s.key, s.key, NOW + 500, NOW + 1500);
	certify(&s, pem);
	wait_replaced(&s, old);
	assert_non_null(ident_pair_chain(old, &n));
	assert_int_equal(n, 1);
	ident_pair_free(old);
	free(pem);
	end(&s);
}

static void
test_on_demand(void **state)
{
	struct ident_pair *old;
	struct set s;
	char *pem;

	(void)state;
	start(&s);
	pem = signer_pem(s.key, s.key, NOW, NOW + 1000);
	ident_tick(s.id, 1000, false);
	certify(&s, pem);
	wait_ready(&s);
	old = ident_take(s.id);
	tick_until_asked(&s, true);
	certify(&s, pem);
	wait_replaced(&s, old);
	ident_pair_free(old);
	free(pem);
	end(&s);
}

/* Answers that must not be used: an error, another key, another time, several
 * kinds of nonsense. Afterwards it asks again, and takes a good one. */
static void
test_bad_answers(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	struct set s;
	char *bad[6], *good;
	size_t i;

	(void)state;
	start(&s);
	bad[0] = NULL;
	bad[1] = signer_pem(other, other, NOW - 100, NOW + 1000);
	bad[2] = signer_pem(s.key, s.key, NOW - 100, NOW - 1);
	bad[3] = signer_pem(s.key, s.key, NOW + 10, NOW + 100);
	bad[4] = strdup("nonsense");
	bad[5] = strdup("");
	good = signer_pem(s.key, s.key, NOW, NOW + 1000);
	for (i = 0; i < 7; i++) {
		tick_until_asked(&s, false);
		assert_false(ident_ready(s.id));
		certify(&s, i < 6 ? bad[i] : good);
	}
	wait_ready(&s);
	for (i = 0; i < 6; i++)
		free(bad[i]);
	free(good);
	EVP_PKEY_free(other);
	end(&s);
}

/* After a rollover NewWithOld follows (RFC 4210 4.4), which certifies the leaf
 * and not what stands before it. */
static void
test_after_rollover(void **state)
{
	EVP_PKEY *keys[3] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-256"),
	    EVP_EC_gen("P-256") };
	struct ident_pair *p;
	char *pem[3], *chain;
	struct set s;
	unsigned n = 0;
	size_t i;

	(void)state;
	start(&s);
	pem[0] = signer_named(s.key, "localhost", keys[1], "CA", NOW, NOW + 9);
	pem[1] = signer_named(keys[1], "CA", keys[0], "Root", NOW, NOW + 9);
	pem[2] = signer_named(keys[1], "CA", keys[2], "CA", NOW, NOW + 9);
	assert_true(asprintf(&chain, "%s%s%s", pem[0], pem[1], pem[2]) > 0);
	ident_tick(s.id, 1000, false);
	certify(&s, chain);
	wait_ready(&s);
	p = ident_take(s.id);
	assert_non_null(ident_pair_chain(p, &n));
	assert_int_equal(n, 3);
	ident_pair_free(p);
	for (i = 0; i < 3; i++) {
		free(pem[i]);
		EVP_PKEY_free(keys[i]);
	}
	free(chain);
	end(&s);
}

static void
test_unusable_key_file(void **state)
{
	struct ident *id = NULL;
	struct set s;
	char p[128];

	(void)state;
	start(&s);
	path(&s, "gate/tls.key", p);
	assert_int_equal(file_replace(p, "x", 1, 0600), 0);
	assert_int_equal(ident_open(&id, &s.cfg, &ctx, s.up), CAMCA_EINVAL);
	assert_null(id);
	ident_close(NULL);
	ident_pair_free(NULL);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_certificate),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_on_demand),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_after_rollover),
		cmocka_unit_test(test_unusable_key_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
