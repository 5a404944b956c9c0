/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/witness/roster.h"

#include <dirent.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

#define ROSTER_FILE_MAX (1024 * 1024)

/* ---- records ---- */

static int
roster_path(const char *dir, const char *hex, char *out, size_t len)
{
	int n = snprintf(out, len, "%s/" ROSTER_FOLDER "/%s", dir, hex);

	return n < 0 || (size_t)n >= len ? CAMCA_ELIMIT : CAMCA_OK;
}

/* A record is believed for our own signature over it, not for where it lies. */
static int
record_check(struct roster_log *log, const struct cosigner *c)
{
	struct note *n = malloc(sizeof *n);
	int ret = n != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	if (ret == CAMCA_OK)
		ret = note_parse(n, log->note.data, log->note.len, NULL);
	if (ret == CAMCA_OK)
		ret = note_check(n, &c->key, NULL);
	if (ret == CAMCA_OK)
		ret = checkpoint_parse(&log->last, n->text, n->text_len, NULL);
	if (ret == CAMCA_OK && strcmp(log->last.origin, log->origin) != 0)
		ret = CAMCA_EINVAL;
	free(n);
	return ret;
}

static int
record_read(struct roster_log *log, const char *dir, const struct cosigner *c)
{
	char path[400];
	int ret = roster_path(dir, log->hex, path, sizeof path);

	if (ret == CAMCA_OK)
		ret = file_read(path, NOTE_TEXT_MAX, &log->note);
	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret == CAMCA_OK)
		ret = record_check(log, c);
	if (ret == CAMCA_OK || ret == CAMCA_ENOMEM)
		return ret;
	log->damaged = true;
	log_msg(LOG_ERROR, log->origin, "%s is damaged (%s): this log gets no "
	    "signature until it is put back from a copy", path,
	    camca_strerror(ret));
	return CAMCA_OK;
}

int
roster_record(struct roster_log *log, const char *dir,
    const struct checkpoint *cp, const struct buf *note)
{
	struct buf copy;
	char path[400];
	int ret = roster_path(dir, log->hex, path, sizeof path);

	buf_init(&copy, NOTE_TEXT_MAX);
	if (ret == CAMCA_OK)
		ret = buf_put(&copy, note->data, note->len);
	if (ret == CAMCA_OK)
		ret = file_replace(path, note->data, note->len, 0644);
	if (ret < 0) {
		buf_fini(&copy);
		return ret;
	}
	buf_fini(&log->note);
	log->note = copy;
	log->last = *cp;
	return CAMCA_OK;
}

/* "<64 hex digits>.<6 letters>": of file_replace(), never renamed. */
void
roster_sweep(const char *dir)
{
	char path[400], name[700];
	struct dirent *e;
	DIR *d;

	if (file_join(path, sizeof path, dir, ROSTER_FOLDER) < 0 ||
	    (d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (strlen(e->d_name) != ROSTER_NAME_LEN + 7 ||
		    e->d_name[ROSTER_NAME_LEN] != '.' ||
		    strspn(e->d_name, "0123456789abcdef") != ROSTER_NAME_LEN)
			continue;
		if (file_join(name, sizeof name, path, e->d_name) == CAMCA_OK)
			(void)unlink(name);
	}
	closedir(d);
}

/* ---- the list ---- */

static void
log_free(struct roster_log *log)
{
	size_t i;

	if (log == NULL)
		return;
	for (i = 0; i < log->nkeys; i++)
		note_key_fini(&log->keys[i]);
	buf_fini(&log->note);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

void
roster_close(struct roster *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		log_free(r->logs[i]);
	free(r->logs);
	free(r);
}

struct roster_log *
roster_find(const struct roster *r, const char *origin)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->logs[i]->origin, origin) == 0)
			return r->logs[i];
	return NULL;
}

struct roster_log *
roster_by_hex(const struct roster *r, const char *hex, size_t n)
{
	size_t i;

	for (i = 0; n == ROSTER_NAME_LEN && i < r->n; i++)
		if (memcmp(r->logs[i]->hex, hex, n) == 0)
			return r->logs[i];
	return NULL;
}

static struct roster_log *
roster_add(struct roster *r, const char *origin)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct roster_log *log;

	if (r->n == ROSTER_LOGS_MAX ||
	    (log = calloc(1, sizeof *log)) == NULL)
		return NULL;
	snprintf(log->origin, sizeof log->origin, "%s", origin);
	SHA256((const unsigned char *)origin, strlen(origin), hash);
	enc_hex(log->hex, hash, sizeof hash);
	pthread_mutex_init(&log->lock, NULL);
	buf_init(&log->note, NOTE_TEXT_MAX);
	r->logs[r->n++] = log;
	return log;
}

static int
roster_line(struct roster *r, const char *p, size_t n, struct refusal *why)
{
	struct note_key key = { .pub = NULL };
	struct roster_log *log;
	int ret = note_key_parse(&key, p, n, why);

	if (ret < 0)
		return ret;
	log = roster_find(r, key.name);
	if (key.alg == NOTE_COSIG_ED25519)
		ret = refuse(why, CAMCA_EINVAL, 400, "witness.logs",
		    "this is the key of a witness");
	else if (log == NULL && (log = roster_add(r, key.name)) == NULL)
		ret = refuse(why, CAMCA_ELIMIT, 400, "witness.logs",
		    "there are more than %d logs", ROSTER_LOGS_MAX);
	else if (log->nkeys == ROSTER_KEYS_MAX)
		ret = refuse(why, CAMCA_ELIMIT, 400, "witness.logs",
		    "a log has %d keys at the most", ROSTER_KEYS_MAX);
	if (ret == CAMCA_OK)
		log->keys[log->nkeys++] = key;
	else
		note_key_fini(&key);
	return ret;
}

static int
roster_read(struct roster *r, const char *text, struct refusal *why)
{
	struct refusal line;
	size_t n;
	int number = 1, ret;

	for (; *text != '\0'; text += n + (text[n] == '\n'), number++) {
		n = strcspn(text, "\n");
		if (n == 0 || text[0] == '#')
			continue;
		memset(&line, 0, sizeof line);
		ret = roster_line(r, text, n, &line);
		if (ret < 0)
			return refuse(why, ret, 400, "witness.logs",
			    ROSTER_FILE ":%d: %s", number, line.detail);
	}
	return CAMCA_OK;
}

int
roster_open(struct roster **out, const char *dir, const struct cosigner *c,
    struct refusal *why)
{
	struct roster *r = calloc(1, sizeof *r);
	struct buf text;
	char path[400];
	size_t i;
	int ret = CAMCA_ENOMEM;

	buf_init(&text, ROSTER_FILE_MAX);
	if (r != NULL)
		r->logs = calloc(ROSTER_LOGS_MAX, sizeof *r->logs);
	if (r != NULL && r->logs != NULL)
		ret = file_join(path, sizeof path, dir, ROSTER_FILE);
	if (ret == CAMCA_OK && (ret = file_read(path, ROSTER_FILE_MAX,
	    &text)) < 0)
		ret = refuse(why, ret, 503, "witness.logs", "%s cannot be "
		    "read: %s.", path, camca_strerror(ret));
	if (ret == CAMCA_OK)
		ret = roster_read(r, buf_str(&text), why);
	for (i = 0; ret == CAMCA_OK && i < r->n; i++)
		ret = record_read(r->logs[i], dir, c);
	buf_fini(&text);
	if (ret < 0) {
		roster_close(r);
		return ret;
	}
	*out = r;
	return CAMCA_OK;
}
