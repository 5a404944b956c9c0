/* SPDX-License-Identifier: Apache-2.0 */
/* camca custody …: the log of all that happened, and what others can check. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/cmd/bundle.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

/* ---- custody bundle ---- */

static int
custody_answer_odd(struct refusal *why)
{
	return refuse(why, CAMCA_EPROTO, 502, "system.answer",
	    "The authority's answer holds no files.");
}

/* One element of "files". */
static int
custody_file(struct bundle_folder *b, const json_t *x, struct buf *bytes,
    struct refusal *why)
{
	const char *name = json_string_value(json_object_get(x, "name"));
	const char *data = json_string_value(json_object_get(x, "data"));
	json_int_t offset = json_integer_value(json_object_get(x, "offset"));

	buf_reset(bytes);
	if (name == NULL || data == NULL || offset < 0 ||
	    dec_base64(bytes, data, strlen(data), 0) < 0)
		return custody_answer_odd(why);
	return bundle_folder_write(b, name, (size_t)offset, bytes->data,
	    bytes->len, json_is_true(json_object_get(x, "more")), why);
}

static int
custody_files(struct bundle_folder *b, const json_t *page,
    struct refusal *why)
{
	const json_t *list = json_object_get(page, "files");
	struct buf bytes;
	json_t *x;
	size_t i;
	int ret = json_array_size(list) > 0 ? CAMCA_OK :
	    custody_answer_odd(why);

	buf_init(&bytes, 0);
	json_array_foreach(list, i, x)
		if (ret == CAMCA_OK)
			ret = custody_file(b, x, &bytes, why);
	buf_fini(&bytes);
	return ret;
}

/* Page by page; *last is the newest answer. args are taken. */
static int
custody_fetch(struct cmd_env *env, struct bundle_folder *b, json_t *args,
    json_t **last, struct refusal *why)
{
	bool more = true;
	int ret = CAMCA_OK;

	while (more && ret == CAMCA_OK) {
		json_decref(*last);
		*last = NULL;
		ret = cmd_try(env, "custody.bundle", args, last, why);
		args = NULL;
		if (ret < 0)
			break;
		more = json_is_true(json_object_get(*last, "more"));
		ret = custody_files(b, *last, why);
	}
	return ret < 0 ? ret : bundle_folder_finish(b, why);
}

static int
custody_told(struct cmd_env *env, const struct bundle_folder *b,
    const char *device, const json_t *last)
{
	json_t *o;

	if (!env->json) {
		fprintf(env->out, "%s: %zu events of %s, %zu files.\n"
		    "To check it: camca-verify %s (README.txt tells more).\n",
		    b->path, b->events, device, b->files, b->path);
		return CMD_DONE;
	}
	o = json_pack("{s:s, s:s, s:I, s:I, s:O?, s:O?}", "device", device,
	    "folder", b->path, "events", (json_int_t)b->events, "files",
	    (json_int_t)b->files, "origin", json_object_get(last, "origin"),
	    "size", json_object_get(last, "size"));
	out_json(env->out, o);
	json_decref(o);
	return CMD_DONE;
}

/* evidence-DEVICE-20261122 */
static void
custody_name(const struct cmd_env *env, const char *device, char *out,
    size_t len)
{
	char when[CTX_TIME_LEN];

	ctx_time_format(when, ctx_now_ms(env->ctx));
	snprintf(out, len, "evidence-%s-%.4s%.2s%.2s", device, when, when + 5,
	    when + 8);
}

static int
custody_bundle(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	const char *device = values_text(v, "DEVICE");
	const char *out = values_text(v, "out");
	struct refusal why = { .http = 0 };
	json_t *args, *last = NULL;
	struct bundle_folder b;
	char name[160];
	int ret;

	(void)cmd;
	if (out == NULL && (strchr(device, '/') != NULL ||
	    strlen(device) > 64))
		return cmd_failed(env, "device.unknown",
		    "'%.100s' is no device's id.", device);
	custody_name(env, out == NULL ? device : "", name, sizeof name);
	if ((ret = cmd_args(env, v, &args)) != CMD_DONE)
		return ret;
	ret = bundle_folder_open(&b, out != NULL ? out : name, &why);
	if (ret == CAMCA_OK)
		ret = custody_fetch(env, &b, args, &last, &why);
	else
		json_decref(args);
	refuse_default(&why, ret);
	ret = ret == CAMCA_OK ? custody_told(env, &b, device, last) :
	    cmd_refused(env, &why);
	bundle_folder_drop(&b);
	json_decref(last);
	return ret;
}

/* ---- custody fsck ---- */

static void
custody_fsck_told(struct cmd_env *env, const char *wrong, int64_t checked,
    int64_t size)
{
	json_t *o;

	if (env->json) {
		o = json_pack("{s:b, s:s, s:I, s:I}", "ok", wrong == NULL,
		    "wrong", wrong != NULL ? wrong : "", "checked",
		    (json_int_t)checked, "size", (json_int_t)size);
		out_json(env->out, o);
		json_decref(o);
	} else if (wrong != NULL) {
		fprintf(env->out, "DAMAGED: %s\n", wrong);
	} else {
		fprintf(env->out, "The log is whole: %lld entries, with all "
		    "tiles, chains and checkpoints.\n", (long long)size);
	}
}

/* Step by step: a large log takes minutes, one call does not. */
static int
custody_fsck(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	int64_t checked = 0, size = 0;
	const char *wrong, *next;
	json_t *step = NULL;
	char from[256] = "";
	int ret;

	(void)v;
	do {
		json_decref(step);
		ret = cmd_call(env, cmd->op, from[0] != '\0' ?
		    json_pack("{s:s}", "from", from) : NULL, &step);
		if (ret != CMD_DONE)
			return ret;
		wrong = json_string_value(json_object_get(step, "wrong"));
		next = json_string_value(json_object_get(step, "next"));
		checked += json_integer_value(json_object_get(step,
		    "checked"));
		if (json_integer_value(json_object_get(step, "size")) > 0)
			size = json_integer_value(json_object_get(step,
			    "size"));
		snprintf(from, sizeof from, "%s", next != NULL ? next : "");
	} while (wrong == NULL && from[0] != '\0');
	custody_fsck_told(env, wrong, checked, size);
	ret = wrong == NULL ? CMD_DONE : CMD_REFUSED;
	json_decref(step);
	return ret;
}

/* ---- custody key ---- */

static void
custody_key_line(FILE *f, const char *key)
{
	uint8_t hash[32];
	char hex[65];

	if (EVP_Digest(key, strlen(key), hash, NULL, EVP_sha256(), NULL) != 1)
		return;
	enc_hex(hex, hash, sizeof hash);
	fprintf(f, "key:     %s\nsha-256: %s\n", key, hex);
}

/* The same fingerprints that camca-verify prints, for people to compare; the
 * policy alone for a file. */
static int
custody_key(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *result, *key;
	const char *text;
	size_t i;
	int ret = cmd_call(env, cmd->op, NULL, &result);

	if (ret != CMD_DONE)
		return ret;
	text = json_string_value(json_object_get(result, "policy"));
	if (values_flag(v, "policy")) {
		fputs(text != NULL ? text : "", env->out);
	} else if (env->json) {
		out_json(env->out, result);
	} else {
		text = json_string_value(json_object_get(result, "origin"));
		fprintf(env->out, "origin:  %s\n", text != NULL ? text : "-");
		json_array_foreach(json_object_get(result, "keys"), i, key)
			custody_key_line(env->out, json_string_value(key));
	}
	json_decref(result);
	return ret;
}

/* ---- the table ---- */

/* A serial number cut for the eye; --json has all of it. */
static int
custody_serial(struct buf *b, const json_t *item)
{
	const char *s = json_string_value(json_object_get(item, "serial"));

	if (s == NULL || s[0] == '\0')
		return buf_puts(b, "-");
	return buf_printf(b, "%.16s%s", s, strlen(s) > 16 ? "…" : "");
}

static const struct out_column show_columns[] = {
	{ "n", "NO", NULL }, { "time", "TIME", NULL },
	{ "what", "WHAT HAPPENED", NULL }, { "actor", "BY", NULL },
	{ "serial", "CERTIFICATE", custody_serial }, { NULL, NULL, NULL },
};

static const struct cmd_opt show_opts[] = {
	{ "DEVICE", CMD_TEXT, CMD_MUST | CMD_POS, "device", NULL,
	    "its id; - for what concerns no device" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct cmd_opt bundle_opts[] = {
	{ "DEVICE", CMD_TEXT, CMD_MUST | CMD_POS, "device", NULL, "its id" },
	{ "out", CMD_TEXT, 0, NULL, "DIR",
	    "a new folder (default: evidence-DEVICE-DATE)" },
	{ "timestamp", CMD_FLAG, 0, "timestamp", NULL,
	    "with a time-stamp of the TSAs, made now" },
	{ .name = NULL },
};

static const struct cmd_opt fork_opts[] = {
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL, "for the record" },
	{ "number", CMD_INT, 0, "number", NULL,
	    "of the new origin (default: the next)" },
	{ .name = NULL },
};

static const struct cmd_opt key_opts[] = {
	{ "policy", CMD_FLAG, 0, NULL, NULL,
	    "only the policy file, as camca-verify --policy takes it" },
	{ .name = NULL },
};

const struct cmd cmd_custody[] = {
	{ .noun = "custody", .verb = "status",
	    .help = "Tells how far the log is, and who has confirmed it",
	    .op = "custody.status" },
	{ .noun = "custody", .verb = "show",
	    .help = "Tells what happened to a device, oldest first",
	    .opts = show_opts, .op = "custody.show",
	    .columns = show_columns },
	{ .noun = "custody", .verb = "bundle",
	    .help = "Writes the evidence bundle of a device",
	    .opts = bundle_opts, .op = "custody.bundle",
	    .run = custody_bundle,
	    .more = "camca-verify checks it, without the authority and "
	    "without a network;\nits README.txt tells two other ways." },
	{ .noun = "custody", .verb = "sign",
	    .help = "Signs a checkpoint over all that has happened",
	    .op = "custody.sign" },
	{ .noun = "custody", .verb = "timestamp",
	    .help = "Asks the TSAs for a time-stamp now",
	    .op = "custody.timestamp" },
	{ .noun = "custody", .verb = "key",
	    .help = "Shows the keys of the log, for publishing",
	    .opts = key_opts, .op = "custody.key", .run = custody_key },
	{ .noun = "custody", .verb = "fsck",
	    .help = "Checks the whole log once more",
	    .op = "custody.fsck", .run = custody_fsck,
	    .more = "Each entry, chain, tile and checkpoint is computed "
	    "again; the exit code is 1\nwhere something is wrong." },
	{ .noun = "custody", .verb = "fork",
	    .help = "Goes on under a new origin, where the old cannot",
	    .opts = fork_opts, .op = "custody.fork",
	    .more = "For the day when the database was put back to an older "
	    "copy: checkpoints\nare not signed then until a person has "
	    "decided. The old log stays as it is." },
	{ .noun = NULL },
};
