/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct out_column list_columns[] = {
	{ "name", "CA", NULL }, { "generation", "GENERATION", NULL },
	{ "number", "NUMBER", NULL }, { "entries", "ENTRIES", NULL },
	{ "size", "BYTES", NULL }, { "this_update", "THIS UPDATE", NULL },
	{ "next_update", "NEXT UPDATE", NULL },
	{ "rev_seq", "CHANGES", NULL }, { "current", "CURRENT", NULL },
	{ "error", "ERROR", NULL }, { NULL, NULL, NULL },
};

const struct cmd cmd_crl[] = {
	{ .noun = "crl", .verb = "list",
	    .help = "Lists the CRL of each CA generation", .op = "crl.list",
	    .columns = list_columns,
	    .run = cmd_list_whole,
	    .more = "CHANGES is the number of the last change in it; CURRENT "
	    "says whether\nit holds all that were made. A new list comes out "
	    "within two seconds\nof a change, and when half of the life of the "
	    "one before is over." },
	{ .noun = NULL },
};
