/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ca/base/buf.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct cmd_opt list_opts[] = {
	{ "device", CMD_TEXT, 0, "device", "ID", "of this device only" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

/* Lines of an event's text that have a column already, or that only the
 * record needs. */
static bool
event_is_frame(const char *line)
{
	static const char *const frame[] = { "camca-event/", "id ", "time ",
	    "type ", "device ", "dev-seq ", "dev-prev ", "node " };
	size_t i;

	for (i = 0; i < sizeof frame / sizeof frame[0]; i++)
		if (strncmp(line, frame[i], strlen(frame[i])) == 0)
			return true;
	return false;
}

/* Appends "key=value" of one line of n bytes. Hashes are cut for the eye
 * (--json has them whole); a serial number is for copying. */
static int
event_pair(struct buf *b, const char *line, size_t n)
{
	size_t key = strcspn(line, " \n"), len;
	const char *value = line + key + 1;
	bool hash;

	if (key >= n)
		return CAMCA_OK;
	len = n - key - 1;
	hash = len >= 40 && strspn(value, "0123456789abcdef") == len &&
	    strncmp(line, "serial ", 7) != 0 &&
	    strncmp(line, "replaces ", 9) != 0;
	return buf_printf(b, "%s%.*s=%.*s%s", b->len > 0 ? " " : "", (int)key,
	    line, (int)(hash ? 12 : len), value, hash ? "…" : "");
}

/* The lines of an event that have no column of their own. */
static int
event_detail(struct buf *b, const json_t *item)
{
	const char *s = json_string_value(json_object_get(item, "body"));
	size_t n;
	int ret = CAMCA_OK;

	for (; s != NULL && *s != '\0' && ret == CAMCA_OK; s += n) {
		n = strcspn(s, "\n");
		if (!event_is_frame(s))
			ret = event_pair(b, s, n);
		n += s[n] == '\n';
	}
	return ret;
}

static const struct out_column list_columns[] = {
	{ "seq", "SEQ", NULL }, { "time", "TIME", NULL },
	{ "type", "TYPE", NULL }, { "device", "DEVICE", NULL },
	{ "body", "DETAIL", event_detail }, { NULL, NULL, NULL },
};

const struct cmd cmd_event[] = {
	{ .noun = "event", .verb = "list",
	    .help = "Lists events, oldest first", .opts = list_opts,
	    .op = "event.list", .columns = list_columns },
	{ .noun = NULL },
};
