/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/id.h"
#include "ca/base/listen.h"
#include "ca/base/yaml.h"

void
config_default(struct config *out, const char *state)
{
	memset(out, 0, sizeof *out);
	snprintf(out->state, sizeof out->state, "%s", state);
	snprintf(out->organization, sizeof out->organization, "camca");
	snprintf(out->node, sizeof out->node, "camca-1");
	snprintf(out->policies, sizeof out->policies, "%.280s/policies", state);
	snprintf(out->names[0], sizeof out->names[0], "localhost");
	snprintf(out->names[1], sizeof out->names[1], "127.0.0.1");
	out->nnames = 2;
	snprintf(out->est_host, sizeof out->est_host, "0.0.0.0");
	out->est_port = 8443;
	snprintf(out->http_host, sizeof out->http_host, "0.0.0.0");
	out->http_port = 8080;
	out->max_connections = 4096;
	out->idle_timeout_s = 20;
	out->failures_per_minute = 20;
	snprintf(out->hsm_token, sizeof out->hsm_token, "pkcs11:token=camca");
	snprintf(out->hsm_pin_file, sizeof out->hsm_pin_file, "%.280s/hsm/pin",
	    state);
	snprintf(out->authority_user, sizeof out->authority_user, "camca");
	snprintf(out->gate_user, sizeof out->gate_user, "camca-gate");
	out->workers = 16;
	out->crl_life_s = 7 * 86400;
	out->outbox_max = 65536;
	out->ocsp_life_s = 3600;
	out->ocsp_max_age_s = 30;
	out->ocsp_sign_rate = 2000;
	out->ocsp_cache = 20000;
	out->custody_interval_ms = 25;
	out->custody_ed25519 = out->custody_ecdsa = true;
	out->checkpoint_ms = 1000;
	out->timestamp_s = 3600;
}

/* Copies an optional text of at most len - 1 bytes. */
static int
config_text(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char *out, size_t len)
{
	const char *s = NULL;
	int ret = yaml_str(d, m, key, false, len - 1, &s);

	if (ret == CAMCA_OK && s != NULL)
		snprintf(out, len, "%s", s);
	return ret;
}

static int
config_listen(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char *host, size_t host_len, uint16_t *port)
{
	const char *s = NULL;
	int ret = yaml_str(d, m, key, false, 80, &s);

	if (ret < 0 || s == NULL)
		return ret;
	ret = listen_parse(s, host, host_len, port);
	if (ret < 0)
		return yaml_fail(d, yaml_get(d, m, key),
		    ret == CAMCA_ELIMIT ? "'%s': no such port" :
		    "'%s' must be ADDRESS:PORT", key);
	return CAMCA_OK;
}

static int
config_names(struct yaml_doc *d, struct yaml_node *m, struct config *c)
{
	struct yaml_node *seq;
	const char *s;
	size_t i;
	int ret = yaml_seq(d, m, "names", true, CONFIG_NAMES_MAX, &seq);

	if (ret < 0)
		return ret;
	c->nnames = yaml_seq_len(seq);
	if (c->nnames == 0)
		return yaml_fail(d, seq, "'names' needs at least one name");
	for (i = 0; i < c->nnames; i++) {
		s = yaml_text(yaml_seq_at(seq, i));
		if (s == NULL || s[0] == '\0' ||
		    strlen(s) >= sizeof c->names[i] ||
		    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
		    "UVWXYZ0123456789.-:") != strlen(s))
			return yaml_fail(d, yaml_seq_at(seq, i),
			    "not a DNS name or IP address");
		snprintf(c->names[i], sizeof c->names[i], "%s", s);
	}
	return CAMCA_OK;
}

static int
config_gate(struct yaml_doc *d, struct yaml_node *top, struct config *c)
{
	struct yaml_node *m;
	int ret;

	if ((ret = yaml_map(d, top, "gate", true, &m)) < 0 ||
	    (ret = config_names(d, m, c)) < 0 ||
	    (ret = config_listen(d, m, "est_listen", c->est_host,
	    sizeof c->est_host, &c->est_port)) < 0 ||
	    (ret = config_listen(d, m, "http_listen", c->http_host,
	    sizeof c->http_host, &c->http_port)) < 0 ||
	    (ret = config_text(d, m, "http_url", c->http_url,
	    sizeof c->http_url)) < 0 ||
	    (ret = yaml_bool(d, m, "behind_proxy", false,
	    &c->behind_proxy)) < 0 ||
	    (ret = yaml_int(d, m, "max_connections", false, 16, 60000,
	    &c->max_connections)) < 0 ||
	    (ret = yaml_int(d, m, "idle_timeout_s", false, 1, 3600,
	    &c->idle_timeout_s)) < 0 ||
	    (ret = yaml_int(d, m, "failures_per_minute", false, 1, 1000000,
	    &c->failures_per_minute)) < 0)
		return ret;
	/* RFC 9148 section 5: behind a TLS-terminating proxy the channel
	 * binding is the proxy's, and so is the client certificate. */
	if (c->behind_proxy)
		return yaml_fail(d, yaml_get(d, m, "behind_proxy"),
		    "not possible: proof of possession and client certificates "
		    "need TLS to end in camca-gate (RFC 9148 section 5)");
	return yaml_end(d, m);
}

static int
config_hsm(struct yaml_doc *d, struct yaml_node *top, struct config *c)
{
	struct yaml_node *m;
	int ret;

	if ((ret = yaml_map(d, top, "hsm", false, &m)) < 0 || m == NULL)
		return ret;
	if ((ret = config_text(d, m, "module", c->hsm_module,
	    sizeof c->hsm_module)) < 0 ||
	    (ret = config_text(d, m, "token", c->hsm_token,
	    sizeof c->hsm_token)) < 0 ||
	    (ret = config_text(d, m, "pin_file", c->hsm_pin_file,
	    sizeof c->hsm_pin_file)) < 0 ||
	    (ret = config_text(d, m, "pin_env", c->hsm_pin_env,
	    sizeof c->hsm_pin_env)) < 0 ||
	    (ret = config_text(d, m, "pin_credential", c->hsm_pin_credential,
	    sizeof c->hsm_pin_credential)) < 0 ||
	    (ret = config_text(d, m, "log_token", c->hsm_log_token,
	    sizeof c->hsm_log_token)) < 0 ||
	    (ret = config_text(d, m, "log_pin_file", c->hsm_log_pin_file,
	    sizeof c->hsm_log_pin_file)) < 0)
		return ret;
	return yaml_end(d, m);
}

static int
config_users(struct yaml_doc *d, struct yaml_node *top, struct config *c)
{
	struct yaml_node *m, *seq;
	const char *s;
	size_t i;
	int ret;

	if ((ret = yaml_map(d, top, "users", false, &m)) < 0 || m == NULL)
		return ret;
	if ((ret = config_text(d, m, "authority", c->authority_user,
	    sizeof c->authority_user)) < 0 ||
	    (ret = config_text(d, m, "gate", c->gate_user,
	    sizeof c->gate_user)) < 0 ||
	    (ret = yaml_seq(d, m, "operators", false, CONFIG_NAMES_MAX,
	    &seq)) < 0)
		return ret;
	c->noperators = yaml_seq_len(seq);
	for (i = 0; i < c->noperators; i++) {
		s = yaml_text(yaml_seq_at(seq, i));
		if (s == NULL || s[0] == '\0' ||
		    strlen(s) >= sizeof c->operators[i])
			return yaml_fail(d, yaml_seq_at(seq, i),
			    "not a user name");
		snprintf(c->operators[i], sizeof c->operators[i], "%s", s);
	}
	return yaml_end(d, m);
}

static int
config_limits(struct yaml_doc *d, struct yaml_node *top, struct config *c)
{
	struct yaml_node *m;
	int64_t life_ms = c->crl_life_s * 1000;
	int ret;

	if ((ret = yaml_map(d, top, "authority", false, &m)) < 0 || m == NULL)
		return ret;
	if ((ret = yaml_int(d, m, "workers", false, 1, 64, &c->workers)) < 0 ||
	    (ret = yaml_duration(d, m, "crl_life", false, 60000,
	    366LL * 86400000, &life_ms)) < 0 ||
	    (ret = yaml_int(d, m, "outbox_max", false, 0, 1LL << 40,
	    &c->outbox_max)) < 0)
		return ret;
	c->crl_life_s = life_ms / 1000;
	return yaml_end(d, m);
}

static int
config_ocsp(struct yaml_doc *d, struct yaml_node *top, struct config *c)
{
	static const char *const signers[] = { "gate", "hsm", NULL };
	static const char *const unissued[] = { "unauthorized", "revoked",
	    NULL };
	int64_t life = c->ocsp_life_s * 1000, age = c->ocsp_max_age_s * 1000;
	int64_t kept = c->ocsp_retention_s * 1000;
	int signer = c->ocsp_hsm, other = c->ocsp_unissued_revoked, ret;
	struct yaml_node *m;

	if ((ret = yaml_map(d, top, "ocsp", false, &m)) < 0 || m == NULL)
		return ret;
	if ((ret = yaml_enum(d, m, "signer", false, signers, &signer)) < 0 ||
	    (ret = yaml_duration(d, m, "life", false, 60000, 86400000,
	    &life)) < 0 ||
	    (ret = yaml_duration(d, m, "max_age", false, 1000, 43200000,
	    &age)) < 0 ||
	    (ret = yaml_int(d, m, "sign_rate", false, 1, 1000000,
	    &c->ocsp_sign_rate)) < 0 ||
	    (ret = yaml_int(d, m, "cache", false, 64, 4000000,
	    &c->ocsp_cache)) < 0 ||
	    (ret = yaml_enum(d, m, "unissued", false, unissued, &other)) < 0 ||
	    (ret = yaml_duration(d, m, "retention", false, 0,
	    100LL * 366 * 86400000, &kept)) < 0)
		return ret;
	/* Prepared answers are made anew at half their life: RFC 9919 wants
	 * max-age to end before nextUpdate. */
	if (age > life / 2)
		return yaml_fail(d, yaml_get(d, m, "max_age"),
		    "'max_age' must not exceed half of 'life'");
	c->ocsp_hsm = signer == 1;
	c->ocsp_unissued_revoked = other == 1;
	c->ocsp_life_s = life / 1000;
	c->ocsp_max_age_s = age / 1000;
	c->ocsp_retention_s = kept / 1000;
	return yaml_end(d, m);
}

/* http or https, a host, nothing blank or outside ASCII, and no password: the
 * file holds no secrets. */
static bool
config_url(const char *s)
{
	size_t scheme = strncmp(s, "https://", 8) == 0 ? 8 :
	    strncmp(s, "http://", 7) == 0 ? 7 : 0;

	if (scheme == 0 || s[scheme] == '\0' || s[scheme] == '/')
		return false;
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || *s == '@')
			return false;
	return true;
}

/* "NAME URL" */
static bool
config_tsa(struct config_tsa *out, const char *s)
{
	size_t n = s != NULL ? strcspn(s, " ") : 0;

	if (n == 0 || s[n] == '\0' ||
	    strlen(s + n + 1) >= sizeof out->url || !id_ok(s, n))
		return false;
	snprintf(out->name, sizeof out->name, "%.*s", (int)n, s);
	snprintf(out->url, sizeof out->url, "%s", s + n + 1);
	return config_url(out->url);
}

static int
config_tsas(struct yaml_doc *d, struct yaml_node *m, struct config *c)
{
	struct yaml_node *seq;
	size_t i, k;
	int ret = yaml_seq(d, m, "tsa", false, CONFIG_TSAS_MAX, &seq);

	if (ret < 0)
		return ret;
	c->ntsas = yaml_seq_len(seq);
	for (i = 0; i < c->ntsas; i++) {
		if (!config_tsa(&c->tsas[i], yaml_text(yaml_seq_at(seq, i))))
			return yaml_fail(d, yaml_seq_at(seq, i),
			    "not \"NAME URL\" with http or https");
		for (k = 0; k < i; k++)
			if (strcmp(c->tsas[k].name, c->tsas[i].name) == 0)
				return yaml_fail(d, yaml_seq_at(seq, i),
				    "a TSA of this name stands above");
	}
	return CAMCA_OK;
}

/* Which lines a checkpoint must have: an HSM without EdDSA has one key. */
static int
config_log_keys(struct yaml_doc *d, struct yaml_node *m, struct config *c)
{
	struct yaml_node *seq;
	const char *s;
	size_t i;
	int ret = yaml_seq(d, m, "keys", false, 2, &seq);

	if (ret < 0 || seq == NULL)
		return ret;
	c->custody_ed25519 = c->custody_ecdsa = false;
	for (i = 0; i < yaml_seq_len(seq); i++) {
		s = yaml_text(yaml_seq_at(seq, i));
		if (s != NULL && strcmp(s, "ed25519") == 0)
			c->custody_ed25519 = true;
		else if (s != NULL && strcmp(s, "ecdsa") == 0)
			c->custody_ecdsa = true;
		else
			return yaml_fail(d, yaml_seq_at(seq, i),
			    "a key of the log is ed25519 or ecdsa");
	}
	if (c->custody_ed25519 || c->custody_ecdsa)
		return CAMCA_OK;
	return yaml_fail(d, seq, "the log needs a key: ed25519, ecdsa or both");
}

/* Stands in each checkpoint, as the name of its keys: C2SP signed-note. */
static int
config_origin(struct yaml_doc *d, struct yaml_node *m, struct config *c)
{
	const char *s;
	int ret = config_text(d, m, "origin", c->custody_origin,
	    sizeof c->custody_origin);

	for (s = c->custody_origin; ret == CAMCA_OK && *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || *s == '+')
			return yaml_fail(d, yaml_get(d, m, "origin"),
			    "'origin' is a URL without https://: no space, no "
			    "'+', ASCII only");
	return ret;
}

static const char *const config_accesses[] = {
	[ACCESS_PUBLIC] = "public",
	[ACCESS_STAFF] = "staff",
	[ACCESS_OFF] = "off",
	NULL
};

const char *
config_access_name(enum config_access a)
{
	return config_accesses[a];
}

/* Fingerprints, as "openssl x509 -fingerprint -sha256" prints them or plain. */
static bool
config_fingerprint(uint8_t out[static 32], const char *s)
{
	char hex[2 * 32 + 1];
	size_t n = 0;

	for (; s != NULL && *s != '\0' && n < sizeof hex - 1; s++)
		if (*s != ':')
			hex[n++] = *s;
	hex[n] = '\0';
	return s != NULL && *s == '\0' && dec_hex(out, 32, hex) == CAMCA_OK;
}

static int
config_readers(struct yaml_doc *d, struct yaml_node *m, struct config *c)
{
	int access = (int)c->custody_access, ret;
	struct yaml_node *seq;
	size_t i;

	if ((ret = yaml_enum(d, m, "access", false, config_accesses,
	    &access)) < 0 || (ret = yaml_seq(d, m, "readers", false,
	    CONFIG_READERS_MAX, &seq)) < 0)
		return ret;
	c->custody_access = (enum config_access)access;
	c->ncustody_readers = yaml_seq_len(seq);
	for (i = 0; i < c->ncustody_readers; i++)
		if (!config_fingerprint(c->custody_readers[i],
		    yaml_text(yaml_seq_at(seq, i))))
			return yaml_fail(d, yaml_seq_at(seq, i), "not the "
			    "SHA-256 of a certificate: 64 hex digits");
	return CAMCA_OK;
}

static int
config_custody(struct yaml_doc *d, struct yaml_node *top, struct config *c)
{
	struct yaml_node *m;
	int ret;

	if ((ret = yaml_map(d, top, "custody", false, &m)) < 0 || m == NULL)
		return ret;
	if ((ret = yaml_int(d, m, "interval_ms", false, 5, 60000,
	    &c->custody_interval_ms)) < 0 ||
	    (ret = config_origin(d, m, c)) < 0 ||
	    (ret = config_log_keys(d, m, c)) < 0 ||
	    (ret = yaml_int(d, m, "checkpoint_ms", false, 10, 3600000,
	    &c->checkpoint_ms)) < 0 ||
	    (ret = config_readers(d, m, c)) < 0 ||
	    (ret = config_tsas(d, m, c)) < 0 ||
	    (ret = yaml_int(d, m, "timestamp_s", false, 1, 366 * 86400,
	    &c->timestamp_s)) < 0 ||
	    (ret = config_text(d, m, "proxy", c->anchor_proxy,
	    sizeof c->anchor_proxy)) < 0 ||
	    (ret = config_text(d, m, "ca_file", c->anchor_ca_file,
	    sizeof c->anchor_ca_file)) < 0)
		return ret;
	return yaml_end(d, m);
}

static int
config_all(struct yaml_doc *d, void *out)
{
	struct config *c = out;
	struct yaml_node *top = yaml_top(d);
	int ret;

	if (top == NULL)
		return CAMCA_EINVAL;
	if ((ret = config_text(d, top, "organization", c->organization,
	    sizeof c->organization)) < 0 ||
	    (ret = config_text(d, top, "node", c->node, sizeof c->node)) < 0 ||
	    (ret = config_text(d, top, "policies", c->policies,
	    sizeof c->policies)) < 0 ||
	    (ret = config_gate(d, top, c)) < 0 ||
	    (ret = config_hsm(d, top, c)) < 0 ||
	    (ret = config_users(d, top, c)) < 0 ||
	    (ret = config_limits(d, top, c)) < 0 ||
	    (ret = config_ocsp(d, top, c)) < 0 ||
	    (ret = config_custody(d, top, c)) < 0)
		return ret;
	return yaml_end(d, top);
}

int
config_load(struct config *out, const char *state, char *error,
    size_t error_len)
{
	char path[300];
	int ret;

	config_default(out, state);
	if (strlen(state) >= sizeof out->state ||
	    file_join(path, sizeof path, state, "camca.yaml") < 0) {
		snprintf(error, error_len, "the state folder's name is too long");
		return CAMCA_ELIMIT;
	}
	ret = yaml_load(path, config_all, out, error, error_len);
	if (ret == CAMCA_OK && out->http_url[0] == '\0')
		snprintf(out->http_url, sizeof out->http_url,
		    strchr(out->names[0], ':') != NULL ? "http://[%s]:%u" :
		    "http://%s:%u", out->names[0], out->http_port);
	if (ret == CAMCA_OK && out->custody_origin[0] == '\0')
		snprintf(out->custody_origin, sizeof out->custody_origin,
		    "%.180s/custody", out->names[0]);
	return ret;
}

/* key: "value", fit for YAML whatever stands in it. */
static int
config_write_text(struct buf *b, const char *key, const char *value)
{
	int ret = buf_printf(b, "%s: \"", key);

	for (; *value != '\0' && ret == CAMCA_OK; value++) {
		if (*value == '"' || *value == '\\')
			ret = buf_putc(b, '\\');
		if (ret == CAMCA_OK)
			ret = buf_putc(b, (uint8_t)*value);
	}
	return ret < 0 ? ret : buf_puts(b, "\"\n");
}

static int
config_write_listen(struct buf *b, const char *key, const char *host,
    uint16_t port, const char *remark)
{
	bool v6 = strchr(host, ':') != NULL;

	return buf_printf(b, "  %s: \"%s%s%s:%u\"%s\n", key, v6 ? "[" : "",
	    host, v6 ? "]" : "", port, remark);
}

static int
config_write_head(struct buf *b, const struct config *c)
{
	size_t i;
	int ret;

	if ((ret = buf_puts(b, "# camca: settings of this installation, see "
	    "camca.yaml(5).\n")) < 0 ||
	    (ret = config_write_text(b, "organization",
	    c->organization)) < 0 ||
	    (ret = buf_puts(b, "# Names this machine in events.\n")) < 0 ||
	    (ret = config_write_text(b, "node", c->node)) < 0)
		return ret;
	ret = buf_puts(b, "\ngate:\n"
	    "  # DNS names and addresses under which cameras reach the gate;\n"
	    "  # the first one stands in the addresses inside certificates.\n"
	    "  names:\n");
	for (i = 0; ret == CAMCA_OK && i < c->nnames; i++)
		ret = buf_printf(b, "    - \"%s\"\n", c->names[i]);
	if (ret == CAMCA_OK)
		ret = config_write_listen(b, "est_listen", c->est_host,
		    c->est_port, "     # EST over TLS");
	if (ret == CAMCA_OK)
		ret = config_write_listen(b, "http_listen", c->http_host,
		    c->http_port, "    # issuer certificates and CRLs");
	if (ret == CAMCA_OK && c->http_url[0] != '\0')
		ret = config_write_text(b, "  http_url", c->http_url);
	return ret;
}

static int
config_write_hsm(struct buf *b, const struct config *c)
{
	const struct {
		const char *key, *value;
	} lines[] = { { "  module", c->hsm_module },
	    { "  token", c->hsm_token }, { "  pin_file", c->hsm_pin_file },
	    { "  pin_env", c->hsm_pin_env },
	    { "  pin_credential", c->hsm_pin_credential },
	    { "  log_token", c->hsm_log_token },
	    { "  log_pin_file", c->hsm_log_pin_file } };
	size_t i;
	int ret = buf_puts(b, "\nhsm:\n"
	    "  # module: path of a PKCS#11 module; without it the SoftHSM token\n"
	    "  # in the hsm folder beside this file.\n");

	for (i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (ret == CAMCA_OK && lines[i].value[0] != '\0')
			ret = config_write_text(b, lines[i].key,
			    lines[i].value);
	return ret;
}

static int
config_write_users(struct buf *b, const struct config *c)
{
	size_t i;
	int ret;

	if ((ret = buf_puts(b, "\nusers:\n"
	    "  # Whom camcad and camca-gate become when started as root.\n")) < 0 ||
	    (ret = config_write_text(b, "  authority",
	    c->authority_user)) < 0 ||
	    (ret = config_write_text(b, "  gate", c->gate_user)) < 0)
		return ret;
	ret = buf_printf(b, "  # Who may use the authority socket beside root.\n"
	    "  operators:%s\n", c->noperators == 0 ? " []" : "");
	for (i = 0; ret == CAMCA_OK && i < c->noperators; i++)
		ret = buf_printf(b, "    - \"%s\"\n", c->operators[i]);
	return ret;
}

static int
config_write_ocsp(struct buf *b, const struct config *c)
{
	return buf_printf(b, "\nocsp:\n"
	    "  # gate: answers are signed by a key of the gate, certified for a\n"
	    "  # week. hsm: each one by the HSM, through camcad.\n"
	    "  signer: %s\n"
	    "  # How long a client may keep an answer: what was revoked can be\n"
	    "  # taken for good so long by one that asked just before.\n"
	    "  life: %llds\n"
	    "  max_age: %llds\n", c->ocsp_hsm ? "hsm" : "gate",
	    (long long)c->ocsp_life_s, (long long)c->ocsp_max_age_s);
}

static int
config_write_custody(struct buf *b, const struct config *c)
{
	char origin[sizeof c->custody_origin];

	snprintf(origin, sizeof origin, c->custody_origin[0] != '\0' ? "%s" :
	    "%.180s/custody", c->custody_origin[0] != '\0' ?
	    c->custody_origin : c->names[0]);
	return buf_printf(b, "\ncustody:\n"
	    "  # Name of the log in every checkpoint. It cannot be changed once\n"
	    "  # camcad has started.\n"
	    "  origin: \"%s\"\n"
	    "  # Signatures of each checkpoint; [ecdsa] for an HSM without EdDSA.\n"
	    "  keys: [%s%s%s]\n"
	    "  # Who reads it at the gate: public; staff, who show one of the\n"
	    "  # certificates under readers (SHA-256) on the TLS port; off.\n"
	    "  access: %s\n"
	    "  readers: []\n"
	    "  # Up to four time-stamping authorities, each \"NAME URL\"; its\n"
	    "  # certificates in policies/custody/NAME.pem.\n"
	    "  tsa: []\n"
	    "  timestamp_s: %lld\n"
	    "  # How many milliseconds an event waits for others, so that they\n"
	    "  # get into the log together.\n"
	    "  interval_ms: %lld\n", origin,
	    c->custody_ed25519 ? "ed25519" : "",
	    c->custody_ed25519 && c->custody_ecdsa ? ", " : "",
	    c->custody_ecdsa ? "ecdsa" : "",
	    config_access_name(c->custody_access), (long long)c->timestamp_s,
	    (long long)c->custody_interval_ms);
}

char *
config_write(const struct config *c)
{
	struct buf b;

	buf_init(&b, YAML_MAX_BYTES);
	if (config_write_head(&b, c) < 0 || config_write_hsm(&b, c) < 0 ||
	    config_write_users(&b, c) < 0 ||
	    config_write_ocsp(&b, c) < 0 || config_write_custody(&b, c) < 0) {
		buf_fini(&b);
		return NULL;
	}
	return (char *)b.data;
}

int
config_socket_path(const char *state, char *out, size_t out_len)
{
	return file_join(out, out_len, state, "run/authority.sock");
}

int
config_status_path(const char *state, char *out, size_t out_len)
{
	return file_join(out, out_len, state, "run/status.sock");
}
