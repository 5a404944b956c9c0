/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/file.h"
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
	out->outbox_max = 0;
	out->ocsp_life_s = 3600;
	out->ocsp_max_age_s = 30;
	out->ocsp_sign_rate = 2000;
	out->ocsp_cache = 20000;
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

/* "0.0.0.0:8443", "[::1]:8443". */
static int
config_listen(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char *host, size_t host_len, uint16_t *port)
{
	const char *s = NULL, *colon;
	char *end;
	long n;
	int ret = yaml_str(d, m, key, false, 80, &s);

	if (ret < 0 || s == NULL)
		return ret;
	colon = strrchr(s, ':');
	if (colon == NULL || colon == s)
		return yaml_fail(d, yaml_get(d, m, key),
		    "'%s' must be ADDRESS:PORT", key);
	n = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || n > 65535 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return yaml_fail(d, yaml_get(d, m, key),
		    "'%s': no such port", key);
	*port = (uint16_t)n;
	if (s[0] == '[' && colon[-1] == ']') {
		s++;
		colon--;
	}
	if ((size_t)(colon - s) >= host_len)
		return yaml_fail(d, yaml_get(d, m, key), "'%s' is too long",
		    key);
	snprintf(host, host_len, "%.*s", (int)(colon - s), s);
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
	    sizeof c->hsm_pin_credential)) < 0)
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

static int
config_all(struct yaml_doc *d, struct config *c)
{
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
	    (ret = config_ocsp(d, top, c)) < 0)
		return ret;
	return yaml_end(d, top);
}

int
config_load(struct config *out, const char *state, char *error,
    size_t error_len)
{
	struct yaml_doc *d = NULL;
	char path[300];
	int ret;

	config_default(out, state);
	if (strlen(state) >= sizeof out->state ||
	    file_join(path, sizeof path, state, "camca.yaml") < 0) {
		snprintf(error, error_len, "the state folder's name is too long");
		return CAMCA_ELIMIT;
	}
	ret = yaml_open_file(&d, path);
	if (ret == CAMCA_OK)
		ret = config_all(d, out);
	if (ret < 0)
		snprintf(error, error_len, "%s", yaml_error(d) != NULL ?
		    yaml_error(d) : camca_strerror(ret));
	if (ret == CAMCA_OK && out->http_url[0] == '\0')
		snprintf(out->http_url, sizeof out->http_url,
		    strchr(out->names[0], ':') != NULL ? "http://[%s]:%u" :
		    "http://%s:%u", out->names[0], out->http_port);
	yaml_close(d);
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
		ret = buf_printf(b,
		    "  est_listen: \"%s:%u\"     # EST over TLS\n"
		    "  http_listen: \"%s:%u\"    # issuer certificates and CRLs\n",
		    c->est_host, c->est_port, c->http_host, c->http_port);
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
	    { "  pin_credential", c->hsm_pin_credential } };
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

char *
config_write(const struct config *c)
{
	struct buf b;

	buf_init(&b, YAML_MAX_BYTES);
	if (config_write_head(&b, c) < 0 || config_write_hsm(&b, c) < 0 ||
	    config_write_users(&b, c) < 0 || config_write_ocsp(&b, c) < 0) {
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
