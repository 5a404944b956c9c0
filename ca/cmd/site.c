/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct cmd_opt add_opts[] = {
	{ "ID", CMD_TEXT, CMD_MUST | CMD_POS, "id", NULL,
	    "short name of the site, as in hn-01" },
	{ "name", CMD_TEXT, CMD_MUST, "name", NULL, "name for people" },
	{ "level", CMD_INT, CMD_MUST, "level", "1..5",
	    "security level of the system that the cameras belong to" },
	{ .name = NULL },
};

static const struct cmd_opt list_opts[] = {
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "id", "SITE", NULL }, { "level", "LEVEL", NULL },
	{ "name", "NAME", NULL }, { "created", "CREATED", NULL },
	{ NULL, NULL, NULL },
};

const struct cmd cmd_site[] = {
	{ .noun = "site", .verb = "add", .help = "Adds a site",
	    .opts = add_opts, .op = "site.add" },
	{ .noun = "site", .verb = "list", .help = "Lists the sites",
	    .opts = list_opts, .op = "site.list", .columns = list_columns },
	{ .noun = NULL },
};
