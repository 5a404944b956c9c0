/* SPDX-License-Identifier: Apache-2.0 */
/* A whole authority with a token of its own, one site, two cameras with
 * accounts in the vault, and an agent with its certificate. */
#ifndef CAMCA_TESTS_AGENT_FIXTURE_H
#define CAMCA_TESTS_AGENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <openssl/crypto.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/authority/agent.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/json_memory.h"
#include "ca/base/log.h"
#include "ca/issue/cert.h"

#define AFIX_NOW INT64_C(1800000000000)
#define AFIX_MARK "Marker-7vK3-Password"

struct afix {
	char dir[64];
	int64_t now_ms;
	struct camca_ctx ctx;
	struct authority a;
	struct session session;
	struct caller person, gate;
	char *chain;                   /* the agent's certificate, base64 */
	json_t *answer;
};

static int64_t
afix_now(void *arg)
{
	return __atomic_load_n(&((struct afix *)arg)->now_ms,
	    __ATOMIC_RELAXED);
}

static int
afix_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return ctx_random(&camca_ctx_system, out, n);
}

static void
afix_path(const struct afix *f, const char *name, char out[static 128])
{
	assert_int_equal(file_join(out, 128, f->dir, name), 0);
}

/* Runs one call; its http status, 200 for a result, 0 where there was no memory
 * for an answer. arm and disarm (or NULL) stand around the call itself. The call
 * and the answer's text are overwritten, as the connection does with them. */
static int
afix_call_armed(struct afix *f, bool gate, char *payload, void (*arm)(int n),
    bool (*disarm)(void), int n, bool *hit)
{
	size_t len = 0, size = strlen(payload);
	json_t *error;
	char *text;

	json_decref(f->answer);
	f->answer = NULL;
	if (arm != NULL)
		arm(n);
	text = dispatch(&f->a, gate ? &f->gate : &f->person, &f->session,
	    (const uint8_t *)payload, size, &len);
	if (disarm != NULL)
		*hit = disarm();
	OPENSSL_cleanse(payload, size);
	if (text == NULL)
		return 0;
	f->answer = json_loadb(text, len, 0, NULL);
	OPENSSL_cleanse(text, len);
	free(text);
	assert_non_null(f->answer);
	error = json_object_get(f->answer, "error");
	return error == NULL ? 200 :
	    (int)json_integer_value(json_object_get(error, "http"));
}

static inline int
afix_call(struct afix *f, bool gate, const char *call)
{
	char *copy = strdup(call);
	int http;

	assert_non_null(copy);
	http = afix_call_armed(f, gate, copy, NULL, NULL, 0, NULL);
	free(copy);
	return http;
}

static inline void
afix_must(struct afix *f, bool gate, const char *call)
{
	char *text;

	if (afix_call(f, gate, call) == 200)
		return;
	text = json_dumps(f->answer, 0);
	fail_msg("%.120s: %s", call, text);
}

/* ---- making it ---- */

static int
afix_cert_tx(struct tx *tx, void *arg)
{
	struct cert_row *c = arg;
	struct device_row d;
	int ret = store_device_get(tx, "agent-1", &d);

	c->device = d.pk;
	return ret < 0 || (ret = store_cert_insert(tx, c)) < 0 ? ret :
	    store_device_move(tx, d.pk, DEVICE_REGISTERED, DEVICE_ENROLLED,
	    c->created_ms);
}

/* An RA certificate as the product builds it, on record. */
static void
afix_agent(struct afix *f)
{
	struct profile p = { .name = "ra", .validity_ms = 86400000,
	    .key_usage = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
	    .eku_nids = { NID_client_auth, NID_cmcRA } };
	const struct ca *ca = ca_active(f->a.cas, "ec");
	AUTO(EVP_PKEY) *key = EVP_EC_gen("P-256");
	AUTO(X509_NAME) *name = X509_NAME_new();
	AUTO(X509) *cert = NULL;
	struct cert_row row = { .reason = -1, .profile = "ra", .label = "ra",
	    .created_ms = f->now_ms, .not_before_ms = f->now_ms,
	    .not_after_ms = f->now_ms + 86400000, .issuer = ca->row.id };
	struct cert_plan plan = { .profile = &p, .issuer = ca->cert,
	    .key = key, .subject = name, .serial = row.serial,
	    .now_ms = f->now_ms };
	unsigned char *der = NULL;
	int n;

	assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName,
	    MBSTRING_UTF8, (const unsigned char *)"agent-1", -1, -1, 0), 1);
	assert_int_equal(cert_serial(&f->ctx, f->now_ms, row.serial), 0);
	assert_int_equal(cert_build(&plan, &cert, NULL), 0);
	assert_int_equal(hsm_sign_cert(ca->key, cert), 0);
	assert_int_equal(cert_spki_sha256(cert, row.spki), 0);
	n = i2d_X509(cert, &der);
	assert_true(n > 0);
	row.der = (struct store_blob){ der, (size_t)n };
	assert_int_equal(store_tx(f->a.store, DB_WRITE, afix_cert_tx, &row),
	    0);
	f->chain = enc_base64_dup(der, (size_t)n);
	assert_non_null(f->chain);
	OPENSSL_free(der);
}

static void
afix_cameras(struct afix *f)
{
	char text[400];
	int i;

	afix_must(f, false, "{\"op\":\"site.add\",\"args\":{\"id\":\"s1\","
	    "\"name\":\"One\",\"level\":1}}");
	for (i = 0; i < 2; i++) {
		snprintf(text, sizeof text, "{\"op\":\"device.add\",\"args\":"
		    "{\"id\":\"cam-%d\",\"manufacturer\":\"A\",\"model\":\"M\""
		    ",\"serial\":\"S%d\",\"site\":\"s1\"}}", i, i);
		afix_must(f, false, text);
		snprintf(text, sizeof text, "{\"op\":\"device.reach\",\"args\":"
		    "{\"id\":\"cam-%d\",\"host\":\"192.0.2.1\"}}", i);
		afix_must(f, false, text);
	}
	afix_must(f, false, "{\"op\":\"secret.import\",\"args\":{\"csv\":"
	    "\"device,username,password,role,level\\n"
	    "cam-0,admin," AFIX_MARK ",administrator,Administrator\\n"
	    "cam-1,admin," AFIX_MARK ",administrator,Administrator\\n\"}}");
	afix_must(f, false, "{\"op\":\"agent.add\",\"args\":{\"id\":"
	    "\"agent-1\",\"site\":\"s1\"}}");
}

/* Opens what is there. */
static inline void
afix_open(struct afix *f)
{
	struct refusal why = { 0 };

	if (authority_open(&f->a, &why) < 0)
		fail_msg("%s: %s", why.code, why.detail);
	pthread_mutex_init(&f->session.lock, NULL);
	buf_init(&f->session.upload, 1);
}

static inline void
afix_close(struct afix *f)
{
	struct config conf = f->a.conf;

	json_decref(f->answer);
	f->answer = NULL;
	buf_fini(&f->session.upload);
	authority_close(&f->a);
	memset(&f->a, 0, sizeof f->a);
	f->a.conf = conf;
	f->a.ctx = &f->ctx;
}

static inline void
afix_copy(const struct afix *f, const char *from, const char *to)
{
	struct buf b;
	char path[128];
	FILE *fp;

	buf_init(&b, 1 << 26);
	afix_path(f, from, path);
	assert_int_equal(file_read(path, 1 << 26, &b), 0);
	afix_path(f, to, path);
	fp = fopen(path, "w");
	assert_non_null(fp);
	assert_int_equal(fwrite(b.data, 1, b.len, fp), b.len);
	assert_int_equal(fclose(fp), 0);
	buf_fini(&b);
}

/* Back to how it was after afix_group. */
static inline void
afix_restore(struct afix *f)
{
	static const char *const logs[] = { "db/camca.sqlite-wal",
	    "db/camca.sqlite-shm" };
	char path[128];
	size_t i;

	afix_close(f);
	for (i = 0; i < 2; i++) {
		afix_path(f, logs[i], path);
		unlink(path);
	}
	afix_copy(f, "base", "db/camca.sqlite");
	f->now_ms = AFIX_NOW;
	afix_open(f);
}

static void
afix_init(struct afix *f)
{
	static const char *const names[] = { "db", "hsm", "crl", "custody",
	    "run" };
	struct init_options o = { .policies_from = "policies" };
	struct refusal why = { 0 };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		afix_path(f, names[i], path);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	afix_path(f, "hsm", path);
	assert_int_equal(hsm_softhsm_make(path, "camca", &why), 0);
	config_default(&f->a.conf, f->dir);
	snprintf(f->a.conf.policies, sizeof f->a.conf.policies, "policies");
	afix_path(f, "hsm/pin", path);
	snprintf(f->a.conf.hsm_pin_file, sizeof f->a.conf.hsm_pin_file, "%s",
	    path);
	snprintf(f->a.conf.http_url, sizeof f->a.conf.http_url,
	    "http://pki.example");
	f->a.conf.workers = 2;
	f->a.ctx = &f->ctx;
	o.conf = f->a.conf;
	if (authority_init(&f->a, &o, &why) < 0)
		fail_msg("%s: %s", why.code, why.detail);
}

static int
afix_group(void **state)
{
	struct afix *f = calloc(1, sizeof *f);

	assert_non_null(f);
	log_setup("test", (enum log_level)0);
	json_memory_setup();
	/* Memory where there is some: nothing here is about fsync. */
	snprintf(f->dir, sizeof f->dir, "%s/camca-agent.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->now_ms = AFIX_NOW;
	f->ctx = (struct camca_ctx){ afix_now, afix_random, f };
	f->person = (struct caller){ ROLE_OPERATOR, 0, "uid:0" };
	f->gate = (struct caller){ ROLE_GATE, 1, "gate" };
	afix_init(f);
	afix_close(f);
	afix_open(f);
	afix_cameras(f);
	afix_agent(f);
	afix_close(f);
	afix_copy(f, "db/camca.sqlite", "base");
	afix_open(f);
	*state = f;
	return 0;
}

static int
afix_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int
afix_group_end(void **state)
{
	struct afix *f = *state;

	afix_close(f);
	nftw(f->dir, afix_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(f->chain);
	free(f);
	return 0;
}

#endif
