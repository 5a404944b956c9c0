/* SPDX-License-Identifier: Apache-2.0 */
/* Whole cycles against a mock EST server, under a clock of our own. */
#include <signal.h>
#include <sys/wait.h>

#include "ca/base/log.h"
#include "enroll/renew/install.h"
#include "enroll/renew/run.h"
#include "fault.h"
#include "mock.h"
#include "rmtree.h"

#define HOUR_MS (3600 * INT64_C(1000))
/* SEQUENCE { challengePassword } and SEQUENCE { estIdentityLinking } */
#define ASK_CHALLENGE "MAsGCSqGSIb3DQEJBw=="
#define ASK_LINKING "MA0GCyqGSIb3DQEJEAI6"

struct world {
	struct mock mock;
	char *dir;                /* pair; the hook's files lie in top */
	char *top;
	char url[64];
	char pin[80];
	char path[160];
	struct settings_texts texts;
	struct camca_ctx ctx;
	int64_t now_ms;
	struct state st;
};

static int64_t
world_now(void *arg)
{
	return ((struct world *)arg)->now_ms;
}

static int
world_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0, n);
	return CAMCA_OK;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	uint8_t md[32];
	unsigned n;
	char hex[65];

	assert_non_null(w);
	signal(SIGPIPE, SIG_IGN);
	log_setup("test", LOG_ERROR);
	mock_start(&w->mock);
	w->top = pki_tmpdir();
	w->dir = malloc(128);
	snprintf(w->dir, 128, "%s/pair", w->top);
	w->now_ms = PKI_NOW_MS + 1000;
	w->ctx = (struct camca_ctx){ world_now, world_random, w };
	X509_digest(w->mock.root, EVP_sha256(), md, &n);
	enc_hex(hex, md, 32);
	snprintf(w->pin, sizeof w->pin, "sha256:%s", hex);
	snprintf(w->url, sizeof w->url, "https://127.0.0.1:%s", w->mock.port);
	w->texts.value[SETTING_URL] = w->url;
	w->texts.value[SETTING_DIR] = w->dir;
	w->texts.value[SETTING_FINGERPRINT] = w->pin;
	w->texts.value[SETTING_USER] = "cam-1";
	w->texts.value[SETTING_SAN] = "DNS:cam-1.example";
	w->texts.value[SETTING_TIMEOUT] = "20";
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	mock_stop(&w->mock);
	rmtree(w->top);
	free(w->dir);
	free(w);
	return 0;
}

static enum renew_exit
cycle(struct world *w, enum renew_mode mode, const char *secret, bool now)
{
	struct renew_config cfg;
	enum renew_exit code;

	assert_int_equal(settings_check(&cfg, mode, false, &w->texts, NULL), 0);
	if (secret != NULL)
		assert_int_equal(buf_puts(&cfg.secret, secret), 0);
	mock_sync(&w->mock);
	code = run_cycle(&cfg, &w->ctx, now, &w->st);
	mock_sync(&w->mock);
	if (secret != NULL && code == RENEW_DONE && w->st.generation > 0 &&
	    mode == RENEW_ENROLL)
		assert_int_equal(cfg.secret.len, 0);
	settings_fini(&cfg);
	assert_int_equal(ERR_peek_error(), 0);
	return code;
}

static enum renew_exit
automatic(struct world *w)
{
	return cycle(w, RENEW_AUTO, "s3cret", false);
}

/* The public key of the installed certificate, and that the pair is whole. */
static EVP_PKEY *
installed_key(struct world *w)
{
	struct install *in = NULL;
	struct install_pair p;
	EVP_PKEY *key;

	assert_int_equal(install_open(&in, w->dir, NULL), 0);
	assert_int_equal(install_load(in, NULL, &p, NULL), 0);
	key = p.key;
	EVP_PKEY_up_ref(key);
	install_pair_fini(&p);
	install_close(in);
	return key;
}

static bool
there(struct world *w, const char *name)
{
	snprintf(w->path, sizeof w->path, "%s/%s", w->dir, name);
	return file_exists(w->path);
}

static void
enroll_wait_renew(void **state)
{
	struct world *w = *state;
	EVP_PKEY *first, *second;
	int asked;

	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(w->st.generation, 1);
	assert_string_equal(w->mock.auth, "Y2FtLTE6czNjcmV0");
	assert_int_equal(w->mock.posts_with_auth, 1);
	/* The secret goes with the one request that needs it. */
	assert_int_equal(w->mock.gets_with_auth, 0);
	assert_int_equal(w->mock.tls_version, TLS1_3_VERSION);
	assert_false(there(w, "pending.pem"));
	assert_true(there(w, "trust.pem"));
	first = installed_key(w);
	asked = w->mock.requests;
	w->now_ms = PKI_NOW_MS + 50 * 24 * HOUR_MS;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(w->mock.requests, asked);
	w->now_ms = w->st.renew_at_ms;
	w->mock.clock_s = w->now_ms / 1000 - PKI_NOW_S;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(w->st.generation, 2);
	assert_int_equal(w->mock.reenrolls, 1);
	assert_false(w->mock.name_differs);
	assert_int_equal(w->mock.posts_with_auth, 1);
	second = installed_key(w);
	assert_int_not_equal(EVP_PKEY_eq(first, second), 1);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
}

static void
keys_kept(void **state)
{
	struct world *w = *state;
	EVP_PKEY *first, *second;

	w->texts.value[SETTING_REKEY] = "never";
	w->texts.value[SETTING_KEY_TYPE] = "rsa2048";
	assert_int_equal(automatic(w), RENEW_DONE);
	first = installed_key(w);
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
	assert_int_equal(w->st.generation, 2);
	second = installed_key(w);
	assert_int_equal(EVP_PKEY_eq(first, second), 1);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
}

/* G3, G4: tls-unique on 1.2, tls-exporter on 1.3, in either attribute. */
static void
proof_of_possession(void **state)
{
	static const struct { int tls; const char *ask; } cases[] = {
		{ TLS1_2_VERSION, ASK_CHALLENGE },
		{ TLS1_3_VERSION, ASK_CHALLENGE },
		{ TLS1_2_VERSION, ASK_LINKING },
		{ TLS1_3_VERSION, ASK_LINKING },
	};
	struct world *w = *state;

	w->mock.need_binding = true;
	assert_int_equal(automatic(w), RENEW_REFUSED);
	for (size_t i = 0; i < 4; i++) {
		w->mock.tls_max = cases[i].tls;
		w->mock.csrattrs = cases[i].ask;
		assert_int_equal(cycle(w, RENEW_ENROLL, "s", false),
		    RENEW_DONE);
		assert_int_equal(w->mock.tls_version, cases[i].tls);
		assert_int_equal(cycle(w, RENEW_RENEW, NULL, false),
		    RENEW_DONE);
	}
	w->mock.tls_max = 0;
	w->texts.value[SETTING_TLS_MAX] = "1.2";
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
	assert_int_equal(w->mock.tls_version, TLS1_2_VERSION);
}

static void
other_framings(void **state)
{
	struct world *w = *state;

	w->mock.chunked = true;
	assert_int_equal(automatic(w), RENEW_DONE);
	w->mock.chunked = false;
	w->mock.close_each = true;
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
}

/* I1, I2: the wait is obeyed, the key stays, the request is signed anew. */
static void
pending_then_issued(void **state)
{
	struct world *w = *state;
	int asked;

	w->mock.status = 202;
	w->mock.retry_after_s = 600;
	w->mock.csrattrs = ASK_CHALLENGE;
	w->mock.need_binding = true;
	assert_int_equal(automatic(w), RENEW_PENDING);
	assert_true(there(w, "pending.pem"));
	assert_true(w->st.next_attempt_ms >= w->now_ms + 600000);
	asked = w->mock.requests;
	w->mock.status = 200;
	w->now_ms += 599000;
	assert_int_equal(automatic(w), RENEW_PENDING);
	assert_int_equal(w->mock.requests, asked);
	/* Somebody asks for it now. */
	assert_int_equal(cycle(w, RENEW_AUTO, "s", true), RENEW_DONE);
	assert_int_equal(w->st.generation, 1);
	assert_int_equal(w->mock.issued, 1);
}

/* F8: an answer that got lost is asked for again with the same key. */
static void
lost_answer(void **state)
{
	struct world *w = *state;

	w->mock.lose_answer = true;
	assert_int_equal(automatic(w), RENEW_ANSWER);
	assert_int_equal(w->mock.issued, 1);
	w->mock.lose_answer = false;
	w->now_ms = w->st.next_attempt_ms;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(w->mock.issued, 1);
	assert_int_equal(w->st.generation, 1);
}

static void
refusals(void **state)
{
	struct world *w = *state;
	int64_t wait;

	w->mock.status = 403;
	w->mock.words = "policy.provenance-missing: no certificate of origin.";
	assert_int_equal(automatic(w), RENEW_REFUSED);
	assert_non_null(strstr(w->st.last_error, "no certificate of origin"));
	assert_null(strstr(w->st.last_error, ".."));
	assert_true(there(w, "pending.pem"));
	assert_int_equal(w->st.failures, 1);
	wait = w->st.next_attempt_ms - w->now_ms;
	assert_true(wait >= 8 * 60000);
	w->mock.status = 400;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_REFUSED);
	assert_false(there(w, "pending.pem"));
	assert_int_equal(w->st.failures, 2);
	w->mock.status = 503;
	w->mock.retry_after_s = 86400 * 30;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_RETRY);
	assert_true(w->st.next_attempt_ms - w->now_ms <= 8 * 24 * HOUR_MS);
	w->mock.status = 302;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_ANSWER);
	assert_non_null(strstr(w->st.last_error, "redirect"));
	w->mock.status = 204;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_ANSWER);
}

static void
wrong_certificates(void **state)
{
	struct world *w = *state;

	w->mock.wrong_key = true;
	assert_int_equal(automatic(w), RENEW_ANSWER);
	w->mock.wrong_key = false;
	w->mock.foreign_issuer = true;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_TRUST);
	w->mock.foreign_issuer = false;
	w->mock.issue_ca = true;
	X509_free(w->mock.last);
	w->mock.last = NULL;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_ANSWER);
	assert_int_equal(w->st.generation, 0);
	assert_false(there(w, "current"));
}

static void
wrong_servers(void **state)
{
	struct world *w = *state;
	EVP_PKEY *other_key = pki_key();
	X509 *other = pki_root("Site Root", other_key);
	char pin[80];

	/* Another root than the pinned one: nothing is sent to it. */
	snprintf(pin, sizeof pin, "%s", w->pin);
	pin[10] = pin[10] == '0' ? '1' : '0';
	w->texts.value[SETTING_FINGERPRINT] = pin;
	assert_int_equal(automatic(w), RENEW_TRUST);
	assert_int_equal(w->mock.enrolls, 0);
	w->texts.value[SETTING_FINGERPRINT] = NULL;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_TRUST);
	/* A server that shows the right root but a certificate of its own. */
	w->texts.value[SETTING_FINGERPRINT] = w->pin;
	mock_identity(&w->mock, other, other_key, "IP:127.0.0.1");
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_TRUST);
	assert_int_equal(w->mock.enrolls, 0);
	/* The right CA, another host; by name and by address. */
	mock_identity(&w->mock, w->mock.root, w->mock.root_key,
	    "DNS:127.0.0.1,DNS:other.test");
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_TRUST);
	snprintf(w->url, sizeof w->url, "https://est.test:%s", w->mock.port);
	w->texts.value[SETTING_CONNECT_TO] = "127.0.0.1";
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_TRUST);
	assert_int_equal(w->mock.enrolls, 0);
	assert_int_equal(w->mock.posts_with_auth, 0);
	mock_identity(&w->mock, w->mock.root, w->mock.root_key,
	    "DNS:est.test");
	/* Long after its end, or before its beginning. */
	w->now_ms = PKI_NOW_MS + 3100 * 24 * HOUR_MS;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_TRUST);
	w->now_ms = PKI_NOW_MS + 1000;
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_DONE);
	X509_free(other);
	EVP_PKEY_free(other_key);
}

static void
nobody_there(void **state)
{
	struct world *w = *state;

	snprintf(w->url, sizeof w->url, "https://127.0.0.1:1");
	assert_int_equal(automatic(w), RENEW_RETRY);
	assert_int_equal(w->st.failures, 1);
	assert_true(w->st.next_attempt_ms > w->now_ms);
}

/* P1..P6: the link certificate brings the new root in, and it is used. */
static void
rollover(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = pki_key();
	X509 *root = pki_root("Site Root", key);
	struct pki_want link = { .cn = "Site Root", .key = key,
	    .issuer = w->mock.root, .issuer_key = w->mock.root_key,
	    .end_s = 1000 * PKI_DAY_S, .basic = "critical,CA:TRUE" };
	X509 *new_with_old = pki_cert(&link);

	assert_int_equal(automatic(w), RENEW_DONE);
	/* Without the link the new root is a stranger. */
	w->mock.bag[1] = root;
	w->mock.bag_n = 2;
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
	w->mock.issuer = root;
	w->mock.issuer_key = key;
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_TRUST);
	w->mock.bag[2] = new_with_old;
	w->mock.bag_n = 3;
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
	/* Now the server itself moves under the new root. */
	mock_identity(&w->mock, root, key, "IP:127.0.0.1");
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
	X509_free(root);
	X509_free(new_with_old);
	EVP_PKEY_free(key);
}

/* A camera without battery wakes up in 1970: no panic, nothing is thrown
 * away, and all is well when the clock is set. */
static void
clock_behind(void **state)
{
	struct world *w = *state;
	int asked;

	assert_int_equal(automatic(w), RENEW_DONE);
	asked = w->mock.requests;
	w->now_ms = 5000;
	assert_int_equal(automatic(w), RENEW_RETRY);
	assert_int_equal(w->mock.requests, asked);
	assert_non_null(strstr(w->st.last_error, "clock"));
	assert_int_equal(w->st.generation, 1);
	w->now_ms = PKI_NOW_MS + HOUR_MS;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_string_equal(w->st.last_error, "");
	EVP_PKEY_free(installed_key(w));
}

/* A wait that was written under a wrong clock does not bind. */
static void
clock_was_ahead(void **state)
{
	struct world *w = *state;

	w->mock.status = 503;
	w->now_ms = PKI_NOW_MS + 2000 * 24 * HOUR_MS;
	assert_int_equal(automatic(w), RENEW_RETRY);
	w->mock.status = 200;
	w->now_ms = PKI_NOW_MS + 1000;
	assert_int_equal(automatic(w), RENEW_DONE);
}

static void
expired_enrolls_anew(void **state)
{
	struct world *w = *state;

	assert_int_equal(automatic(w), RENEW_DONE);
	w->now_ms = PKI_NOW_MS + 91 * 24 * HOUR_MS;
	w->mock.clock_s = 91 * PKI_DAY_S;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(w->mock.enrolls, 2);
	assert_int_equal(w->st.generation, 2);
}

/* RFC 7030 2.2.1: a factory identity in place of a secret. */
static void
factory_identity(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = pki_key();
	struct pki_want want = { .cn = "Maker SN1", .key = key,
	    .issuer_key = key, .end_s = PKI_DAY_S };
	X509 *cert = pki_cert(&want);
	char cert_path[160], key_path[160];
	struct buf pem;

	buf_init(&pem, 0);
	assert_int_equal(keys_to_pem(&pem, key), 0);
	pki_write_cert(w->top, "idevid.pem", cert);
	pki_write(w->top, "idevid.key", &pem);
	snprintf(cert_path, sizeof cert_path, "%s/idevid.pem", w->top);
	snprintf(key_path, sizeof key_path, "%s/idevid.key", w->top);
	w->texts.value[SETTING_IDEVID_CERT] = cert_path;
	w->texts.value[SETTING_IDEVID_KEY] = key_path;
	assert_int_equal(cycle(w, RENEW_AUTO, NULL, false), RENEW_DONE);
	assert_int_equal(w->mock.posts_with_auth, 0);
	w->texts.value[SETTING_IDEVID_KEY] = "/nonexistent";
	assert_int_equal(cycle(w, RENEW_ENROLL, NULL, false), RENEW_INSTALL);
	X509_free(cert);
	EVP_PKEY_free(key);
	buf_cleanse(&pem);
}

static void
hook_until_it_works(void **state)
{
	struct world *w = *state;
	char hook[160], count[160];
	struct buf b;

	buf_init(&b, 0);
	snprintf(hook, sizeof hook, "%s/hook", w->top);
	snprintf(count, sizeof count, "%s/count", w->top);
	w->texts.value[SETTING_HOOK] = hook;
	assert_int_equal(automatic(w), RENEW_HOOK);
	assert_int_equal(w->st.generation, 1);
	assert_int_equal(buf_printf(&b, "#!/bin/sh\n"
	    "echo $CAMCA_RENEW_GENERATION >> %s\n", count), 0);
	pki_write(w->top, "hook", &b);
	assert_int_equal(chmod(hook, 0700), 0);
	w->now_ms = w->st.next_attempt_ms;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_DONE);
	buf_reset(&b);
	assert_int_equal(file_read(count, 100, &b), 0);
	assert_string_equal(buf_str(&b), "1\n2\n");
	buf_fini(&b);
}

static void
nothing_to_renew(void **state)
{
	struct world *w = *state;

	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_INSTALL);
	assert_int_equal(w->mock.connections, 0);
}

static void
broken_pair(void **state)
{
	struct world *w = *state;
	struct buf junk;

	assert_int_equal(automatic(w), RENEW_DONE);
	buf_init(&junk, 0);
	there(w, "gen-000001");
	pki_write(w->path, "key.pem", &junk);
	/* Without a secret nothing can be done, and nothing is broken more. */
	assert_int_equal(cycle(w, RENEW_AUTO, NULL, false), RENEW_INSTALL);
	assert_int_equal(cycle(w, RENEW_RENEW, NULL, false), RENEW_INSTALL);
	assert_true(there(w, "gen-000001/cert.pem"));
	assert_int_equal(cycle(w, RENEW_AUTO, "s", true), RENEW_DONE);
	assert_int_equal(w->st.generation, 2);
	buf_fini(&junk);
}

/* An unchanged status is not written again. */
static void
flash_is_spared(void **state)
{
	struct world *w = *state;
	struct stat a, b;

	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(automatic(w), RENEW_DONE);
	there(w, "status");
	assert_int_equal(stat(w->path, &a), 0);
	w->now_ms += HOUR_MS;
	assert_int_equal(automatic(w), RENEW_DONE);
	assert_int_equal(stat(w->path, &b), 0);
	assert_true(a.st_ino == b.st_ino);
}

struct steps {
	struct world *w;
	int n;
	int64_t longest_ms;
};

/* Time passes in no time. */
static enum run_wake
steps_wait(void *arg, int64_t until_ms)
{
	struct steps *s = arg;
	struct world *w = s->w;

	mock_sync(&w->mock);
	assert_true(until_ms > w->now_ms);
	if (until_ms - w->now_ms > s->longest_ms)
		s->longest_ms = until_ms - w->now_ms;
	w->now_ms = until_ms;
	w->mock.clock_s = until_ms / 1000 - PKI_NOW_S;
	if (s->n == 3)
		w->mock.status = 200;
	mock_sync(&w->mock);
	return ++s->n < 24 * 200 ? RUN_DUE : RUN_END;
}

/* 200 days of a 90-day certificate, with an outage at the beginning. */
static void
daemon_through_the_year(void **state)
{
	struct world *w = *state;
	struct steps s = { .w = w };
	struct run_waiter waiter = { steps_wait, &s };
	struct renew_config cfg;

	assert_int_equal(settings_check(&cfg, RENEW_AUTO, true, &w->texts,
	    NULL), 0);
	assert_int_equal(buf_puts(&cfg.secret, "s"), 0);
	w->mock.status = 503;
	mock_sync(&w->mock);
	assert_int_equal(run_daemon(&cfg, &w->ctx, &waiter), RENEW_DONE);
	assert_int_equal(cfg.secret.len, 0);
	assert_int_equal(w->mock.enrolls, 5);
	assert_int_equal(w->mock.reenrolls, 3);
	assert_true(s.longest_ms <= HOUR_MS);
	settings_fini(&cfg);
}

/* The power goes before the n-th file operation of a whole renewal, for each n
 * until one passes: a whole pair is current each time, and the next cycle
 * finishes what was begun, with one certificate issued. */
static void
power_cut_in_a_cycle(void **state)
{
	struct world *w = *state;
	int status, code = -1;
	EVP_PKEY *key;
	pid_t pid;
	long n;

	for (n = 1; n < 200 && code != RENEW_DONE; n++) {
		rmtree(strdup(w->dir));
		w->mock.issued = 0;
		assert_int_equal(cycle(w, RENEW_ENROLL, "s", false),
		    RENEW_DONE);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			fault_arm(FAULT_CUT, n);
			_exit((int)cycle(w, RENEW_RENEW, NULL, false));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		code = WEXITSTATUS(status);
		key = installed_key(w);
		EVP_PKEY_free(key);
		assert_int_equal(automatic(w), RENEW_DONE);
		if (w->st.generation == 1)
			assert_int_equal(cycle(w, RENEW_RENEW, NULL, false),
			    RENEW_DONE);
		assert_int_equal(w->st.generation, 2);
		assert_in_range(w->mock.issued, 2, 2);
		assert_false(there(w, "pending.pem"));
	}
	assert_int_equal(code, RENEW_DONE);
	assert_true(n > 20);
}

/* Nothing that the first pair stands on is still unwritten when it becomes
 * current, the folder that it lies in included: the secret is spent by then. */
static void
first_pair_is_on_disk(void **state)
{
	struct world *w = *state;
	bool unsynced;

	fault_arm(FAULT_CUT, 100000);
	assert_int_equal(cycle(w, RENEW_ENROLL, "s", false), RENEW_DONE);
	unsynced = fault.unsynced_switch;
	fault_arm(FAULT_OFF, 0);
	assert_false(unsynced);
}

/* The n-th file operation of a first enrollment fails: the status and the log
 * say why, and the next cycle finishes. */
static void
disk_error_has_a_reason(void **state)
{
	struct world *w = *state;
	enum renew_exit code;
	long n, failed = 0;

	for (n = 1; n < 24; n++) {
		rmtree(strdup(w->dir));
		fault_arm(FAULT_ERROR, n);
		code = cycle(w, RENEW_ENROLL, "s", false);
		fault_arm(FAULT_OFF, 0);
		if (w->st.exit_code == RENEW_INSTALL)
			assert_string_not_equal(w->st.last_error, "");
		failed += code != RENEW_DONE;
		assert_int_equal(cycle(w, RENEW_ENROLL, "s", false),
		    RENEW_DONE);
	}
	assert_true(failed > 10);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(enroll_wait_renew),
		WITH_WORLD(keys_kept),
		WITH_WORLD(proof_of_possession),
		WITH_WORLD(other_framings),
		WITH_WORLD(pending_then_issued),
		WITH_WORLD(lost_answer),
		WITH_WORLD(refusals),
		WITH_WORLD(wrong_certificates),
		WITH_WORLD(wrong_servers),
		WITH_WORLD(nobody_there),
		WITH_WORLD(rollover),
		WITH_WORLD(clock_behind),
		WITH_WORLD(clock_was_ahead),
		WITH_WORLD(expired_enrolls_anew),
		WITH_WORLD(factory_identity),
		WITH_WORLD(hook_until_it_works),
		WITH_WORLD(nothing_to_renew),
		WITH_WORLD(broken_pair),
		WITH_WORLD(flash_is_spared),
		WITH_WORLD(daemon_through_the_year),
		WITH_WORLD(power_cut_in_a_cycle),
		WITH_WORLD(first_pair_is_on_disk),
		WITH_WORLD(disk_error_has_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
