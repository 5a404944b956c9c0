/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct cmd_opt add_opts[] = {
	{ "NAME", CMD_TEXT, CMD_MUST | CMD_POS, "name", NULL,
	    "the manufacturer, written as in the inventory" },
	{ "roots", CMD_FILE, CMD_MUST, "roots", NULL,
	    "PEM file with the roots of its factory identities" },
	{ "crl-required", CMD_BOOL, 0, "crl_required", NULL,
	    "refuse a factory identity without a valid CRL (default true)" },
	{ "crl-grace", CMD_SPAN, 0, "crl_grace_s", NULL,
	    "a CRL counts so long after its next update was due" },
	{ .name = NULL },
};

static const struct cmd_opt crl_opts[] = {
	{ "NAME", CMD_TEXT, CMD_MUST | CMD_POS, "name", NULL,
	    "the manufacturer" },
	{ "crls", CMD_FILE, CMD_MUST, "crls", NULL,
	    "PEM file with the CRLs of its authorities" },
	{ .name = NULL },
};

static const struct cmd_opt set_opts[] = {
	{ "NAME", CMD_TEXT, CMD_MUST | CMD_POS, "name", NULL,
	    "the manufacturer" },
	{ "enabled", CMD_BOOL, CMD_MUST, "enabled", NULL,
	    "whether its factory identities are accepted" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "name", "VENDOR", NULL }, { "enabled", "ENABLED", NULL },
	{ "roots", "ROOTS", NULL }, { "crl_required", "CRL REQUIRED", NULL },
	{ "crl_next_update", "CRL GOOD UNTIL", NULL }, { NULL, NULL, NULL },
};

const struct cmd cmd_vendor[] = {
	{ .noun = "vendor", .verb = "add",
	    .help = "Pins the roots of a manufacturer's factory identities",
	    .opts = add_opts, .op = "vendor.add" },
	{ .noun = "vendor", .verb = "crl",
	    .help = "Stores a manufacturer's CRLs", .opts = crl_opts,
	    .op = "vendor.crl" },
	{ .noun = "vendor", .verb = "set",
	    .help = "Turns a manufacturer on or off", .opts = set_opts,
	    .op = "vendor.set" },
	{ .noun = "vendor", .verb = "list",
	    .help = "Lists the pinned manufacturers", .op = "vendor.list",
	    .columns = list_columns,
	    .run = cmd_list_whole },
	{ .noun = NULL },
};
