/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"

const struct cmd cmd_clock[] = {
	{ .noun = "clock", .verb = "accept",
	    .help = "Says that the clock is right, though it was later once",
	    .op = "system.clock-accept",
	    .more = "The authority issues nothing while its clock is behind "
	    "a time that it\nhas seen. Set the clock first; use this only "
	    "where the later time was\nthe wrong one." },
	{ .noun = NULL },
};
