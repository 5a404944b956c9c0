/* SPDX-License-Identifier: Apache-2.0 */
/* camca secret: the passwords of cameras. None is ever an argument, which every
 * user of the machine can read, nor printed where nobody looks. */
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/device.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#define SECRET_FILE_MAX (16u << 20)
/* JSON may write a byte as six: so a part always fits a frame of 1 MiB. */
#define SECRET_PART (128u * 1024)

static const struct cmd_opt list_opts[] = {
	{ "device", CMD_TEXT, 0, "device", "ID", "of this device only" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct cmd_opt import_opts[] = {
	{ "FILE", CMD_TEXT, CMD_MUST | CMD_POS, NULL, NULL,
	    "CSV: device,username,password and, if wanted, role,level" },
	{ .name = NULL },
};

static const struct cmd_opt rotate_opts[] = {
	{ "device", CMD_TEXT, 0, "device", "ID", "this camera" },
	{ "site", CMD_TEXT, 0, "site", "SITE", "all cameras of this site" },
	{ "account", CMD_TEXT, 0, "account", "NAME",
	    "this account, instead of all but break-glass ones" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "why, for the record" },
	{ .name = NULL },
};

static const struct cmd_opt reveal_opts[] = {
	{ "DEVICE", CMD_TEXT, CMD_MUST | CMD_POS, "device", NULL,
	    "id of the camera" },
	{ "account", CMD_TEXT, CMD_MUST, "account", "NAME", "its account" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "why, for the record" },
	{ "old", CMD_FLAG, 0, "old", NULL,
	    "the ones before it, too: the camera may have one of them" },
	{ "out", CMD_TEXT, 0, NULL, "FILE",
	    "into this file, mode 600, instead of the terminal" },
	{ .name = NULL },
};

/* "current", "current, one is pending", "none": of an item of the list. */
static int
secret_cell_state(struct buf *b, const json_t *item)
{
	const json_t *current = json_object_get(item, "current");
	const json_t *pending = json_object_get(item, "pending");
	int ret = buf_puts(b, json_is_object(current) ? "current" : "none");

	if (ret == CAMCA_OK &&
	    json_is_true(json_object_get(current, "compromised")))
		ret = buf_puts(b, ", compromised");
	if (ret == CAMCA_OK && json_is_object(pending))
		ret = buf_puts(b, ", one pending");
	return ret;
}

static int
secret_cell_changed(struct buf *b, const json_t *item)
{
	const json_t *t = json_object_get(json_object_get(item, "current"),
	    "changed");

	return buf_puts(b, json_is_string(t) ? json_string_value(t) : "-");
}

static const struct out_column list_columns[] = {
	{ "device", "DEVICE", NULL }, { "username", "ACCOUNT", NULL },
	{ "role", "ROLE", NULL }, { "level", "LEVEL", NULL },
	{ "current", "PASSWORD", secret_cell_state },
	{ "changed", "SINCE", secret_cell_changed },
	{ NULL, NULL, NULL },
};

/* ---- import ---- */

struct secret_file {
	const char *path;
	struct buf text;
	size_t head;                     /* bytes of the first line */
	json_int_t imported;
};

static int
secret_read(struct cmd_env *env, struct secret_file *f)
{
	const char *end;
	size_t line;
	int ret = file_read(f->path, SECRET_FILE_MAX, &f->text);

	if (ret < 0)
		return cmd_failed(env, ret == CAMCA_ELIMIT ?
		    "import.too-large" : "file.unreadable",
		    "%s cannot be read: %s.", f->path, file_strerror(ret));
	line = import_bad_line(buf_str(&f->text), f->text.len);
	if (line > 0)
		return cmd_failed(env, "import.not-utf8",
		    "%s, line %zu: not UTF-8 text (save the sheet as "
		    "'CSV UTF-8').", f->path, line);
	end = memchr(buf_str(&f->text), '\n', f->text.len);
	f->head = end != NULL ? (size_t)(end - buf_str(&f->text)) + 1 :
	    f->text.len;
	return CMD_DONE;
}

/* Bytes from p on that are whole lines and fit a part; a line that does not fit
 * is sent alone, and refused there. */
static size_t
secret_part(const char *p, size_t n)
{
	const char *end;
	size_t k = 0;

	while (k < n) {
		end = memchr(p + k, '\n', n - k);
		end = end != NULL ? end + 1 : p + n;
		if (k > 0 && (size_t)(end - p) > SECRET_PART)
			break;
		k = (size_t)(end - p);
	}
	return k;
}

/* Lines are counted in the file, not in the part: lines of it came before. */
static void
secret_report(struct cmd_env *env, const struct secret_file *f,
    const json_t *result, json_int_t before)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(result, "errors"), i, item)
		fprintf(env->err, "%s:%lld: %s%s%s\n", f->path,
		    (long long)(json_integer_value(json_object_get(item,
		    "line")) + before),
		    json_string_value(json_object_get(item, "column")),
		    json_string_length(json_object_get(item, "column")) > 0 ?
		    " " : "",
		    json_string_value(json_object_get(item, "reason")));
}

/* The header and the lines at p. */
static int
secret_send(struct cmd_env *env, struct secret_file *f, const char *p,
    size_t n, json_int_t before)
{
	json_t *args = NULL, *result = NULL;
	struct buf part;
	int ret;

	buf_init(&part, 0);
	ret = buf_reserve(&part, f->head + n);
	if (ret == CAMCA_OK && (ret = buf_put(&part, buf_str(&f->text),
	    f->head)) == CAMCA_OK && (ret = buf_put(&part, p, n)) == CAMCA_OK)
		args = json_pack("{s:s%}", "csv", buf_str(&part), part.len);
	buf_cleanse(&part);
	if (args == NULL)
		return cmd_failed(env, "system.memory", "Out of memory.");
	if ((ret = cmd_call(env, "secret.import", args, &result)) != CMD_DONE)
		return ret;
	f->imported += json_integer_value(json_object_get(result, "imported"));
	if (json_integer_value(json_object_get(result, "error_count")) > 0) {
		secret_report(env, f, result, before);
		ret = cmd_failed(env, "import.rows", "%lld rows are wrong, "
		    "listed above; %lld passwords were imported before them.",
		    (long long)json_integer_value(json_object_get(result,
		    "error_count")), (long long)f->imported);
	}
	json_decref(result);
	return ret;
}

static int
secret_import_file(struct cmd_env *env, struct secret_file *f)
{
	const char *p, *end;
	json_int_t before = 0;
	size_t k;
	int ret = secret_read(env, f);

	if (ret != CMD_DONE)
		return ret;
	p = buf_str(&f->text) + f->head;
	end = buf_str(&f->text) + f->text.len;
	do {
		k = secret_part(p, (size_t)(end - p));
		ret = secret_send(env, f, p, k, before);
		for (; k > 0; k--)
			before += *p++ == '\n';
	} while (ret == CMD_DONE && p < end);
	return ret;
}

static int
secret_import(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct secret_file f = { .path = values_text(v, "FILE") };
	json_t *o;
	int ret;

	(void)cmd;
	buf_init(&f.text, 0);
	ret = secret_import_file(env, &f);
	buf_cleanse(&f.text);
	if (ret != CMD_DONE)
		return ret;
	o = json_pack("{s:I}", "imported", f.imported);
	if (env->json)
		out_json(env->out, o);
	else
		fprintf(env->out, "%lld passwords imported; delete %s (shred "
		    "-u).\n", (long long)f.imported, f.path);
	json_decref(o);
	return ret;
}

/* ---- reveal ---- */

#define SECRET_LINES 2048              /* eleven passwords at most */

static int
secret_line(struct buf *b, const char *password)
{
	int ret = password != NULL ? buf_puts(b, password) : CAMCA_OK;

	return ret == CAMCA_OK && password != NULL ? buf_putc(b, '\n') : ret;
}

/* The ones before follow, the newest first, a line each. */
static int
secret_write(struct cmd_env *env, const char *path, const char *password,
    const json_t *old)
{
	struct buf b;
	size_t i;
	int ret;

	buf_init(&b, 0);
	ret = buf_reserve(&b, SECRET_LINES);
	if (ret == CAMCA_OK)
		ret = secret_line(&b, password);
	for (i = 0; ret == CAMCA_OK && i < json_array_size(old); i++)
		ret = secret_line(&b, json_string_value(json_object_get(
		    json_array_get(old, i), "password")));
	if (ret == CAMCA_OK)
		ret = file_replace(path, b.data, b.len, 0600);
	buf_cleanse(&b);
	return ret == CAMCA_OK ? CMD_DONE : cmd_failed(env,
	    "file.unwritable", "%s cannot be written: %s. The password was "
	    "revealed, and is being rotated.", path, file_strerror(ret));
}

/* Before anything is revealed: what could not be written is revealed for
 * nothing, and changed again. *made: an empty file is there now. What is there
 * is replaced: root's /dev/null, or /dev/stdout, would be a file from then on. */
static int
secret_try_file(struct cmd_env *env, const char *path, bool *made)
{
	struct stat st;
	int ret = CAMCA_OK;

	*made = false;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return cmd_failed(env, "file.unwritable", "%s is no file: a "
		    "file is written anew, and what is there would be gone. "
		    "Nothing was revealed.", path);
	*made = !file_exists(path);
	if (*made)
		ret = file_replace(path, "", 0, 0600);
	else if (access(path, W_OK) != 0)
		ret = CAMCA_EPERM;
	if (ret == CAMCA_OK)
		return CMD_DONE;
	*made = false;
	return cmd_failed(env, "file.unwritable", "%s cannot be written: %s. "
	    "Nothing was revealed.", path, file_strerror(ret));
}

/* What stands in the file is not said here. */
static void
secret_print_json(struct cmd_env *env, const json_t *result, const char *path)
{
	json_t *o = json_pack("{s:s, s:b, s:O}", "file", path, "under_way",
	    json_is_string(json_object_get(result, "pending")), "job",
	    json_object_get(result, "job"));

	out_json(env->out, o);
	json_decref(o);
}

static void
secret_print_old(struct cmd_env *env, const json_t *old)
{
	const char *text, *until;
	json_t *item;
	size_t i;

	json_array_foreach(old, i, item) {
		text = json_string_value(json_object_get(item, "password"));
		until = json_string_value(json_object_get(item, "changed"));
		fprintf(env->out, "%s (%s, until %s)\n", text != NULL ? text :
		    "[cannot be opened]", json_string_value(json_object_get(
		    item, "state")), until != NULL ? until : "-");
	}
}

static int
secret_print(struct cmd_env *env, const json_t *result, const char *path)
{
	const json_t *old = json_object_get(result, "old");
	const char *now = json_string_value(json_object_get(result,
	    "password"));
	const char *next = json_string_value(json_object_get(result,
	    "pending"));
	int ret = CMD_DONE;

	if (path != NULL)
		ret = secret_write(env, path, now != NULL ? now : next, old);
	else if (now != NULL)
		fprintf(env->out, "%s\n", now);
	if (ret == CMD_DONE && next != NULL && path == NULL)
		fprintf(env->out, "%s (%s)\n", next, now != NULL ?
		    "if the camera has it already: a rotation is under way" :
		    "on its way to the camera");
	if (path == NULL)
		secret_print_old(env, old);
	if (ret == CMD_DONE && env->json)
		secret_print_json(env, result, path);
	else if (json_is_null(json_object_get(result, "job")))
		fprintf(env->err, "It stays as it is: the camera is out of "
		    "service.\n");
	else
		fprintf(env->err, "It is being changed again: job %lld.\n",
		    (long long)json_integer_value(json_object_get(result,
		    "job")));
	return ret;
}

static int
secret_reveal(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	const char *path = values_text(v, "out");
	json_t *args, *result = NULL;
	bool made = false;
	int ret;

	/* Asked before the event: what goes into a pipe or a script's log has
	 * not been shown to a person. */
	if (path == NULL && (env->json || !isatty(fileno(env->out))))
		return cmd_failed(env, "secret.no-terminal", "A password is "
		    "shown on a terminal, or written by --out FILE.");
	if ((path != NULL && (ret = secret_try_file(env, path, &made)) !=
	    CMD_DONE) || (ret = cmd_args(env, v, &args)) != CMD_DONE)
		return ret;
	ret = cmd_call(env, cmd->op, args, &result);
	if (ret == CMD_DONE)
		ret = secret_print(env, result, path);
	else if (made)
		(void)unlink(path);
	json_decref(result);
	return ret;
}

const struct cmd cmd_secret[] = {
	{ "secret", "list", "Lists the accounts of cameras in the vault",
	    list_opts, "secret.list", list_columns, NULL, NULL },
	{ "secret", "import", "Puts accounts and passwords into the vault",
	    import_opts, "secret.import", NULL, secret_import,
	    "The file is read by camca, so that no password stands on a "
	    "command line. It is\nsent in parts; each part is taken whole or "
	    "not at all. Delete it afterwards." },
	{ "secret", "rotate", "Gives cameras new passwords", rotate_opts,
	    "secret.rotate", NULL, NULL, NULL },
	{ "secret", "reveal", "Shows a password; it is changed next",
	    reveal_opts, "secret.reveal", NULL, secret_reveal,
	    "The reason is written into the record before the password is "
	    "shown, and a job\ngives the camera a new one." },
	{ .noun = NULL },
};
