/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issue/profile.h"
#include "ca/issue/profile_int.h"
#include "ca/store/store.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

#define ITEM_MAX 255

static const char *const profile_kind_names[] = { "camera", "ra", "authority",
	NULL };
static const int profile_kinds[] = { DEVICE_CAMERA, DEVICE_RA, -1 };

/* In the order of enum profile_key. */
static const char *const profile_key_names[] = { "p256", "p384", "p521",
	"ed25519", "rsa", NULL };

/* No key_cert_sign and no crl_sign: a profile makes end entities only. */
static const char *const profile_ku_names[] = { "digital_signature",
	"content_commitment", "key_encipherment", "data_encipherment",
	"key_agreement", NULL };
static const unsigned profile_kus[] = { KU_DIGITAL_SIGNATURE,
	KU_NON_REPUDIATION, KU_KEY_ENCIPHERMENT, KU_DATA_ENCIPHERMENT,
	KU_KEY_AGREEMENT };

static const char *const profile_eku_names[] = { "client_auth", "server_auth",
	"cmc_ra", "ocsp_signing", NULL };
static const int profile_ekus[] = { NID_client_auth, NID_server_auth,
	NID_cmcRA, NID_OCSP_sign };

static const char *const profile_auth_names[] = { "secret", "idevid", "ra",
	"idevid_and_secret", NULL };
static const unsigned profile_auths[] = { AUTH_SECRET, AUTH_IDEVID, AUTH_RA,
	AUTH_CERT_SECRET };

/* Each in the order of its enum. */
static const char *const profile_pop_names[] = { "off", "optional", "require",
	NULL };
static const char *const profile_early_names[] = { "refuse", "same", NULL };
static const char *const profile_csrattrs_names[] = { "legacy", "template",
	"both", NULL };
static const char *const profile_base64_names[] = { "auto", "wrap", "flat",
	NULL };

static int
profile_text(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, char *out, size_t out_len)
{
	const char *s = "";
	int ret = yaml_str(d, m, key, required, out_len - 1, &s);

	if (ret == CAMCA_OK)
		snprintf(out, out_len, "%s", s);
	return ret;
}

/* A list of names as indexes; each at most once. */
static int
profile_name_list(struct yaml_doc *d, struct yaml_node *m, const char *key,
    const char *const *names, int *out, size_t *n_out)
{
	struct yaml_node *seq, *item;
	size_t i, k;
	int ret;

	*n_out = 0;
	ret = yaml_seq(d, m, key, true, 8, &seq);
	if (ret < 0)
		return ret;
	if (yaml_seq_len(seq) == 0)
		return yaml_fail(d, seq, "'%s' is empty", key);
	for (i = 0; i < yaml_seq_len(seq); i++) {
		item = yaml_seq_at(seq, i);
		ret = yaml_item_enum(d, item, names, &out[i]);
		if (ret < 0)
			return ret;
		for (k = 0; k < i; k++)
			if (out[k] == out[i])
				return yaml_fail(d, item,
				    "'%s' is listed twice", names[out[i]]);
	}
	*n_out = yaml_seq_len(seq);
	return CAMCA_OK;
}

/* The list as bits: values[index] or'ed, 1 << index where values is NULL. */
/* Empty lists are refused: "nothing" and "anything" are told apart badly. */
static int
profile_bits(struct yaml_doc *d, struct yaml_node *m, const char *key,
    const char *const *names, const unsigned *values, unsigned *out)
{
	int index[8];
	size_t i, n;
	int ret = profile_name_list(d, m, key, names, index, &n);

	*out = 0;
	for (i = 0; ret == CAMCA_OK && i < n; i++)
		*out |= values != NULL ? values[index[i]] : 1u << index[i];
	return ret;
}

static int
profile_eku(struct yaml_doc *d, struct yaml_node *m, struct profile *p)
{
	int index[8];
	size_t i, n;
	int ret = profile_name_list(d, m, "extended_key_usage",
	    profile_eku_names, index, &n);

	for (i = 0; ret == CAMCA_OK && i < n; i++)
		p->eku_nids[i] = profile_ekus[index[i]];
	return ret;
}

/* A list of templates, each "name<sep>value" with a name of names. */
static int
profile_items(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char sep, const char *const *names, char **out)
{
	struct yaml_node *seq, *item;
	const char *s, *body, *bad;
	bool ignored = false;
	size_t i, k, n;
	int ret = yaml_seq(d, m, key, false, PROFILE_ITEMS_MAX - 1, &seq);

	if (ret < 0)
		return ret;
	for (i = 0; i < yaml_seq_len(seq); i++) {
		item = yaml_seq_at(seq, i);
		s = yaml_text(item);
		if (s == NULL || strlen(s) > ITEM_MAX)
			return yaml_fail(d, item, "an item of '%s' must be a "
			    "text of at most %d bytes", key, ITEM_MAX);
		body = profile_template_body(s);
		n = strcspn(body, (char[]){ sep, '\0' });
		for (k = 0; names[k] != NULL; k++)
			if (strlen(names[k]) == n &&
			    memcmp(names[k], body, n) == 0)
				break;
		if (names[k] == NULL || body[n] == '\0' || body[n + 1] == '\0')
			return yaml_fail(d, item, "'%s' is no item of '%s'", s,
			    key);
		bad = profile_template_error(s, &ignored);
		if (bad != NULL)
			return yaml_fail(d, item, "'%s' has %s", s, bad);
		out[i] = strdup(s);
		if (out[i] == NULL)
			return CAMCA_ENOMEM;
	}
	return CAMCA_OK;
}

static int
profile_read_keys(struct yaml_doc *d, struct yaml_node *m, struct profile *p)
{
	int ret;

	ret = profile_bits(d, m, "keys", profile_key_names, NULL, &p->keys);
	if (ret < 0 || (p->keys & 1u << KEY_RSA) == 0)
		return ret;
	/* NIST SP 800-57 part 1 table 2: 112 bits of strength at least. */
	p->rsa_min_bits = 2048;
	p->rsa_max_bits = 4096;
	ret = yaml_int(d, m, "rsa_min_bits", false, 2048, 8192,
	    &p->rsa_min_bits);
	if (ret == CAMCA_OK)
		ret = yaml_int(d, m, "rsa_max_bits", false, 2048, 8192,
		    &p->rsa_max_bits);
	return ret;
}

static int
profile_read_content(struct yaml_doc *d, struct yaml_node *m,
    struct profile *p)
{
	static const char *const types[] = { "CN", "serialNumber", "O", "OU",
		"L", "ST", "C", NULL };
	static const char *const names[] = { "dns", "uri", "email", "ip",
		NULL };
	int ret;

	ret = profile_read_keys(d, m, p);
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "validity", true, HOUR, 10 * YEAR,
		    &p->validity_ms);
	if (ret == CAMCA_OK)
		ret = profile_bits(d, m, "key_usage", profile_ku_names,
		    profile_kus, &p->key_usage);
	if (ret == CAMCA_OK)
		ret = profile_eku(d, m, p);
	if (ret == CAMCA_OK)
		ret = profile_items(d, m, "subject", '=', types, p->subject);
	if (ret == CAMCA_OK)
		ret = profile_items(d, m, "subject_alt_names", ':', names,
		    p->san);
	p->cdp = p->aia = true;
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "crl_address", false, &p->cdp);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "authority_addresses", false, &p->aia);
	return ret;
}

/* How the answer looks on the wire, and what /csrattrs says. */
static int
profile_read_wire(struct yaml_doc *d, struct yaml_node *m, struct profile *p)
{
	int index = CSRATTRS_BOTH, ret;

	ret = yaml_enum(d, m, "csrattrs", false, profile_csrattrs_names,
	    &index);
	p->csrattrs = (enum profile_csrattrs)index;
	index = BASE64_AUTO;
	if (ret == CAMCA_OK)
		ret = yaml_enum(d, m, "base64", false, profile_base64_names,
		    &index);
	p->base64 = (enum profile_base64)index;
	p->cte_header = true;
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "cte_header", false, &p->cte_header);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "rfc7894", false, &p->rfc7894);
	return ret;
}

/* What a client hears while it waits: RFC 7030 4.2.3. */
static int
profile_read_approval(struct yaml_doc *d, struct yaml_node *m,
    struct profile *p)
{
	int64_t retry_ms = 60 * SECOND;
	int ret;

	p->approval_ttl_ms = 7 * DAY;
	ret = yaml_bool(d, m, "approval", false, &p->approval);
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "approval_ttl", false, HOUR,
		    90 * DAY, &p->approval_ttl_ms);
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "retry_after", false, SECOND, DAY,
		    &retry_ms);
	p->retry_after_s = retry_ms / SECOND;
	return ret;
}

/* RFC 7030 4.2.1: what a device must show the first time. */
static int
profile_read_enrollment(struct yaml_doc *d, struct yaml_node *top,
    struct profile *p)
{
	struct yaml_node *m;
	int index = POP_OPTIONAL, ret;

	ret = yaml_map(d, top, "enrollment", true, &m);
	if (ret == CAMCA_OK)
		ret = profile_bits(d, m, "auth", profile_auth_names,
		    profile_auths, &p->auth);
	if (ret == CAMCA_OK)
		ret = yaml_enum(d, m, "pop", true, profile_pop_names, &index);
	p->pop = (enum profile_pop)index;
	p->pop_require_ems = true;
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "pop_require_ems", false,
		    &p->pop_require_ems);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "challenge_may_be_other", false,
		    &p->challenge_may_be_other);
	if (ret == CAMCA_OK)
		ret = profile_read_approval(d, m, p);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "subject_must_match", false,
		    &p->csr_subject_must_match);
	p->same_window_ms = HOUR;
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "same_window", false, 0, 30 * DAY,
		    &p->same_window_ms);
	if (ret == CAMCA_OK)
		ret = profile_read_wire(d, m, p);
	return ret == CAMCA_OK ? yaml_end(d, m) : ret;
}

/* RFC 7030 4.2.2: and each time after. */
static int
profile_read_renewal(struct yaml_doc *d, struct yaml_node *top,
    struct profile *p)
{
	struct yaml_node *m;
	int index = EARLY_REFUSE, ret;

	ret = yaml_map(d, top, "renewal", true, &m);
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "window", true, HOUR, 10 * YEAR,
		    &p->renew_window_ms);
	if (ret == CAMCA_OK)
		ret = yaml_enum(d, m, "early", false, profile_early_names,
		    &index);
	p->early = (enum profile_early)index;
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "expired_grace", false, 0, YEAR,
		    &p->expired_grace_ms);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "rekey_required", false,
		    &p->rekey_required);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "change_subject", false,
		    &p->change_subject);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "by_secret", false, &p->renew_by_secret);
	if (ret == CAMCA_OK)
		ret = yaml_duration(d, m, "supersede_after", false, 0, YEAR,
		    &p->supersede_after_ms);
	return ret == CAMCA_OK ? yaml_end(d, m) : ret;
}

int
profile_read(struct yaml_doc *d, struct profile *p)
{
	struct yaml_node *m = yaml_top(d);
	int index = 0, ret;

	if (m == NULL)
		return CAMCA_EINVAL;
	ret = yaml_int(d, m, "version", true, 1, INT32_MAX, &p->version);
	if (ret == CAMCA_OK)
		ret = profile_text(d, m, "label", false, p->label,
		    sizeof p->label);
	if (ret == CAMCA_OK)
		ret = yaml_bool(d, m, "default", false, &p->is_default);
	if (ret == CAMCA_OK)
		ret = profile_text(d, m, "issuer", true, p->issuer,
		    sizeof p->issuer);
	if (ret == CAMCA_OK)
		ret = yaml_enum(d, m, "kind", true, profile_kind_names,
		    &index);
	p->kind = profile_kinds[index];
	if (ret == CAMCA_OK)
		ret = profile_read_content(d, m, p);
	/* The authority's own certificates are not had through EST: there
	 * these sections would be unknown keys. */
	if (ret == CAMCA_OK && p->kind >= 0)
		ret = profile_read_enrollment(d, m, p);
	if (ret == CAMCA_OK && p->kind >= 0)
		ret = profile_read_renewal(d, m, p);
	return ret == CAMCA_OK ? yaml_end(d, m) : ret;
}

void
profile_clear(struct profile *p)
{
	size_t i;

	for (i = 0; i < PROFILE_ITEMS_MAX; i++) {
		free(p->subject[i]);
		free(p->san[i]);
	}
	memset(p, 0, sizeof *p);
}
