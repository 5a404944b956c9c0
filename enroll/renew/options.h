/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of camca-renew. */
#ifndef CAMCA_RENEW_OPTIONS_H
#define CAMCA_RENEW_OPTIONS_H

#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/log.h"
#include "enroll/renew/settings.h"

struct options {
	enum renew_mode mode;
	bool daemon;
	enum log_level log_max;
	const char *config_file;  /* or NULL */
	struct settings_texts texts;
};

/* Reads argv. Mistakes, --help and --version end the process as argp does,
 * with RENEW_USAGE for mistakes. Texts are borrowed from argv. */
void options_parse(struct options *out, int argc, char **argv);

#endif
