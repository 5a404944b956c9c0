/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct cmd_opt list_opts[] = {
	{ "status", CMD_TEXT, 0, "state", "STATE",
	    "waiting, approved, denied, issued, expired or all" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "id", "ID", NULL }, { "device", "DEVICE", NULL },
	{ "label", "LABEL", NULL }, { "state", "STATE", NULL },
	{ "created", "CREATED", NULL }, { "expires", "EXPIRES", NULL },
	{ "decided_by", "BY", NULL }, { "reason", "REASON", NULL },
	{ NULL, NULL, NULL },
};

static const struct cmd_opt approve_opts[] = {
	{ "ID", CMD_INT, CMD_MUST | CMD_POS, "id", NULL,
	    "number of the request, see enroll list" },
	{ "reason", CMD_TEXT, 0, "reason", NULL, "kept in the record" },
	{ .name = NULL },
};

static const struct cmd_opt deny_opts[] = {
	{ "ID", CMD_INT, CMD_MUST | CMD_POS, "id", NULL,
	    "number of the request, see enroll list" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL, "kept in the record" },
	{ .name = NULL },
};

static const struct cmd_opt secret_opts[] = {
	{ "DEVICE", CMD_TEXT, CMD_MUST | CMD_POS, "device", NULL,
	    "id of a registered device" },
	{ "ttl", CMD_SPAN, 0, "ttl_s", NULL,
	    "how long it can be used; the site's level sets the longest" },
	{ .name = NULL },
};

const struct cmd cmd_enroll[] = {
	{ .noun = "enroll", .verb = "list",
	    .help = "Lists requests that wait for a person",
	    .opts = list_opts, .op = "enroll.list", .columns = list_columns },
	{ .noun = "enroll", .verb = "approve",
	    .help = "Approves a waiting request", .opts = approve_opts,
	    .op = "enroll.approve" },
	{ .noun = "enroll", .verb = "deny",
	    .help = "Denies a waiting request", .opts = deny_opts,
	    .op = "enroll.deny" },
	{ .noun = "enroll", .verb = "secret",
	    .help = "Makes a new one-time secret for a device",
	    .opts = secret_opts, .op = "enroll.secret",
	    .more = "It is shown this once; an unused older one no longer "
	    "works.\nFor many devices at once: camca device labels." },
	{ .noun = NULL },
};
