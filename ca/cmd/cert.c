/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct cmd_opt list_opts[] = {
	{ "device", CMD_TEXT, 0, "device", "ID", "of this device only" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "serial", "SERIAL", NULL }, { "device", "DEVICE", NULL },
	{ "profile", "PROFILE", NULL }, { "status", "STATUS", NULL },
	{ "reason", "REASON", NULL }, { "not_before", "NOT BEFORE", NULL },
	{ "not_after", "NOT AFTER", NULL }, { NULL, NULL, NULL },
};

static const struct cmd_opt show_opts[] = {
	{ "SERIAL", CMD_TEXT, CMD_MUST | CMD_POS, "serial", NULL,
	    "serial number, hexadecimal" },
	{ .name = NULL },
};

static const struct cmd_opt revoke_opts[] = {
	{ "SERIAL", CMD_TEXT, CMD_MUST | CMD_POS, "serial", NULL,
	    "serial number, hexadecimal" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", "REASON",
	    "as RFC 5280 names them: keyCompromise, superseded, …" },
	{ "text", CMD_TEXT, CMD_MUST, "text", NULL, "why, for the record" },
	{ .name = NULL },
};

static const struct cmd_opt hold_opts[] = {
	{ "SERIAL", CMD_TEXT, CMD_MUST | CMD_POS, "serial", NULL,
	    "serial number, hexadecimal" },
	{ "text", CMD_TEXT, CMD_MUST, "text", NULL, "why, for the record" },
	{ .name = NULL },
};

const struct cmd cmd_cert[] = {
	{ .noun = "cert", .verb = "list", .help = "Lists certificates",
	    .opts = list_opts, .op = "cert.list", .columns = list_columns },
	{ .noun = "cert", .verb = "show",
	    .help = "Shows one certificate and its PEM", .opts = show_opts,
	    .op = "cert.show" },
	{ .noun = "cert", .verb = "revoke", .help = "Revokes a certificate",
	    .opts = revoke_opts, .op = "cert.revoke",
	    .more = "A revocation cannot be taken back." },
	{ .noun = "cert", .verb = "hold",
	    .help = "Puts a certificate on hold", .opts = hold_opts,
	    .op = "cert.hold" },
	{ .noun = "cert", .verb = "release",
	    .help = "Ends the hold of a certificate", .opts = hold_opts,
	    .op = "cert.release" },
	{ .noun = NULL },
};
