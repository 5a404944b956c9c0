/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/options.h"

#include <argp.h>
#include <errno.h>
#include <string.h>

#include "enroll/renew/state.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "0"
#endif

/* Keys of options without a short letter: settings first, then the rest. */
#define OPT_SETTING 0x100
#define OPT_DAEMON 0x200

/* Names argp looks up itself. */
const char *argp_program_version = "camca-renew " CAMCA_VERSION;

#define SETTING(id, name, arg, doc, group) \
	{ name, OPT_SETTING + (id), arg, 0, doc, group }

static const struct argp_option options_list[] = {
	{ NULL, 0, NULL, 0, "Server and trust:", 1 },
	SETTING(SETTING_URL, "url", "URL",
	    "https://host[:port][/.well-known/est[/label]]", 1),
	SETTING(SETTING_LABEL, "label", "NAME", "EST label", 1),
	SETTING(SETTING_CONNECT_TO, "connect-to", "HOST",
	    "Connect there; the certificate must still name the URL's host", 1),
	SETTING(SETTING_TRUST, "trust", "FILE", "PEM file with the root", 1),
	SETTING(SETTING_FINGERPRINT, "trust-fingerprint", "sha256:HEX",
	    "Fingerprint of the root, for a first contact without a file", 1),
	SETTING(SETTING_TLS_MAX, "tls-max", "1.2|1.3", "Newest TLS version", 1),
	SETTING(SETTING_TIMEOUT, "timeout", "SECONDS",
	    "For each connection (60)", 1),
	{ NULL, 0, NULL, 0, "Identity:", 2 },
	SETTING(SETTING_USER, "user", "NAME", "User name of the secret", 2),
	SETTING(SETTING_SECRET_FILE, "secret-file", "FILE",
	    "One-time secret; - reads standard input. The environment "
	    "variable " SETTING_SECRET_ENV " serves, too", 2),
	SETTING(SETTING_IDEVID_CERT, "idevid-cert", "FILE",
	    "Factory certificate (and chain), PEM", 2),
	SETTING(SETTING_IDEVID_KEY, "idevid-key", "FILE|URI", "Its key", 2),
	SETTING(SETTING_SUBJECT, "subject", "NAME",
	    "CN=cam-0042,serialNumber=SN1", 2),
	SETTING(SETTING_SAN, "san", "NAMES", "DNS:cam.example,IP:192.0.2.7", 2),
	{ NULL, 0, NULL, 0, "Key and certificate:", 3 },
	SETTING(SETTING_DIR, "dir", "DIR",
	    "Where they are kept (/var/lib/camca-renew)", 3),
	SETTING(SETTING_KEY_TYPE, "key-type", "TYPE",
	    "auto, p256, p384, p521, rsa2048, rsa3072, rsa4096", 3),
	SETTING(SETTING_REKEY, "rekey", "always|never",
	    "New key with each certificate (always)", 3),
	SETTING(SETTING_KEY_URI, "key-uri", "URI",
	    "Use the key behind this URI; none is made", 3),
	SETTING(SETTING_PROVIDER, "provider", "NAME",
	    "OpenSSL provider to load for URIs", 3),
	SETTING(SETTING_ENGINE, "engine", "NAME",
	    "OpenSSL engine to ask for URIs", 3),
	SETTING(SETTING_PIN_FILE, "pin-file", "FILE", "PIN for URIs", 3),
	SETTING(SETTING_HOOK, "hook", "PROGRAM",
	    "Run after each change of the pair", 3),
	SETTING(SETTING_HOOK_TIMEOUT, "hook-timeout", "SECONDS",
	    "Kill it after that (60)", 3),
	{ NULL, 0, NULL, 0, "Running:", 4 },
	{ "config", 'c', "FILE", 0, "\"name = value\" lines, same names", 4 },
	{ "daemon", OPT_DAEMON, NULL, 0,
	    "Stay in the foreground and keep the pair fresh", 4 },
	{ "verbose", 'v', NULL, 0, "Say more", 4 },
	{ "quiet", 'q', NULL, 0, "Say errors only", 4 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t
options_mode(struct options *o, const char *word, struct argp_state *state)
{
	static const char *const words[] = { [RENEW_AUTO] = "auto",
	    [RENEW_ENROLL] = "enroll", [RENEW_RENEW] = "renew",
	    [RENEW_STATUS] = "status" };
	int i;

	if (state->arg_num > 0)
		argp_error(state, "one mode is enough");
	for (i = 0; i < (int)(sizeof words / sizeof words[0]); i++)
		if (strcmp(word, words[i]) == 0) {
			o->mode = (enum renew_mode)i;
			return 0;
		}
	argp_error(state, "\"%s\" is no mode", word);
	return EINVAL;
}

static error_t
options_one(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	int id = key - OPT_SETTING;

	if (id >= 0 && id < SETTING_COUNT) {
		if (o->texts.value[id] != NULL)
			argp_error(state, "--%s is given twice",
			    settings_name((enum setting_id)id));
		o->texts.value[id] = arg;
		return 0;
	}
	switch (key) {
	case 'c':
		o->config_file = arg;
		return 0;
	case 'v':
		o->log_max = LOG_TRACE;
		return 0;
	case 'q':
		o->log_max = LOG_ERROR;
		return 0;
	case OPT_DAEMON:
		o->daemon = true;
		return 0;
	case ARGP_KEY_ARG:
		return options_mode(o, arg, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void
options_parse(struct options *out, int argc, char **argv)
{
	static const struct argp parser = {
		.options = options_list,
		.parser = options_one,
		.args_doc = "[auto|enroll|renew|status]",
		.doc = "EST client of one camera: gets a certificate and keeps "
		    "it fresh.\v"
		    "Exit codes: 0 done or nothing due, 2 usage, 3 no trust, "
		    "4 refused by the server, 5 pending, 6 temporary, "
		    "7 key or installation, 8 hook, 9 bad answer.",
	};

	memset(out, 0, sizeof *out);
	out->log_max = LOG_NOTE;
	argp_err_exit_status = RENEW_USAGE;
	argp_parse(&parser, argc, argv, 0, NULL, out);
}
