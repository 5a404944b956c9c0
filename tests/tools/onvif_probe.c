/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the ONVIF driver, one a line of standard input, on one camera:
 *   onvif_probe HOST PORT [clear]
 *   cred admin secret
 *   identify
 * Each line is answered by its rows and then by one line "ok WORDS" or
 * "fail NAME ERR FAULT TEXT" on standard output. Words have no spaces; "-" is
 * an empty one. With "clear" new passwords may go without TLS. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/job_wire.h"
#include "enroll/onvif/discovery.h"
#include "enroll/onvif/driver.h"

#define WORDS 12

struct tool {
	const struct cam_driver *d;
	struct camera *c;
	const char *host;
	uint8_t pin[32];
	X509_STORE *trust;
	struct cam_why why;
	char words[1024];
};

typedef int tool_fn(struct tool *t, int n, char **a);

static int
tool_wait(void *arg, int64_t ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000 };

	(void)arg;
	nanosleep(&ts, NULL);
	return 0;
}

static const char *
word(const char *s)
{
	return s[0] != '\0' ? s : "-";
}

static const char *
given(const char *s)
{
	return strcmp(s, "-") == 0 ? NULL : s;
}

#define SAY(t, ...) snprintf((t)->words, sizeof (t)->words, __VA_ARGS__)

/* ---- ways and logins ---- */

static int
do_move(struct tool *t, int n, char **a)
{
	struct cam_link l = { .host = t->host };

	l.scheme = strcmp(a[1], "https") == 0 ? CAM_HTTPS : CAM_HTTP;
	l.port = (uint16_t)strtoul(a[2], NULL, 10);
	if (n > 3 && given(a[3]) != NULL) {
		if (dec_hex(t->pin, sizeof t->pin, a[3]) < 0)
			return CAMCA_EINVAL;
		l.leaf_sha256 = t->pin;
	}
	if (n > 4) {
		X509_STORE_free(t->trust);
		t->trust = X509_STORE_new();
		if (t->trust == NULL ||
		    X509_STORE_load_file(t->trust, a[4]) != 1)
			return CAMCA_EINVAL;
		l.trust = t->trust;
		l.name = n > 5 ? a[5] : NULL;
	}
	return t->d->move(t->c, &l, &t->why);
}

static int
do_cred(struct tool *t, int n, char **a)
{
	return t->d->credentials(t->c, given(a[1]), n > 2 ? a[2] : "",
	    &t->why);
}

static int
do_login(struct tool *t, int n, char **a)
{
	struct cam_login l = { .surface = CAM_SURFACE_API, .user = a[1],
	    .password = a[2] };
	struct job_surface s;
	bool works;
	int ret;

	if (n > 3) {
		if (!job_surface_parse(a[3], &s))
			return CAMCA_EINVAL;
		l.surface = s.rtsp ? CAM_SURFACE_RTSP : CAM_SURFACE_PATH;
		l.path = s.path;
		l.port = s.port;
	}
	ret = t->d->login(t->c, &l, &works, &t->why);
	SAY(t, "%s", works ? "yes" : "no");
	return ret;
}

static int
do_failed(struct tool *t, int n, char **a)
{
	(void)n;
	(void)a;
	SAY(t, "%u", t->d->failed_logins(t->c));
	return CAMCA_OK;
}

static int
do_served(struct tool *t, int n, char **a)
{
	struct cam_served s;
	char hex[65];
	int ret = t->d->served(t->c, n > 1 ?
	    (uint16_t)strtoul(a[1], NULL, 10) : 0, &s, &t->why);

	if (ret < 0)
		return ret;
	enc_hex(hex, s.sha256, sizeof s.sha256);
	SAY(t, "%s %04x %zu", hex, (unsigned)s.version, s.n);
	cam_served_fini(&s);
	return ret;
}

/* ---- device ---- */

static int
do_time(struct tool *t, int n, char **a)
{
	struct cam_time x;
	int ret;

	if (n > 1 && strcmp(a[1], "set") == 0)
		return t->d->time_set(t->c, &t->why);
	if (n > 1)
		return t->d->time_ntp(t->c, (const char *const *)a + 1,
		    (size_t)n - 1, &t->why);
	ret = t->d->time_get(t->c, &x, &t->why);
	SAY(t, "%lld %s %s", (long long)x.offset_ms / 1000,
	    x.ntp ? "ntp" : "manual", word(x.zone));
	return ret;
}

static int
do_identify(struct tool *t, int n, char **a)
{
	struct cam_identity x;
	int ret = t->d->identify(t->c, &x, &t->why);

	(void)n;
	(void)a;
	SAY(t, "%s|%s|%s|%s|%s", x.manufacturer, x.model, x.firmware,
	    x.serial, x.hardware_id);
	return ret;
}

static int
do_caps(struct tool *t, int n, char **a)
{
	struct cam_caps x;
	int ret = t->d->caps(t->c, &x, &t->why);

	(void)n;
	(void)a;
	SAY(t, "keystore=%d rsa=%d:%u p256=%d p384=%d pkcs10=%d keys=%d "
	    "certs=%d paths=%d crls=%d auto=%d nosharing=%d password=%d "
	    "sha256=%d", x.keystore, x.rsa, x.rsa_bits[0], x.p256, x.p384,
	    x.pkcs10, x.max_keys, x.max_certs, x.max_paths, x.max_crls,
	    x.auto_delete_key, x.no_key_sharing, x.max_password_len,
	    x.digest_sha256);
	return ret;
}

static int
do_rule(struct tool *t, int n, char **a)
{
	struct cam_password_rule x;
	int ret = t->d->password_rule(t->c, &x, &t->why);

	(void)n;
	(void)a;
	SAY(t, "min=%d upper=%d digits=%d special=%d", x.min_len, x.upper,
	    x.digits, x.special);
	return ret;
}

static int
do_users(struct tool *t, int n, char **a)
{
	struct cam_accounts l;
	size_t i;
	int ret = t->d->accounts(t->c, &l, &t->why);

	(void)n;
	(void)a;
	for (i = 0; i < l.n; i++)
		printf("%s %s\n", l.v[i].user, l.v[i].level);
	cam_accounts_fini(&l);
	return ret;
}

static int
do_adduser(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->account_create(t->c, a[1], a[2], a[3], &t->why);
}

static int
do_setpass(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->account_password(t->c, a[1], a[2], &t->why);
}

static int
do_deluser(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->account_delete(t->c, a[1], &t->why);
}

static int
do_protocols(struct tool *t, int n, char **a)
{
	struct cam_protocols l;
	size_t i;
	int ret;

	if (n > 3) {
		memset(&l, 0, sizeof l);
		snprintf(l.v[0].name, sizeof l.v[0].name, "%s", a[1]);
		l.v[0].enabled = strcmp(a[2], "on") == 0;
		l.v[0].port = (uint16_t)strtoul(a[3], NULL, 10);
		l.n = 1;
		return t->d->protocols_set(t->c, &l, &t->why);
	}
	ret = t->d->protocols(t->c, &l, &t->why);
	for (i = 0; i < l.n; i++)
		printf("%s %s %u\n", l.v[i].name, l.v[i].enabled ? "on" :
		    "off", (unsigned)l.v[i].port);
	return ret;
}

static int
do_discoverable(struct tool *t, int n, char **a)
{
	bool on = false;
	int ret;

	if (n > 1)
		return t->d->discoverable_set(t->c, strcmp(a[1], "on") == 0,
		    &t->why);
	ret = t->d->discoverable(t->c, &on, &t->why);
	SAY(t, "%s", on ? "on" : "off");
	return ret;
}

static int
do_sha256(struct tool *t, int n, char **a)
{
	struct cam_digests d = { false, false };
	int ret;

	if (n > 1)
		return t->d->sha256_set(t->c, strcmp(a[1], "on") == 0,
		    &t->why);
	ret = t->d->digests(t->c, &d, &t->why);
	SAY(t, "md5=%d sha256=%d", d.md5, d.sha256);
	return ret;
}

static int
do_reboot(struct tool *t, int n, char **a)
{
	(void)n;
	(void)a;
	return t->d->reboot(t->c, &t->why);
}

/* ---- keystore ---- */

static enum cam_key_type
key_type(const char *s)
{
	return strcmp(s, "p256") == 0 ? CAM_P256 : strcmp(s, "p384") == 0 ?
	    CAM_P384 : CAM_RSA;
}

static int
do_keys(struct tool *t, int n, char **a)
{
	struct cam_keys l;
	size_t i;
	int ret = t->d->keys(t->c, &l, &t->why);

	(void)n;
	(void)a;
	for (i = 0; i < l.n; i++)
		printf("%s %s %d\n", l.v[i].id, word(l.v[i].alias),
		    (int)l.v[i].state);
	cam_keys_fini(&l);
	return ret;
}

static int
do_mkkey(struct tool *t, int n, char **a)
{
	char id[CAM_ID_MAX];
	int64_t ms = 0;
	int ret = t->d->key_create(t->c, key_type(a[1]),
	    (unsigned)strtoul(a[2], NULL, 10), n > 3 ? a[3] : NULL, id, &ms,
	    &t->why);

	SAY(t, "%s %lld", id, (long long)ms);
	return ret;
}

static int
do_keywait(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->key_wait(t->c, a[1], strtoll(a[2], NULL, 10), &t->why);
}

static int
do_rmkey(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->key_delete(t->c, a[1], &t->why);
}

static int
do_csr(struct tool *t, int n, char **a)
{
	static const uint8_t san[] = { 0x30, 0x0b, 0x82, 0x09, 'c', 'a', 'm',
	    '.', 'l', 'o', 'c', 'a', 'l' };
	struct cam_csr_ask ask = { .key_id = a[1], .type = key_type(a[2]),
	    .common_name = a[3], .san = san, .san_len = sizeof san };
	struct buf der;
	int ret;

	(void)n;
	buf_init(&der, CAM_DER_MAX);
	ret = t->d->csr(t->c, &ask, &der, &t->why);
	if (ret == CAMCA_OK)
		ret = file_replace(a[4], der.data, der.len, 0644);
	buf_fini(&der);
	return ret;
}

static int
do_certs(struct tool *t, int n, char **a)
{
	struct cam_certs l;
	char hex[65];
	size_t i;
	int ret = t->d->certs(t->c, &l, &t->why);

	(void)n;
	(void)a;
	for (i = 0; i < l.n; i++) {
		enc_hex(hex, l.v[i].sha256, 32);
		printf("%s %s %s %s\n", l.v[i].id, word(l.v[i].key_id),
		    word(l.v[i].alias), hex);
	}
	cam_certs_fini(&l);
	return ret;
}

static int
do_upload(struct tool *t, int n, char **a)
{
	struct cam_upload u = { .alias = a[2],
	    .private_key = n > 3 && strcmp(a[3], "leaf") == 0 };
	struct cam_uploaded up;
	struct buf der;
	int ret;

	buf_init(&der, 0);
	ret = file_read(a[1], CAM_DER_MAX, &der);
	if (ret == CAMCA_OK) {
		u.der = der.data;
		u.der_len = der.len;
		ret = t->d->cert_upload(t->c, &u, &up, &t->why);
		SAY(t, "%s %s %s", word(up.cert_id), word(up.key_id),
		    up.was_there ? "was-there" : "new");
	}
	buf_fini(&der);
	return ret;
}

static int
do_rmcert(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->cert_delete(t->c, a[1], &t->why);
}

static int
do_paths(struct tool *t, int n, char **a)
{
	struct cam_paths l;
	size_t i, j;
	int ret = t->d->paths(t->c, &l, &t->why);

	(void)n;
	(void)a;
	for (i = 0; i < l.n; i++) {
		printf("%s %s", l.v[i].id, word(l.v[i].alias));
		for (j = 0; j < l.v[i].n; j++)
			printf(" %s", l.v[i].cert[j]);
		printf("\n");
	}
	cam_paths_fini(&l);
	return ret;
}

static int
do_mkpath(struct tool *t, int n, char **a)
{
	char id[CAM_ID_MAX];
	int ret = t->d->path_create(t->c, (const char *const *)a + 2,
	    (size_t)n - 2, a[1], id, &t->why);

	SAY(t, "%s", word(id));
	return ret;
}

static int
do_rmpath(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->path_delete(t->c, a[1], &t->why);
}

static int
print_ids(struct cam_ids *l, int ret)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		printf("%s\n", l->v[i]);
	cam_ids_fini(l);
	return ret;
}

static int
do_assigned(struct tool *t, int n, char **a)
{
	struct cam_ids l;
	int ret = t->d->assigned(t->c, &l, &t->why);

	(void)n;
	(void)a;
	return print_ids(&l, ret);
}

static int
do_assign(struct tool *t, int n, char **a)
{
	return n > 2 ? t->d->assign_replace(t->c, a[1], a[2], &t->why) :
	    t->d->assign_add(t->c, a[1], &t->why);
}

static int
do_unassign(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->assign_remove(t->c, a[1], &t->why);
}

static int
do_clientauth(struct tool *t, int n, char **a)
{
	bool on = false;
	int ret;

	if (n > 1)
		return t->d->client_auth_set(t->c, strcmp(a[1], "on") == 0,
		    &t->why);
	ret = t->d->client_auth(t->c, &on, &t->why);
	SAY(t, "%s", on ? "on" : "off");
	return ret;
}

static int
do_crls(struct tool *t, int n, char **a)
{
	struct cam_crls l;
	size_t i;
	int ret = t->d->crls(t->c, &l, &t->why);

	(void)n;
	(void)a;
	for (i = 0; i < l.n; i++)
		printf("%s %s %zu\n", l.v[i].id, word(l.v[i].alias),
		    l.v[i].der_len);
	cam_crls_fini(&l);
	return ret;
}

static int
do_crl(struct tool *t, int n, char **a)
{
	char id[CAM_ID_MAX] = "";
	struct buf der;
	int ret;

	(void)n;
	buf_init(&der, 0);
	ret = file_read(a[1], CAM_CRL_MAX, &der);
	if (ret == CAMCA_OK)
		ret = t->d->crl_upload(t->c, der.data, der.len, a[2], id,
		    &t->why);
	SAY(t, "%s", word(id));
	buf_fini(&der);
	return ret;
}

static int
do_rmcrl(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->crl_delete(t->c, a[1], &t->why);
}

static int
do_policies(struct tool *t, int n, char **a)
{
	struct cam_ids l;
	int ret;

	if (n > 1)
		ret = t->d->policies_assigned(t->c, &l, &t->why);
	else
		ret = t->d->policies(t->c, &l, &t->why);
	(void)a;
	return print_ids(&l, ret);
}

static int
do_mkpolicy(struct tool *t, int n, char **a)
{
	char id[CAM_ID_MAX];
	int ret = t->d->policy_create(t->c, (const char *const *)a + 2,
	    (size_t)n - 2, a[1], id, &t->why);

	SAY(t, "%s", word(id));
	return ret;
}

static int
do_policy(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->policy_assign(t->c, given(a[1]), &t->why);
}

static int
do_rmpolicy(struct tool *t, int n, char **a)
{
	(void)n;
	return t->d->policy_delete(t->c, a[1], &t->why);
}

static int
do_discover(struct tool *t, int n, char **a)
{
	struct discovery_ask ask = { .ctx = &camca_ctx_system,
	    .group = a[1], .port = (uint16_t)strtoul(a[2], NULL, 10),
	    .listen_ms = strtol(a[3], NULL, 10) };
	struct discovery d;
	size_t i;
	int ret = discovery_run(&ask, &d, &t->why);

	(void)n;
	for (i = 0; i < d.n; i++)
		printf("%s %s %s\n", d.v[i].from, d.v[i].endpoint,
		    d.v[i].xaddrs);
	discovery_fini(&d);
	return ret;
}

static const struct {
	const char *name;
	int words;                   /* at least, with the name */
	tool_fn *fn;
} commands[] = {
	{ "move", 3, do_move }, { "cred", 2, do_cred },
	{ "login", 3, do_login }, { "failed", 1, do_failed },
	{ "served", 1, do_served }, { "time", 1, do_time },
	{ "identify", 1, do_identify }, { "caps", 1, do_caps },
	{ "rule", 1, do_rule }, { "users", 1, do_users },
	{ "adduser", 4, do_adduser }, { "setpass", 3, do_setpass },
	{ "deluser", 2, do_deluser }, { "protocols", 1, do_protocols },
	{ "discoverable", 1, do_discoverable }, { "reboot", 1, do_reboot },
	{ "sha256", 1, do_sha256 },
	{ "keys", 1, do_keys }, { "mkkey", 3, do_mkkey },
	{ "keywait", 3, do_keywait }, { "rmkey", 2, do_rmkey },
	{ "csr", 5, do_csr }, { "certs", 1, do_certs },
	{ "upload", 3, do_upload }, { "rmcert", 2, do_rmcert },
	{ "paths", 1, do_paths }, { "mkpath", 3, do_mkpath },
	{ "rmpath", 2, do_rmpath }, { "assigned", 1, do_assigned },
	{ "assign", 2, do_assign }, { "unassign", 2, do_unassign },
	{ "clientauth", 1, do_clientauth }, { "crls", 1, do_crls },
	{ "crl", 3, do_crl }, { "rmcrl", 2, do_rmcrl },
	{ "policies", 1, do_policies }, { "mkpolicy", 3, do_mkpolicy },
	{ "policy", 2, do_policy }, { "rmpolicy", 2, do_rmpolicy },
	{ "discover", 4, do_discover },
};

static int
tool_run(struct tool *t, int n, char **a)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(a[0], commands[i].name) == 0 &&
		    n >= commands[i].words)
			return commands[i].fn(t, n, a);
	return CAMCA_ENOENT;
}

static void
tool_line(struct tool *t, char *line)
{
	char *a[WORDS + 1] = { NULL }, *w;
	int n = 0, ret;

	while (n < WORDS && (w = strsep(&line, " \n")) != NULL)
		if (*w != '\0')
			a[n++] = w;
	if (n == 0)
		return;
	memset(&t->why, 0, sizeof t->why);
	t->words[0] = '\0';
	ret = tool_run(t, n, a);
	if (ret == CAMCA_OK)
		printf("ok %s\n", t->words);
	else
		printf("fail %s %d %s %s\n", word(cam_trouble_name(
		    t->why.code)), ret, word(t->why.fault), t->why.text);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct tool t = { .d = &cam_onvif };
	struct cam_env env = { .ctx = &camca_ctx_system,
	    .wait = tool_wait, .connect_ms = 5000, .answer_ms = 5000,
	    .login_budget = 3 };
	struct cam_link link = { .scheme = CAM_HTTP };
	char line[2048];

	if (argc < 3 || argc > 4)
		return 2;
	env.clear_passwords = argc == 4;
	signal(SIGPIPE, SIG_IGN);
	link.host = t.host = argv[1];
	link.port = (uint16_t)strtoul(argv[2], NULL, 10);
	if (t.d->open(&t.c, &link, &env, &t.why) < 0) {
		fprintf(stderr, "%s\n", t.why.text);
		return 1;
	}
	while (fgets(line, sizeof line, stdin) != NULL)
		tool_line(&t, line);
	t.d->close(t.c);
	X509_STORE_free(t.trust);
	return 0;
}
