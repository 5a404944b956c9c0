/* SPDX-License-Identifier: Apache-2.0 */
/* camca agent: the programs that look after the cameras of a site. */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct cmd_opt add_opts[] = {
	{ "ID", CMD_TEXT, CMD_MUST | CMD_POS, "id", NULL,
	    "short name of the agent" },
	{ "site", CMD_TEXT, CMD_MUST, "site", "SITE",
	    "whose cameras it looks after" },
	{ .name = NULL },
};

static const struct cmd_opt list_opts[] = {
	{ "site", CMD_TEXT, 0, "site", "SITE", "of this site only" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "agent", "AGENT", NULL }, { "site", "SITE", NULL },
	{ "state", "STATE", NULL }, { "version", "VERSION", NULL },
	{ "leases", "AT WORK", NULL }, { "seen", "SEEN", NULL },
	{ NULL, NULL, NULL },
};

static const struct cmd_opt revoke_opts[] = {
	{ "ID", CMD_TEXT, CMD_MUST | CMD_POS, "id", NULL, "the agent" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "kept in the record" },
	{ .name = NULL },
};

const struct cmd cmd_agent[] = {
	{ .noun = "agent", .verb = "add",
	    .help = "Registers a site agent, and shows its one-time secret",
	    .opts = add_opts, .op = "agent.add",
	    .more = "The secret is shown once; camca-agent enrolls itself "
	    "with it." },
	{ .noun = "agent", .verb = "list", .help = "Lists the site agents",
	    .opts = list_opts, .op = "agent.list", .columns = list_columns },
	{ .noun = "agent", .verb = "revoke",
	    .help = "Cuts a site agent off for good",
	    .opts = revoke_opts, .op = "agent.revoke",
	    .more = "Its certificate is revoked, its work is taken back, and "
	    "every password\nthat it was given is changed as soon as another "
	    "agent of the site can." },
	{ .noun = NULL },
};
