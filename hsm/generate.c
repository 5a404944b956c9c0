/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rand.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/log.h"
#include "hsm/internal.h"

#define KEY_ID_LEN 16
#define ATTR(t, v) { (t), (v), sizeof *(v) }
#define COUNT(a) (sizeof (a) / sizeof (a)[0])

/* RFC 5480 section 2.1.1.1, DER. */
static const uint8_t oid_p256[] =
    { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] =
    { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* PKCS#11 3.0 section 2.3.10 has two names for it: a PrintableString, which
 * SoftHSM uses, and the OID of RFC 8410 section 3. */
static const uint8_t name_ed25519[] = { 0x13, 0x0c,
	'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9' };
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

static const struct curve {
	enum hsm_key_type type;
	const uint8_t *params;
	size_t len;
} curves[] = {
	{ HSM_EC_P256, oid_p256, sizeof oid_p256 },
	{ HSM_EC_P384, oid_p384, sizeof oid_p384 },
	{ HSM_ED25519, name_ed25519, sizeof name_ed25519 },
	{ HSM_ED25519, oid_ed25519, sizeof oid_ed25519 },
};

const uint8_t *
key_curve_params(enum hsm_key_type type, int form, size_t *len_out)
{
	size_t i;

	for (i = 0; i < COUNT(curves); i++)
		if (curves[i].type == type && form-- == 0) {
			*len_out = curves[i].len;
			return curves[i].params;
		}
	*len_out = 0;
	return NULL;
}

bool
key_curve_type(const uint8_t *params, size_t len, enum hsm_key_type *out)
{
	size_t i;

	for (i = 0; i < COUNT(curves); i++)
		if (curves[i].len == len &&
		    memcmp(curves[i].params, params, len) == 0) {
			*out = curves[i].type;
			return true;
		}
	return false;
}

/* What to make, and the names of the token it was made in. */
struct generate {
	struct hsm_token *t;
	enum hsm_key_type type;
	const char *label;
	uint8_t id[KEY_ID_LEN];
	bool derive;                 /* to derive only, else to sign only */
	int form;                    /* of the curve's name */
	char token[33];
};

static CK_ULONG
generate_rsa_bits(enum hsm_key_type type)
{
	return type == HSM_RSA_2048 ? 2048 : type == HSM_RSA_3072 ? 3072 : 4096;
}

static CK_MECHANISM_TYPE
generate_mechanism(enum hsm_key_type type)
{
	return type == HSM_ED25519 ? CKM_EC_EDWARDS_KEY_PAIR_GEN :
	    type <= HSM_EC_P384 ? CKM_EC_KEY_PAIR_GEN :
	    CKM_RSA_PKCS_KEY_PAIR_GEN;
}

/* Fills the part of the public template that says which key. The values live
 * in bits and exponent of the caller; n attributes are there already. */
static CK_ULONG
generate_add_kind(const struct generate *g, CK_ATTRIBUTE *pub, CK_ULONG n,
    CK_ULONG *bits, uint8_t exponent[static 3])
{
	const uint8_t *params;
	size_t len;

	params = key_curve_params(g->type, g->form, &len);
	if (params != NULL) {
		pub[n++] = (CK_ATTRIBUTE){ CKA_EC_PARAMS,
		    (void *)(uintptr_t)params, len };
		return n;
	}
	*bits = generate_rsa_bits(g->type);
	memcpy(exponent, "\x01\x00\x01", 3);
	pub[n++] = (CK_ATTRIBUTE)ATTR(CKA_MODULUS_BITS, bits);
	pub[n++] = (CK_ATTRIBUTE){ CKA_PUBLIC_EXPONENT, exponent, 3 };
	return n;
}

/* One use a key: a CA key that also decrypts, unwraps or derives could be
 * turned into an oracle for something else. */
static CK_RV
generate_pair(struct hsm *h, CK_SESSION_HANDLE s, struct generate *g,
    CK_OBJECT_HANDLE *pub_out, CK_OBJECT_HANDLE *prv_out)
{
	CK_MECHANISM mech = { generate_mechanism(g->type), NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_BBOOL sign = g->derive ? no : yes, derive = g->derive ? yes : no;
	CK_ATTRIBUTE id = { CKA_ID, g->id, sizeof g->id };
	CK_ATTRIBUTE label = { CKA_LABEL, (void *)(uintptr_t)g->label,
	    strlen(g->label) };
	CK_ATTRIBUTE pub[6] = { id, label, ATTR(CKA_TOKEN, &yes),
	    ATTR(CKA_PRIVATE, &no) };
	CK_ATTRIBUTE prv[] = { id, label, ATTR(CKA_TOKEN, &yes),
	    ATTR(CKA_PRIVATE, &yes), ATTR(CKA_SENSITIVE, &yes),
	    ATTR(CKA_EXTRACTABLE, &no), ATTR(CKA_SIGN, &sign),
	    ATTR(CKA_DECRYPT, &no), ATTR(CKA_UNWRAP, &no),
	    ATTR(CKA_DERIVE, &derive), ATTR(CKA_SIGN_RECOVER, &no) };
	uint8_t exponent[3];
	CK_ULONG bits, n;
	CK_RV rv;

	n = generate_add_kind(g, pub, 4, &bits, exponent);
	HSM_LEAKS_BEGIN();
	rv = h->p11->C_GenerateKeyPair(s, &mech, pub, n, prv, COUNT(prv),
	    pub_out, prv_out);
	HSM_LEAKS_END();
	return rv;
}

/* A token built without Edwards curves says so in its list of mechanisms; what
 * it answers to the attempt is anything. One that does not tell is tried. */
static CK_RV
generate_check_ed25519(struct hsm *h, CK_SLOT_ID slot)
{
	static const CK_MECHANISM_TYPE needs[] =
	    { CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA };
	CK_MECHANISM_INFO info;
	CK_RV rv;
	size_t i;

	for (i = 0; i < COUNT(needs); i++) {
		rv = h->p11->C_GetMechanismInfo(slot, needs[i], &info);
		if (rv == CKR_MECHANISM_INVALID)
			return HSM_RV_NO_ED25519;
		if (ckr_is_lost(rv))
			return rv;
	}
	return CKR_OK;
}

/* By the name that this token knows its curve by. */
static CK_RV
generate_ed25519(struct hsm *h, CK_SESSION_HANDLE s, struct generate *g,
    CK_OBJECT_HANDLE *pub_out, CK_OBJECT_HANDLE *prv_out)
{
	CK_RV rv = generate_check_ed25519(h, g->t->slot);

	if (rv != CKR_OK)
		return rv;
	g->form = 0;
	rv = generate_pair(h, s, g, pub_out, prv_out);
	if (rv == CKR_OK || ckr_is_lost(rv) || rv == CKR_MECHANISM_INVALID)
		return rv;
	g->form = 1;
	return generate_pair(h, s, g, pub_out, prv_out);
}

/* An earlier attempt may have made the pair and lost the answer. */
static CK_RV
generate_purge(struct hsm *h, CK_SESSION_HANDLE s, const struct generate *g)
{
	static const CK_OBJECT_CLASS classes[] =
	    { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
	struct hsm_uri uri = { .id_len = KEY_ID_LEN };
	CK_OBJECT_HANDLE o;
	CK_RV rv;
	size_t i;

	memcpy(uri.id, g->id, KEY_ID_LEN);
	for (i = 0; i < COUNT(classes); i++) {
		rv = key_find(h, s, classes[i], &uri, &o);
		if (rv == CKR_OK)
			rv = h->p11->C_DestroyObject(s, o);
		if (rv != CKR_OK && rv != HSM_RV_NO_KEY)
			return rv;
	}
	return CKR_OK;
}

static CK_RV
generate_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct generate *g = arg;
	CK_OBJECT_HANDLE pub, prv;
	CK_RV rv, rv2;

	rv = g->derive ? derive_check_token(h, g->t->slot) : CKR_OK;
	if (rv == CKR_OK)
		rv = generate_purge(h, s, g);
	if (rv == CKR_OK)
		rv = g->type == HSM_ED25519 ?
		    generate_ed25519(h, s, g, &pub, &prv) :
		    generate_pair(h, s, g, &pub, &prv);
	if (rv != CKR_OK)
		return rv;
	/* What was asked for is not always what a module makes. */
	rv = key_check_custody(h, s, prv);
	if (rv == CKR_OK && g->derive)
		rv = derive_check_key(h, s, prv);
	if (rv != CKR_OK) {
		rv2 = h->p11->C_DestroyObject(s, prv);
		if (rv2 == CKR_OK)
			rv2 = h->p11->C_DestroyObject(s, pub);
		if (rv2 != CKR_OK)
			log_msg(LOG_WARN, "hsm", "key pair %s is left in the "
			    "token: %s", g->label, ckr_name(rv2));
		return rv;
	}
	memcpy(g->token, g->t->names.label, sizeof g->token);
	return CKR_OK;
}

static int
generate_uri(const struct generate *g, char **out)
{
	struct buf b;
	int ret;

	buf_init(&b, 0);
	ret = buf_puts(&b, "pkcs11:");
	if (ret == CAMCA_OK)
		ret = hsm_uri_put(&b, "token", g->token, strlen(g->token),
		    false);
	if (ret == CAMCA_OK)
		ret = hsm_uri_put(&b, "object", g->label, strlen(g->label),
		    false);
	if (ret == CAMCA_OK)
		ret = hsm_uri_put(&b, "id", g->id, KEY_ID_LEN, true);
	if (ret == CAMCA_OK)
		ret = buf_puts(&b, ";type=private");
	if (ret == CAMCA_OK)
		*out = (char *)b.data;
	else
		buf_fini(&b);
	return ret;
}

static int
generate_check_args(enum hsm_key_type type, const char *label,
    struct refusal *why)
{
	char copy[HSM_URI_OBJECT_MAX + 1];
	size_t n = strnlen(label, sizeof copy);

	if ((int)type < 0 || type >= HSM_KEY_TYPES)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.key-type",
		    "Unknown key type.");
	if (n == 0 || n == sizeof copy)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.label",
		    "A key label has 1 to %d bytes.", HSM_URI_OBJECT_MAX);
	memcpy(copy, label, n + 1);
	refusal_sanitize(copy);
	if (strcmp(copy, label) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.label",
		    "A key label is UTF-8 without control characters.");
	return CAMCA_OK;
}

static int
generate_in(struct hsm_token *t, enum hsm_key_type type, bool derive,
    const char *label, char **uri_out, struct refusal *why)
{
	struct generate g = { .t = t, .type = type, .derive = derive,
	    .label = label };
	int ret;

	ret = generate_check_args(type, label, why);
	if (ret < 0)
		return ret;
	if (RAND_bytes(g.id, sizeof g.id) != 1)
		return refuse_default(why, CAMCA_ECRYPTO);
	ret = session_run(t, true, "generate the key", generate_call, &g, why);
	if (ret < 0)
		return ret;
	return refuse_default(why, generate_uri(&g, uri_out));
}

int
hsm_generate(struct hsm *h, enum hsm_key_type type, const char *label,
    char **uri_out, struct refusal *why)
{
	if (type == HSM_ED25519)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.key-type",
		    "Ed25519 keys are made in the log token only: beside one, "
		    "many programs do not find a token's other keys.");
	return generate_in(&h->tokens[HSM_MAIN], type, false, label, uri_out,
	    why);
}

int
hsm_generate_derive(struct hsm *h, const char *label, char **uri_out,
    struct refusal *why)
{
	return generate_in(&h->tokens[HSM_MAIN], HSM_EC_P256, true, label,
	    uri_out, why);
}

int
hsm_generate_log(struct hsm *h, enum hsm_key_type type, const char *label,
    char **uri_out, struct refusal *why)
{
	if (!hsm_has_log(h))
		return refuse(why, CAMCA_ENOENT, 503, "hsm.log-token",
		    "No log token is configured.");
	return generate_in(&h->tokens[HSM_LOG], type, false, label, uri_out,
	    why);
}
