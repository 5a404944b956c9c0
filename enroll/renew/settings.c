/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/settings.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/namevalue.h"
#include "enroll/renew/csr.h"
#include "enroll/renew/trust.h"

#define SETTING_SECRET_MAX 256u
#define SETTING_DIR_DEFAULT "/var/lib/camca-renew"

static const char *const settings_names[SETTING_COUNT] = {
	[SETTING_URL] = "url",
	[SETTING_LABEL] = "label",
	[SETTING_CONNECT_TO] = "connect-to",
	[SETTING_DIR] = "dir",
	[SETTING_TRUST] = "trust",
	[SETTING_FINGERPRINT] = "trust-fingerprint",
	[SETTING_USER] = "user",
	[SETTING_SECRET_FILE] = "secret-file",
	[SETTING_SUBJECT] = "subject",
	[SETTING_SAN] = "san",
	[SETTING_KEY_TYPE] = "key-type",
	[SETTING_KEY_URI] = "key-uri",
	[SETTING_PROVIDER] = "provider",
	[SETTING_ENGINE] = "engine",
	[SETTING_PIN_FILE] = "pin-file",
	[SETTING_REKEY] = "rekey",
	[SETTING_IDEVID_CERT] = "idevid-cert",
	[SETTING_IDEVID_KEY] = "idevid-key",
	[SETTING_TLS_MAX] = "tls-max",
	[SETTING_TIMEOUT] = "timeout",
	[SETTING_HOOK] = "hook",
	[SETTING_HOOK_TIMEOUT] = "hook-timeout",
};

const char *
settings_name(enum setting_id id)
{
	return settings_names[id];
}

static int
settings_bad(struct refusal *why, const char *name, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "settings.value", "%s: %s.", name,
	    what);
}

int
settings_read(struct settings_texts *texts, struct buf *text,
    struct refusal *why)
{
	struct settings_texts file = { 0 };
	size_t i;
	int ret;

	ret = namevalue_read(text, settings_names, SETTING_COUNT, file.value,
	    why);
	for (i = 0; i < SETTING_COUNT && ret == CAMCA_OK; i++)
		if (texts->value[i] == NULL)
			texts->value[i] = file.value[i];
	return ret;
}

/* A whole number of seconds in 1..max, as milliseconds. */
static int
settings_seconds(int *ms_out, const struct settings_texts *t,
    enum setting_id id, int fallback_s, int max_s, struct refusal *why)
{
	const char *s = t->value[id];
	int n = 0;

	*ms_out = fallback_s * 1000;
	if (s == NULL)
		return CAMCA_OK;
	for (; *s >= '0' && *s <= '9' && n <= max_s; s++)
		n = n * 10 + (*s - '0');
	if (*s != '\0' || n < 1 || n > max_s)
		return refuse(why, CAMCA_EINVAL, 400, "settings.value",
		    "%s: not a number of seconds from 1 to %d.",
		    settings_names[id], max_s);
	*ms_out = n * 1000;
	return CAMCA_OK;
}

static int
settings_choice(int *out, const struct settings_texts *t, enum setting_id id,
    const char *const *words, struct refusal *why)
{
	const char *s = t->value[id];
	int i;

	*out = 0;
	if (s == NULL)
		return CAMCA_OK;
	for (i = 0; words[i] != NULL; i++)
		if (strcmp(s, words[i]) == 0) {
			*out = i;
			return CAMCA_OK;
		}
	return refuse(why, CAMCA_EINVAL, 400, "settings.value",
	    "%s: \"%s\" is none of the words it may be; the first is \"%s\".",
	    settings_names[id], s, words[0]);
}

/* All of standard input, at most SETTING_SECRET_MAX bytes. */
static int
settings_secret_stdin(struct buf *out)
{
	uint8_t in[SETTING_SECRET_MAX];
	ssize_t n;
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK) {
		n = read(STDIN_FILENO, in, sizeof in);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ret = n < 0 ? CAMCA_EIO : CAMCA_OK;
			break;
		}
		ret = out->len + (size_t)n > SETTING_SECRET_MAX ?
		    CAMCA_ELIMIT : buf_put(out, in, (size_t)n);
	}
	OPENSSL_cleanse(in, sizeof in);
	return ret;
}

/* The one-time secret never comes from an argument: every process could read
 * it there. */
static int
settings_secret(struct renew_config *c, const struct settings_texts *t,
    struct refusal *why)
{
	const char *path = t->value[SETTING_SECRET_FILE];
	char *env = getenv(SETTING_SECRET_ENV);
	size_t i;
	int ret = CAMCA_OK;

	if (path != NULL && strcmp(path, "-") == 0)
		ret = settings_secret_stdin(&c->secret);
	else if (path != NULL)
		ret = file_read(path, SETTING_SECRET_MAX, &c->secret);
	else if (env != NULL)
		ret = buf_puts(&c->secret, env);
	if (env != NULL) {
		OPENSSL_cleanse(env, strlen(env));
		unsetenv(SETTING_SECRET_ENV);
	}
	/* A file that is gone after the first use is no mistake. */
	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret < 0)
		return settings_bad(why, "secret-file",
		    "cannot be read or is longer than 256 bytes");
	while (c->secret.len > 0 &&
	    (c->secret.data[c->secret.len - 1] == '\n' ||
	    c->secret.data[c->secret.len - 1] == '\r'))
		c->secret.data[--c->secret.len] = '\0';
	for (i = 0; i < c->secret.len; i++)
		if (c->secret.data[i] < 0x20 || c->secret.data[i] == 0x7f)
			return settings_bad(why, "secret-file",
			    "control characters in the secret");
	return CAMCA_OK;
}

/* Who the camera says it is. Without a subject the user name of the secret is
 * the common name: the inventory decides in the end. */
static int
settings_names_check(struct renew_config *c, const struct settings_texts *t,
    struct refusal *why)
{
	int ret;

	c->user = t->value[SETTING_USER] != NULL ? t->value[SETTING_USER] : "";
	/* RFC 7617 2: a colon would end the user name. */
	if (strchr(c->user, ':') != NULL || strlen(c->user) > 128)
		return settings_bad(why, "user", "has a colon or is too long");
	if (t->value[SETTING_SUBJECT] != NULL &&
	    (ret = csr_subject_parse(&c->subject, t->value[SETTING_SUBJECT],
	    why)) < 0)
		return ret;
	if (t->value[SETTING_SAN] != NULL &&
	    (ret = csr_san_parse(&c->san, t->value[SETTING_SAN], why)) < 0)
		return ret;
	if (c->subject != NULL)
		return CAMCA_OK;
	if ((c->subject = X509_NAME_new()) == NULL)
		return CAMCA_ENOMEM;
	if (c->user[0] != '\0' && X509_NAME_add_entry_by_NID(c->subject,
	    NID_commonName, MBSTRING_UTF8, (const unsigned char *)c->user, -1,
	    -1, 0) != 1)
		return settings_bad(why, "user",
		    "cannot be a common name: give --subject");
	return CAMCA_OK;
}

static int
settings_keys(struct renew_config *c, const struct settings_texts *t,
    struct refusal *why)
{
	static const char *const rekey[] = { "always", "never", NULL };
	const char *type = t->value[SETTING_KEY_TYPE];
	int choice, ret;

	ret = keys_type_parse(&c->key_type, type != NULL ? type : "auto", why);
	if (ret < 0)
		return ret;
	if ((ret = settings_choice(&choice, t, SETTING_REKEY, rekey, why)) < 0)
		return ret;
	c->rekey = choice == 0;
	c->key.uri = t->value[SETTING_KEY_URI];
	c->key.provider = t->value[SETTING_PROVIDER];
	c->key.engine = t->value[SETTING_ENGINE];
	c->key.pin_file = t->value[SETTING_PIN_FILE];
	c->idevid_cert = t->value[SETTING_IDEVID_CERT];
	c->idevid_key = t->value[SETTING_IDEVID_KEY];
	if (c->key.uri != NULL && strpbrk(c->key.uri, "\r\n") != NULL)
		return settings_bad(why, "key-uri", "has a line end");
	if ((c->idevid_cert == NULL) != (c->idevid_key == NULL))
		return settings_bad(why, "idevid-cert",
		    "goes together with idevid-key");
	return CAMCA_OK;
}

static int
settings_trust(struct renew_config *c, const struct settings_texts *t,
    struct refusal *why)
{
	c->trust_file = t->value[SETTING_TRUST];
	c->has_pin = t->value[SETTING_FINGERPRINT] != NULL;
	if (!c->has_pin)
		return CAMCA_OK;
	return trust_fingerprint_parse(c->pin, t->value[SETTING_FINGERPRINT],
	    why);
}

static int
settings_network(struct renew_config *c, const struct settings_texts *t,
    struct refusal *why)
{
	static const char *const tls[] = { "1.3", "1.2", NULL };
	int choice, ret;

	if (t->value[SETTING_URL] == NULL)
		return settings_bad(why, "url", "is missing");
	ret = url_parse(&c->url, t->value[SETTING_URL], t->value[SETTING_LABEL],
	    why);
	if (ret < 0)
		return ret;
	c->connect_to = t->value[SETTING_CONNECT_TO];
	if ((ret = settings_choice(&choice, t, SETTING_TLS_MAX, tls, why)) < 0)
		return ret;
	c->tls_max = choice == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;
	return settings_seconds(&c->timeout_ms, t, SETTING_TIMEOUT, 60, 3600,
	    why);
}

int
settings_check(struct renew_config *out, enum renew_mode mode, bool daemon,
    const struct settings_texts *texts, struct refusal *why)
{
	int ret;

	memset(out, 0, sizeof *out);
	buf_init(&out->secret, 0);
	out->mode = mode;
	out->daemon = daemon;
	out->dir = texts->value[SETTING_DIR] != NULL ?
	    texts->value[SETTING_DIR] : SETTING_DIR_DEFAULT;
	if (daemon && mode != RENEW_AUTO)
		return settings_bad(why, "daemon", "goes with auto only");
	if (mode == RENEW_STATUS)
		return CAMCA_OK;
	out->hook = texts->value[SETTING_HOOK];
	if (out->hook != NULL && out->hook[0] != '/')
		return settings_bad(why, "hook", "is not an absolute path");
	if ((ret = settings_secret(out, texts, why)) < 0 ||
	    (ret = settings_network(out, texts, why)) < 0 ||
	    (ret = settings_trust(out, texts, why)) < 0 ||
	    (ret = settings_names_check(out, texts, why)) < 0 ||
	    (ret = settings_keys(out, texts, why)) < 0)
		return ret;
	return settings_seconds(&out->hook_timeout_ms, texts,
	    SETTING_HOOK_TIMEOUT, 60, 3600, why);
}

void
settings_fini(struct renew_config *c)
{
	X509_NAME_free(c->subject);
	X509_EXTENSION_free(c->san);
	buf_cleanse(&c->secret);
	memset(c, 0, sizeof *c);
}
