/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "ca/issue/profile.h"
#include "ca/issue/profile_int.h"
#include "ca/store/store.h"

#define EC_KEYS (1u << KEY_P256 | 1u << KEY_P384 | 1u << KEY_P521)
#define RSA_KEY (1u << KEY_RSA)

/* The node of a key, for the line of a message. */
static struct yaml_node *
profile_at(struct yaml_doc *d, const char *key)
{
	return yaml_get(d, yaml_top(d), key);
}

bool
profile_name_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n <= 64 && name[n] == '\0' &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* RFC 7030 3.2.2: a label must not be the name of an operation; whatever the
 * case, or a proxy that folds it would send a device to the wrong place. */
static int
profile_check_label(struct yaml_doc *d, const struct profile *p)
{
	static const char *const operations[] = { "cacerts", "simpleenroll",
		"simplereenroll", "fullcmc", "serverkeygen", "csrattrs" };
	struct yaml_node *at = profile_at(d, "label");
	size_t i;

	if (p->kind < 0 && (p->label[0] != '\0' || p->is_default))
		return yaml_fail(d, at, "a profile of kind authority has no "
		    "label and is not the default");
	if (p->kind >= 0 && p->label[0] == '\0' && !p->is_default)
		return yaml_fail(d, at, "neither a label nor the default: "
		    "nobody could ask for this profile");
	if (p->label[0] == '\0')
		return CAMCA_OK;
	if (!profile_name_ok(p->label))
		return yaml_fail(d, at, "'label' must be 1 to 64 letters, "
		    "digits, '.', '_' or '-'");
	for (i = 0; i < sizeof operations / sizeof operations[0]; i++)
		if (strcasecmp(operations[i], p->label) == 0)
			return yaml_fail(d, at, "the label '%s' is the name "
			    "of an EST operation (RFC 7030 3.2.2)", p->label);
	return CAMCA_OK;
}

/* RFC 5280 4.2.1.3: usages that the key cannot do make some clients refuse the
 * certificate. */
static int
profile_check_keys(struct yaml_doc *d, const struct profile *p)
{
	const unsigned transport = KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT;

	if ((p->keys & RSA_KEY) != 0 && p->rsa_min_bits > p->rsa_max_bits)
		return yaml_fail(d, profile_at(d, "rsa_max_bits"),
		    "'rsa_max_bits' is less than 'rsa_min_bits'");
	if ((p->key_usage & transport) != 0 && (p->keys & ~RSA_KEY) != 0)
		return yaml_fail(d, profile_at(d, "key_usage"),
		    "encipherment is for RSA keys only (RFC 8813 3, RFC 8410 "
		    "5)");
	if ((p->key_usage & KU_KEY_AGREEMENT) != 0 &&
	    (p->keys & ~EC_KEYS) != 0)
		return yaml_fail(d, profile_at(d, "key_usage"),
		    "key_agreement is for EC keys only (RFC 3279 2.3.1, RFC "
		    "8410 5)");
	return CAMCA_OK;
}

static bool
profile_has_eku(const struct profile *p, int nid)
{
	size_t i;

	for (i = 0; p->eku_nids[i] != 0; i++)
		if (p->eku_nids[i] == nid)
			return true;
	return false;
}

/* A camera with id-kp-cmcRA could enroll others (RFC 7030 3.7); one with
 * OCSPSigning could call revoked certificates good. */
static int
profile_check_powers(struct yaml_doc *d, const struct profile *p)
{
	if (p->kind == DEVICE_CAMERA && profile_has_eku(p, NID_cmcRA))
		return yaml_fail(d, profile_at(d, "extended_key_usage"),
		    "cmc_ra is not for cameras (RFC 7030 3.7)");
	if (p->kind == DEVICE_RA && !profile_has_eku(p, NID_cmcRA))
		return yaml_fail(d, profile_at(d, "extended_key_usage"),
		    "a profile of kind ra needs cmc_ra (RFC 7030 3.7)");
	if (p->kind >= 0 && profile_has_eku(p, NID_OCSP_sign))
		return yaml_fail(d, profile_at(d, "extended_key_usage"),
		    "ocsp_signing is for kind authority only");
	if (profile_has_eku(p, NID_OCSP_sign) && p->eku_nids[1] != 0)
		return yaml_fail(d, profile_at(d, "extended_key_usage"),
		    "ocsp_signing stands alone (RFC 6960 4.2.2.2)");
	return CAMCA_OK;
}

/* Without a value of its own each device would get the same names. */
static int
profile_check_names(struct yaml_doc *d, const struct profile *p)
{
	bool named = false;
	size_t i;

	for (i = 0; i < PROFILE_ITEMS_MAX; i++) {
		if (p->subject[i] != NULL && p->subject[i][0] != '?')
			(void)profile_template_error(p->subject[i], &named);
		if (p->san[i] != NULL && p->san[i][0] != '?')
			(void)profile_template_error(p->san[i], &named);
	}
	if (!named)
		return yaml_fail(d, profile_at(d, "subject"), "no item of "
		    "'subject' or 'subject_alt_names' that is always there "
		    "names the device, for example CN={device.id}");
	return CAMCA_OK;
}

/* Times that exclude each other would only show up months later. */
static int
profile_check_est(struct yaml_doc *d, const struct profile *p)
{
	struct yaml_node *enrollment = profile_at(d, "enrollment");
	struct yaml_node *renewal = profile_at(d, "renewal");

	if (p->pop == POP_REQUIRE &&
	    p->challenge_may_be_other)
		return yaml_fail(d, enrollment, "'pop: require' and "
		    "'challenge_may_be_other' exclude each other");
	if (p->renew_window_ms > p->validity_ms)
		return yaml_fail(d, renewal, "'window' is longer than "
		    "'validity'");
	if (p->supersede_after_ms >= p->validity_ms)
		return yaml_fail(d, renewal, "'supersede_after' is not shorter "
		    "than 'validity'");
	if (p->same_window_ms >= p->validity_ms)
		return yaml_fail(d, enrollment, "'same_window' is not shorter "
		    "than 'validity'");
	if (p->renew_by_secret && (p->auth & AUTH_SECRET) == 0)
		return yaml_fail(d, renewal, "'by_secret' needs 'secret' in "
		    "'auth'");
	return CAMCA_OK;
}

int
profile_check(struct yaml_doc *d, const struct profile *p)
{
	int ret = CAMCA_OK;

	if (!profile_name_ok(p->issuer))
		ret = yaml_fail(d, profile_at(d, "issuer"), "'issuer' must be "
		    "1 to 64 letters, digits, '.', '_' or '-'");
	if (ret == CAMCA_OK)
		ret = profile_check_label(d, p);
	if (ret == CAMCA_OK)
		ret = profile_check_keys(d, p);
	if (ret == CAMCA_OK)
		ret = profile_check_powers(d, p);
	if (ret == CAMCA_OK)
		ret = profile_check_names(d, p);
	if (ret == CAMCA_OK && p->kind >= 0)
		ret = profile_check_est(d, p);
	return ret;
}
