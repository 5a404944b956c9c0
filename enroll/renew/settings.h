/* SPDX-License-Identifier: Apache-2.0 */
/* What camca-renew is told to do, checked. Texts come from the command line or
 * from a file of "name = value" lines with the same names. */
#ifndef CAMCA_RENEW_SETTINGS_H
#define CAMCA_RENEW_SETTINGS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "enroll/renew/keys.h"
#include "enroll/renew/url.h"

#define SETTING_SECRET_ENV "CAMCA_RENEW_SECRET"

enum renew_mode { RENEW_AUTO, RENEW_ENROLL, RENEW_RENEW, RENEW_STATUS };

/* Every setting that takes a value; the names are in settings.c. */
enum setting_id {
	SETTING_URL, SETTING_LABEL, SETTING_CONNECT_TO, SETTING_DIR,
	SETTING_TRUST, SETTING_FINGERPRINT, SETTING_USER, SETTING_SECRET_FILE,
	SETTING_SUBJECT, SETTING_SAN, SETTING_KEY_TYPE, SETTING_KEY_URI,
	SETTING_PROVIDER, SETTING_ENGINE, SETTING_PIN_FILE, SETTING_REKEY,
	SETTING_IDEVID_CERT, SETTING_IDEVID_KEY, SETTING_TLS_MAX,
	SETTING_TIMEOUT, SETTING_HOOK, SETTING_HOOK_TIMEOUT, SETTING_COUNT
};

/* The raw texts; NULL where a setting was not given. Borrowed. */
struct settings_texts {
	const char *value[SETTING_COUNT];
};

struct renew_config {
	enum renew_mode mode;
	bool daemon;
	const char *dir;          /* borrowed from the texts, like all here */
	struct url url;
	const char *connect_to;
	const char *trust_file;
	bool has_pin;
	uint8_t pin[32];
	const char *user;
	struct buf secret;        /* len 0: none */
	X509_NAME *subject;       /* NULL: not given */
	X509_EXTENSION *san;
	struct keys_type key_type;
	struct keys_source key;   /* key.uri NULL: keys are files */
	bool rekey;
	const char *idevid_cert;
	const char *idevid_key;
	int tls_max;
	int timeout_ms;
	const char *hook;
	int hook_timeout_ms;
};

/* Name of a setting, as the long option; static memory. */
const char *settings_name(enum setting_id id);
/* Reads "name = value" lines; '#' begins a comment line. text must live as
 * long as texts: it is cut up in place. Settings that texts has already are
 * left. CAMCA_EINVAL for an unknown or doubled name. */
CAMCA_MUST int settings_read(struct settings_texts *texts, struct buf *text,
    struct refusal *why);
/* Checks everything and fills out, which wants settings_fini() in every case.
 * Reads the secret from its file, from standard input ("-") or from the
 * environment, which it then clears. CAMCA_EINVAL and why. */
CAMCA_MUST int settings_check(struct renew_config *out, enum renew_mode mode,
    bool daemon, const struct settings_texts *texts, struct refusal *why);
void settings_fini(struct renew_config *c);

#endif
