/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what is wrong and how to mend it. The authority judges what it holds
 * (token, clock, store, certificates); this side looks at what is left when the
 * authority does not even run: folder, settings, disk, gate. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/config.h"
#include "ca/base/file.h"
#include "ca/cmd/doctor.h"
#include "ca/cmd/out.h"
#include "ca/cmd/where.h"

#define DOCTOR_DISK_LOW (512LL << 20)
#define DOCTOR_CERT_LOW_S (14 * 86400)

void
doctor_add(json_t *checks, const char *name, enum doctor_level level,
    const char *detail, const char *mend)
{
	static const char *const levels[] = { "note", "warning", "error" };

	json_array_append_new(checks, json_pack("{s:s, s:b, s:s, s:s, s:s}",
	    "name", name, "ok", level == DOCTOR_FINE, "level", levels[level],
	    "detail", detail, "mend", mend));
}

static void
doctor_folder(json_t *checks, const char *state)
{
	char text[PATH_MAX + 100];
	struct stat st;

	if (stat(state, &st) != 0) {
		snprintf(text, sizeof text, "%s: %s", state, strerror(errno));
		doctor_add(checks, "state", DOCTOR_ERROR, text,
		    "Name the folder with --state, or make it: camca init.");
		return;
	}
	snprintf(text, sizeof text, "%s, mode %03o", state,
	    (unsigned)(st.st_mode & 0777));
	if (!S_ISDIR(st.st_mode))
		doctor_add(checks, "state", DOCTOR_ERROR, text,
		    "The state must be a folder.");
	else if (st.st_mode & 0022)
		doctor_add(checks, "state", DOCTOR_ERROR, text,
		    "Others may write there: chmod go-w the folder.");
	else
		doctor_add(checks, "state", DOCTOR_FINE, text, "");
}

static void
doctor_config(json_t *checks, const char *state, struct config *c, bool *ok)
{
	char error[600] = "";

	*ok = config_load(c, state, error, sizeof error) == CAMCA_OK;
	if (*ok)
		doctor_add(checks, "settings", DOCTOR_FINE,
		    "camca.yaml is right", "");
	else
		doctor_add(checks, "settings", DOCTOR_ERROR, error,
		    "Mend the line; camca.yaml(5) lists the keys. Without a "
		    "file: camca init.");
}

static void
doctor_disk(json_t *checks, const char *state)
{
	struct statvfs fs;
	long long left;
	char text[80];

	if (statvfs(state, &fs) != 0)
		return;
	left = (long long)fs.f_bavail * (long long)fs.f_frsize;
	snprintf(text, sizeof text, "%lld MiB free", left >> 20);
	doctor_add(checks, "disk", left < DOCTOR_DISK_LOW ? DOCTOR_WARN :
	    DOCTOR_FINE, text, left < DOCTOR_DISK_LOW ? "Make room: a full "
	    "disk stops enrollment (nothing is lost)." : "");
}

enum doctor_level
doctor_cert_level(int64_t not_after_s, int64_t now_s, char *text, size_t len)
{
	int64_t left = not_after_s - now_s;

	if (left <= 0) {
		snprintf(text, len, "expired %lld days ago",
		    (long long)(-left / 86400));
		return DOCTOR_ERROR;
	}
	snprintf(text, len, "good for %lld more days",
	    (long long)(left / 86400));
	return left < DOCTOR_CERT_LOW_S ? DOCTOR_WARN : DOCTOR_FINE;
}

/* The gate's certificate: it renews itself at half its life, so one near its
 * end says that renewal fails. */
static void
doctor_gate_cert(json_t *checks, const char *state, int64_t now_s)
{
	char path[PATH_MAX], text[80];
	struct tm tm;
	AUTO(X509) *cert = NULL;
	enum doctor_level level;
	FILE *f;

	if (file_join(path, sizeof path, state, "gate/tls.pem") < 0)
		return;
	f = fopen(path, "re");
	if (f == NULL)
		return;
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert),
	    &tm) != 1) {
		doctor_add(checks, "gate-certificate", DOCTOR_ERROR,
		    "gate/tls.pem is not readable",
		    "Remove it and restart camca-gate: it gets a new one.");
		return;
	}
	level = doctor_cert_level((int64_t)timegm(&tm), now_s, text,
	    sizeof text);
	doctor_add(checks, "gate-certificate", level, text,
	    level == DOCTOR_FINE ? "" : "The gate renews it by itself at "
	    "half its life: see its log why it could not.");
}

static bool
doctor_connects(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	struct timeval tv = { .tv_sec = 3 };
	bool ok;
	int fd;

	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return false;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	ok = fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return ok;
}

static void
doctor_gate(json_t *checks, const char *state, const struct config *c)
{
	const char *host = c->est_host;
	struct where_urls urls;
	char error[600] = "", text[WHERE_URL_MAX + 40];
	char *port;

	/* A wildcard is where it listens, not where it can be reached. */
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	if (where_urls(state, &urls, error, sizeof error) < 0) {
		doctor_add(checks, "gate", DOCTOR_ERROR, error,
		    "Start it: camca up, or camca-gate.");
		return;
	}
	snprintf(text, sizeof text, "%s", urls.est);
	port = strstr(urls.est, "/.well-known");
	if (port != NULL)
		*port = '\0';
	port = strrchr(urls.est, ':');
	if (port != NULL && doctor_connects(host, port + 1))
		doctor_add(checks, "gate", DOCTOR_FINE, text, "");
	else
		doctor_add(checks, "gate", DOCTOR_ERROR,
		    "nobody listens for EST",
		    "Start it: camca up, or camca-gate; its log says why it "
		    "ended.");
}

/* The authority's own list, or one entry that says why there is none. */
static bool
doctor_authority(struct cmd_env *env, json_t *checks)
{
	struct refusal why = { .http = 0 };
	json_t *result = NULL;
	int ret = cmd_try(env, "system.doctor", NULL, &result, &why);

	refuse_default(&why, ret);
	if (ret < 0) {
		doctor_add(checks, "authority", DOCTOR_ERROR, why.detail,
		    strcmp(why.code, "system.authority-unreachable") == 0 ?
		    "Start it: camca up, or camcad; its log says why it "
		    "ended." : "See the log of camcad.");
		return false;
	}
	doctor_add(checks, "authority", DOCTOR_FINE, "answers", "");
	json_array_extend(checks, json_object_get(result, "checks"));
	json_decref(result);
	return true;
}

bool
doctor_healthy(const json_t *checks)
{
	const char *level;
	json_t *item;
	size_t i;

	json_array_foreach(checks, i, item) {
		level = json_string_value(json_object_get(item, "level"));
		if (!json_is_true(json_object_get(item, "ok")) &&
		    (level == NULL || strcmp(level, "error") == 0))
			return false;
	}
	return true;
}

static int
doctor_print(FILE *f, const json_t *checks)
{
	const char *key[] = { "level", "name", "detail", "mend" };
	struct buf cell[4];
	json_t *item;
	size_t i, k;
	int ret = CAMCA_OK;

	for (k = 0; k < 4; k++)
		buf_init(&cell[k], 65536);
	json_array_foreach(checks, i, item) {
		for (k = 0; k < 4 && ret == CAMCA_OK; k++) {
			buf_reset(&cell[k]);
			ret = out_cell(&cell[k], json_object_get(item,
			    key[k]));
			if (ret == CAMCA_OK)
				refusal_sanitize((char *)cell[k].data);
		}
		if (ret < 0)
			break;
		fprintf(f, "%-8s %-18s %s\n", json_is_true(json_object_get(
		    item, "ok")) ? "ok" : buf_str(&cell[0]),
		    buf_str(&cell[1]), buf_str(&cell[2]));
		if (!json_is_true(json_object_get(item, "ok")) &&
		    strcmp(buf_str(&cell[3]), "-") != 0)
			fprintf(f, "%-8s %-18s -> %s\n", "", "",
			    buf_str(&cell[3]));
	}
	for (k = 0; k < 4; k++)
		buf_fini(&cell[k]);
	return ret;
}

static int
doctor_report(struct cmd_env *env, json_t *checks)
{
	bool healthy = doctor_healthy(checks);
	json_t *answer;

	if (env->json) {
		answer = json_pack("{s:b, s:O}", "ok", healthy, "checks",
		    checks);
		out_json(env->out, answer);
		json_decref(answer);
	} else if (doctor_print(env->out, checks) < 0) {
		return cmd_failed(env, "system.memory", "Out of memory.");
	}
	return healthy ? CMD_DONE : CMD_REFUSED;
}

static int
doctor_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct config *c = malloc(sizeof *c);
	json_t *checks = json_array();
	bool configured = false;
	int ret;

	(void)cmd;
	(void)v;
	if (c == NULL || checks == NULL) {
		free(c);
		json_decref(checks);
		return cmd_failed(env, "system.memory", "Out of memory.");
	}
	doctor_folder(checks, env->state);
	doctor_config(checks, env->state, c, &configured);
	if (!doctor_authority(env, checks))
		doctor_disk(checks, env->state);
	if (configured)
		doctor_gate(checks, env->state, c);
	doctor_gate_cert(checks, env->state, ctx_now_ms(env->ctx) / 1000);
	ret = doctor_report(env, checks);
	json_decref(checks);
	free(c);
	return ret;
}

const struct cmd cmd_doctor[] = {
	{ .noun = "doctor", .help = "Says what is wrong and how to mend it",
	    .op = "system.doctor", .run = doctor_run,
	    .more = "Exit code 0 where nothing is wrong (warnings aside), "
	    "else 1." },
	{ .noun = NULL },
};
