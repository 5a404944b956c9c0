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

/* "key=value" of the other lines. */
static int
event_detail(struct buf *b, const json_t *item)
{
	const char *s = json_string_value(json_object_get(item, "body"));
	size_t n, key;
	int ret = CAMCA_OK;

	for (; s != NULL && *s != '\0' && ret == CAMCA_OK; s += n) {
		n = strcspn(s, "\n");
		key = strcspn(s, " \n");
		if (n > key && !event_is_frame(s))
			ret = buf_printf(b, "%s%.*s=%.*s", b->len > 0 ? " " :
			    "", (int)key, s, (int)(n - key - 1), s + key + 1);
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
