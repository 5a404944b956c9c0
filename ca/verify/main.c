/* SPDX-License-Identifier: Apache-2.0 */
/* camca-verify: checks an evidence bundle offline. Reads the bundle and the
 * files that are named on the command line, and nothing else. */
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/ctx.h"
#include "ca/base/file.h"
#include "ca/verify/verify.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "unknown"
#endif

/* Promised in camca-verify(1). */
enum main_exit { MAIN_HOLDS = 0, MAIN_WRONG = 1, MAIN_USAGE = 2 };
#define MAIN_FILE_MAX (1u << 20)

struct main_options {
	struct verify_conf conf;
	struct buf policy, trust, tsa;
	const char *bundle;
	bool json;
	bool done;                     /* --help, --version: all is said */
};

static int
main_usage(void)
{
	fputs("usage: camca-verify BUNDLE [--policy FILE] [--trust FILE] "
	    "[--tsa FILE]\n"
	    "           [--as-of TIME] [--json] [--lang en|vi]\n"
	    "  --policy FILE  keys of the log and of its witnesses, as "
	    "published (tlog-policy)\n"
	    "  --trust FILE   root certificates of the authority (PEM)\n"
	    "  --tsa FILE     root certificates of time-stamping (PEM)\n"
	    "  --as-of TIME   also say which certificate was in force then:\n"
	    "                 2026-11-22 or 2026-11-22T10:36:32Z, UTC\n"
	    "Exit codes: 0 it holds, 1 it does not, 2 wrong command line.\n",
	    stderr);
	return MAIN_USAGE;
}

static int
main_file(const char *path, struct buf *b, const struct buf **out)
{
	int ret = file_read(path, MAIN_FILE_MAX, b);

	*out = b;
	if (ret == CAMCA_OK)
		return MAIN_HOLDS;
	fprintf(stderr, "camca-verify: %s cannot be read: %s\n", path,
	    camca_strerror(ret));
	return MAIN_USAGE;
}

/* Also without the milliseconds, as people write it. */
static int
main_time(const char *s, struct verify_conf *conf)
{
	char whole[CTX_TIME_LEN];

	conf->as_of = true;
	if (strlen(s) == 20 && s[19] == 'Z') {
		snprintf(whole, sizeof whole, "%.19s.000Z", s);
		s = whole;
	}
	if (ctx_time_parse(s, &conf->as_of_ms) == CAMCA_OK)
		return MAIN_HOLDS;
	fputs("camca-verify: --as-of takes 2026-11-22 or "
	    "2026-11-22T10:36:32Z\n", stderr);
	return MAIN_USAGE;
}

static int
main_lang(const char *s, struct verify_conf *conf)
{
	conf->lang = strcmp(s, "vi") == 0 ? REPORT_VI : REPORT_EN;
	return strcmp(s, "vi") == 0 || strcmp(s, "en") == 0 ? MAIN_HOLDS :
	    main_usage();
}

static int
main_option(struct main_options *o, int c)
{
	switch (c) {
	case 'p':
		return main_file(optarg, &o->policy, &o->conf.policy);
	case 't':
		return main_file(optarg, &o->trust, &o->conf.trust);
	case 's':
		return main_file(optarg, &o->tsa, &o->conf.tsa);
	case 'a':
		return main_time(optarg, &o->conf);
	case 'l':
		return main_lang(optarg, &o->conf);
	case 'j':
		o->json = true;
		return MAIN_HOLDS;
	case 'v':
		printf("camca-verify %s\n", CAMCA_VERSION);
		o->done = true;
		return MAIN_HOLDS;
	case 'h':
		o->done = true;
		(void)main_usage();
		return MAIN_HOLDS;
	default:
		return main_usage();
	}
}

static int
main_options(struct main_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "trust", required_argument, NULL, 't' },
		{ "tsa", required_argument, NULL, 's' },
		{ "as-of", required_argument, NULL, 'a' },
		{ "lang", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret = MAIN_HOLDS;

	while (ret == MAIN_HOLDS && !o->done &&
	    (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		ret = main_option(o, c);
	if (ret != MAIN_HOLDS || o->done)
		return ret;
	if (argc - optind != 1)
		return main_usage();
	o->bundle = argv[optind];
	return MAIN_HOLDS;
}

static int
main_check(struct main_options *o, struct verify *v, struct files *f)
{
	struct refusal why = { .http = 0 };
	char title[1024];
	int ret = files_read(f, o->bundle, &why);

	ret = ret == CAMCA_OK ? verify_run(v, f) :
	    verify_unreadable(v, ret, &why);
	if (ret < 0 && ret != CAMCA_EPOLICY) {
		fprintf(stderr, "camca-verify: it could not be checked: %s\n",
		    camca_strerror(ret));
		return MAIN_WRONG;
	}
	snprintf(title, sizeof title, "%s", o->bundle);
	refusal_sanitize(title);
	(o->json ? verify_print_json : verify_print)(stdout, v, title);
	return ret == CAMCA_OK ? MAIN_HOLDS : MAIN_WRONG;
}

int
main(int argc, char **argv)
{
	struct main_options o = { .json = false };
	struct files f = { .list = NULL };
	struct verify *v = NULL;
	int ret;

	/* No settings of this machine, and no engines that they name. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ret = main_options(&o, argc, argv);
	if (ret == MAIN_HOLDS && !o.done) {
		if (verify_new(&v, &o.conf) == CAMCA_OK)
			ret = main_check(&o, v, &f);
		else
			ret = MAIN_WRONG;
	}
	verify_free(v);
	files_fini(&f);
	buf_fini(&o.policy);
	buf_fini(&o.trust);
	buf_fini(&o.tsa);
	/* An answer that was cut by a full disk must not pass for a whole. */
	if (fflush(stdout) != 0 || ferror(stdout))
		ret = MAIN_WRONG;
	return ret;
}
