/* SPDX-License-Identifier: Apache-2.0 */
/* device labels: asks for new one-time secrets page by page and writes them
 * into files that only their owner can read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/cmd/ca_cmd.h"
#include "ca/cmd/device.h"
#include "ca/cmd/label.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"
#include "ca/cmd/where.h"

/* A file that is written beside its place and moved there when whole. */
struct labels_sink {
	const char *path;        /* NULL: not wished */
	char temp[PATH_MAX];
	int fd;                  /* -1: closed */
};

struct labels_job {
	struct cmd_env *env;
	struct labels_sink csv, html;
	struct buf text;
	char url[WHERE_URL_MAX];
	char root[65];
	size_t count;
};

static int
labels_sink_open(struct labels_job *j, struct labels_sink *s)
{
	struct stat st;

	if (s->path == NULL)
		return CMD_DONE;
	/* Found out at the rename, this would cost every old label's secret. */
	if (stat(s->path, &st) == 0 && S_ISDIR(st.st_mode))
		return cmd_failed(j->env, "file.unwritable",
		    "%s is a folder: name a file.", s->path);
	if ((size_t)snprintf(s->temp, sizeof s->temp, "%s.XXXXXX", s->path) >=
	    sizeof s->temp)
		return cmd_failed(j->env, "file.unwritable",
		    "The file's name is too long.");
	s->fd = mkostemp(s->temp, O_CLOEXEC);       /* mode 0600 */
	if (s->fd < 0)
		return cmd_failed(j->env, "file.unwritable",
		    "%s cannot be written: %s.", s->path, strerror(errno));
	return CMD_DONE;
}

static int
labels_sink_put(struct labels_job *j, struct labels_sink *s)
{
	const char *p = buf_str(&j->text);
	size_t n = j->text.len;
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = write(s->fd, p, n);
		if (w < 0 && errno == EINTR)
			w = 0;
		else if (w < 0)
			return cmd_failed(j->env, "file.unwritable",
			    "%s cannot be written: %s.", s->path,
			    strerror(errno));
	}
	return CMD_DONE;
}

static int
labels_sink_commit(struct labels_job *j, struct labels_sink *s)
{
	int fd = s->fd;

	if (s->path == NULL)
		return CMD_DONE;
	s->fd = -1;
	if (fsync(fd) != 0 || close(fd) != 0 ||
	    rename(s->temp, s->path) != 0) {
		unlink(s->temp);
		return cmd_failed(j->env, "file.unwritable",
		    "%s cannot be written: %s.", s->path, strerror(errno));
	}
	return file_sync_dir(s->path) == CAMCA_OK ? CMD_DONE :
	    cmd_failed(j->env, "file.unwritable",
	    "The folder of %s cannot be written to disk.", s->path);
}

static void
labels_sink_drop(struct labels_sink *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	unlink(s->temp);
	s->fd = -1;
}

static const char *
labels_field(const json_t *item, const char *key)
{
	const char *s = json_string_value(json_object_get(item, key));

	return s != NULL ? s : "";
}

/* One item of the answer into the wished files. */
static int
labels_item(struct labels_job *j, const json_t *item)
{
	struct label l = { labels_field(item, "device"),
	    labels_field(item, "serial"), labels_field(item, "model"),
	    labels_field(item, "site"), labels_field(item, "secret"),
	    labels_field(item, "expires"), j->url, j->root };
	int ret = CAMCA_OK, done = CMD_DONE;

	buf_reset(&j->text);
	if (j->csv.path != NULL) {
		ret = label_csv(&j->text, &l);
		if (ret == CAMCA_OK)
			done = labels_sink_put(j, &j->csv);
		buf_reset(&j->text);
	}
	if (j->html.path != NULL && ret == CAMCA_OK && done == CMD_DONE) {
		ret = label_html(&j->text, &l);
		if (ret == CAMCA_OK)
			done = labels_sink_put(j, &j->html);
	}
	if (ret < 0)
		return cmd_failed(j->env, "labels.failed",
		    "The label of %s cannot be made: %s.", l.device,
		    camca_strerror(ret));
	j->count++;
	return done;
}

/* Heads of both files. */
static int
labels_begin(struct labels_job *j)
{
	char now[CTX_TIME_LEN];
	int ret = CMD_DONE;

	if (j->csv.path != NULL) {
		if (label_csv_head(&j->text) < 0)
			return CMD_REFUSED;
		ret = labels_sink_put(j, &j->csv);
		buf_reset(&j->text);
	}
	if (j->html.path != NULL && ret == CMD_DONE) {
		ctx_time_format(now, ctx_now_ms(j->env->ctx));
		if (label_html_head(&j->text, j->url, j->root, now) < 0)
			return CMD_REFUSED;
		ret = labels_sink_put(j, &j->html);
	}
	return ret;
}

static int
labels_end(struct labels_job *j)
{
	int ret = CMD_DONE;

	buf_reset(&j->text);
	if (j->html.path != NULL) {
		if (label_html_tail(&j->text) < 0)
			return CMD_REFUSED;
		ret = labels_sink_put(j, &j->html);
	}
	if (ret == CMD_DONE)
		ret = labels_sink_commit(j, &j->csv);
	return ret == CMD_DONE ? labels_sink_commit(j, &j->html) : ret;
}

/* One call of device.labels; args are taken. next (512 bytes) is where the
 * list goes on. */
static int
labels_page(struct labels_job *j, json_t *args, char *next, size_t next_len)
{
	json_t *result, *item;
	const char *s;
	size_t i;
	int ret = cmd_call(j->env, "device.labels", args, &result);

	if (ret != CMD_DONE)
		return ret;
	json_array_foreach(json_object_get(result, "items"), i, item)
		if (ret == CMD_DONE)
			ret = labels_item(j, item);
	s = json_string_value(json_object_get(result, "next"));
	snprintf(next, next_len, "%s", s != NULL ? s : "");
	json_decref(result);
	return ret;
}

static json_t *
labels_args(const struct labels_wish *w, const char *after)
{
	json_t *args = json_pack("{s:i}", "limit", CMD_LABEL_PAGE);

	if (w->ttl_s > 0)
		json_object_set_new(args, "ttl_s", json_integer(w->ttl_s));
	if (w->site != NULL)
		json_object_set_new(args, "site", json_string(w->site));
	if (w->batch != NULL)
		json_object_set_new(args, "batch", json_string(w->batch));
	if (after[0] != '\0')
		json_object_set_new(args, "after", json_string(after));
	return args;
}

/* Devices named one by one: as many calls as they need. */
static int
labels_named(struct labels_job *j, const struct labels_wish *w)
{
	json_t *args, *ids;
	char next[512];
	size_t i = 0;
	int ret = CMD_DONE;

	while (i < w->ids->n && ret == CMD_DONE) {
		ids = json_array();
		for (; i < w->ids->n &&
		    json_array_size(ids) < CMD_LABEL_PAGE; i++)
			if (w->ids->list[i].opt->flags & CMD_POS)
				json_array_append_new(ids,
				    json_string(w->ids->list[i].text));
		if (json_array_size(ids) == 0) {
			json_decref(ids);
			break;
		}
		args = labels_args(w, "");
		json_object_set_new(args, "ids", ids);
		ret = labels_page(j, args, next, sizeof next);
	}
	return ret;
}

static int
labels_found(struct labels_job *j, const struct labels_wish *w)
{
	char after[512] = "", last[512];
	int ret;

	do {
		snprintf(last, sizeof last, "%s", after);
		ret = labels_page(j, labels_args(w, after), after,
		    sizeof after);
	} while (ret == CMD_DONE && after[0] != '\0' &&
	    strcmp(after, last) != 0);
	return ret;
}

/* Address and root that the labels name: asked for before any secret is made,
 * since a secret that never reaches a label is lost. */
static int
labels_prepare(struct labels_job *j, const struct labels_wish *w)
{
	struct where_urls urls;
	char error[600] = "";
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf der;
	int ret;

	if (w->url != NULL)
		snprintf(j->url, sizeof j->url, "%s", w->url);
	else if (where_urls(j->env->state, &urls, error, sizeof error) < 0)
		return cmd_failed(j->env, "labels.no-url",
		    "The EST address is not known (%s): give it with --url.",
		    error);
	else
		snprintf(j->url, sizeof j->url, "%s", urls.est);
	buf_init(&der, 65536);
	ret = ca_cmd_certificate(j->env, "root", 0, &der);
	if (ret == CMD_DONE) {
		if (EVP_Digest(der.data, der.len, hash, NULL, EVP_sha256(),
		    NULL) == 1)
			enc_hex(j->root, hash, 32);
		else
			ret = cmd_failed(j->env, "system.crypto",
			    "SHA-256 failed.");
	}
	buf_fini(&der);
	return ret;
}

int
labels_write(struct cmd_env *env, const struct labels_wish *w,
    size_t *count_out)
{
	struct labels_job *j = calloc(1, sizeof *j);
	int ret;

	*count_out = 0;
	if (j == NULL)
		return cmd_failed(env, "system.memory", "Out of memory.");
	j->env = env;
	j->csv.path = w->csv;
	j->html.path = w->html;
	j->csv.fd = j->html.fd = -1;
	buf_init(&j->text, 0);
	ret = labels_prepare(j, w);
	if (ret == CMD_DONE)
		ret = labels_sink_open(j, &j->csv);
	if (ret == CMD_DONE)
		ret = labels_sink_open(j, &j->html);
	if (ret == CMD_DONE)
		ret = labels_begin(j);
	if (ret == CMD_DONE)
		ret = w->ids != NULL ? labels_named(j, w) :
		    labels_found(j, w);
	if (ret == CMD_DONE)
		ret = labels_end(j);
	labels_sink_drop(&j->csv);
	labels_sink_drop(&j->html);
	buf_cleanse(&j->text);
	*count_out = j->count;
	free(j);
	return ret;
}

int
labels_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct labels_wish w = { .site = values_text(v, "site"),
	    .batch = values_text(v, "batch"), .csv = values_text(v, "csv"),
	    .html = values_text(v, "html"), .url = values_text(v, "url"),
	    .ttl_s = values_span(v, "ttl", 0) };
	size_t count;
	int ret;

	(void)cmd;
	w.ids = values_text(v, "ID") != NULL ? v : NULL;
	if ((w.site != NULL) + (w.batch != NULL) + (w.ids != NULL) != 1 ||
	    (w.csv == NULL && w.html == NULL)) {
		fprintf(env->err, "camca: name devices, a --site or a "
		    "--batch; and --csv, --html or both\n");
		return CMD_USAGE;
	}
	ret = labels_write(env, &w, &count);
	if (ret == CMD_DONE)
		fprintf(env->out, env->json ? "{\"labels\": %zu}\n" :
		    "labels: %zu\n", count);
	return ret;
}
