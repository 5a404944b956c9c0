/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs, made on the camera and never outside of it. */
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/trouble.h"

/* Between two looks at a key in the making: short at first, as an EC key is
 * ready at once; RSA can take minutes. */
#define KEY_WAIT_FIRST_MS 250
#define KEY_WAIT_MAX_MS 5000
#define KEY_LOST_MAX 3

static bool
key_state_read(const char *word, enum cam_key_state *out)
{
	if (strcmp(word, "ok") == 0)
		*out = CAM_KEY_OK;
	else if (strcmp(word, "generating") == 0)
		*out = CAM_KEY_GENERATING;
	else if (strcmp(word, "corrupt") == 0)
		*out = CAM_KEY_BROKEN;
	else
		return false;
	return true;
}

static void
key_state_of(struct xml_in *in, const xmlNode *parent,
    enum cam_key_state *out)
{
	char word[32];

	xml_string(in, parent, NS_TAS, "KeyStatus", word, sizeof word,
	    XML_NEED);
	if (in->err == 0 && !key_state_read(word, out))
		xml_bad(in, "is none of ok, generating, corrupt", "KeyStatus");
}

static void
key_row(struct xml_in *in, const xmlNode *n, struct cam_key *k)
{
	xml_id(in, n, NS_TAS, "KeyID", k->id, XML_NEED);
	xml_string(in, n, NS_TAS, "Alias", k->alias, sizeof k->alias,
	    XML_CUT);
	k->has_private = true;
	xml_bool(in, n, NS_TAS, "hasPrivateKey", &k->has_private, 0);
	xml_bool(in, n, NS_TAS, "externallyGenerated", &k->external, 0);
	key_state_of(in, n, &k->state);
}

int
onvif_keys(struct camera *c, struct cam_keys *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	struct soap_answer a;
	size_t i;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL("GetAllKeys", 0), NULL,
	    &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	out->v = xml_rows(&in, a.body, NS_TAS, "KeyAttribute", sizeof *out->v,
	    &out->n);
	for (i = 0; i < out->n; i++) {
		n = xml_each(a.body, n, NS_TAS, "KeyAttribute");
		key_row(&in, n, &out->v[i]);
	}
	soap_answer_fini(&a);
	if (out->n > 0)
		xml_distinct(&in, out->v[0].id, out->n, sizeof *out->v,
		    "KeyID");
	if (in.err < 0)
		cam_keys_fini(out);
	return in.err;
}

static int
key_create_read(const xmlNode *response, char id_out[static CAM_ID_MAX],
    int64_t *estimate_ms_out, struct cam_why *why)
{
	struct xml_in in = { 0, why }, soft = { 0, NULL };

	xml_id(&in, response, NS_TAS, "KeyID", id_out, XML_NEED);
	*estimate_ms_out = 0;
	/* A guess of the camera's: worth nothing where it cannot be read. */
	xml_duration(&soft, response, NS_TAS, "EstimatedCreationTime",
	    estimate_ms_out, 0);
	return in.err < 0 ? CAMCA_EUNKNOWN : CAMCA_OK;
}

int
onvif_key_create(struct camera *c, enum cam_key_type type, unsigned bits,
    const char *alias, char id_out[static CAM_ID_MAX],
    int64_t *estimate_ms_out, struct cam_why *why)
{
	const struct onvif_call call = { ONVIF_SECURITY, type == CAM_RSA ?
	    "CreateRSAKeyPair" : "CreateECCKeyPair", CALL_CHANGES };
	struct soap_answer a;
	struct xml_out w;
	int ret;

	id_out[0] = '\0';
	xml_out_init(&w);
	if (type == CAM_RSA) {
		xml_open(&w, "tas:CreateRSAKeyPair");
		xml_put_int(&w, "tas:KeyLength", (long)bits);
	} else {
		xml_open(&w, "tas:CreateECCKeyPair");
		xml_put(&w, "tas:EllipticCurve", type == CAM_P256 ?
		    "secp256r1" : "secp384r1");
	}
	xml_put_some(&w, "tas:Alias", alias);
	xml_close(&w);
	ret = onvif_call(c, &call, &w, &a, why);
	xml_out_fini(&w);
	if (ret < 0)
		return ret;
	ret = key_create_read(a.body, id_out, estimate_ms_out, why);
	soap_answer_fini(&a);
	return ret;
}

int
onvif_key_state(struct camera *c, const char *id, enum cam_key_state *out,
    struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	int ret = onvif_call1(c, ONVIF_SECURITY_CALL("GetKeyStatus", 0),
	    "tas:KeyID", id, &a, why);

	*out = CAM_KEY_BROKEN;
	if (ret < 0)
		return ret;
	key_state_of(&in, a.body, out);
	soap_answer_fini(&a);
	return in.err;
}

/* Weak cameras do not answer while they make a key: a few lost answers in a
 * row are no verdict. */
int
onvif_key_wait(struct camera *c, const char *id, int64_t timeout_ms,
    struct cam_why *why)
{
	int64_t end = ctx_now_ms(c->env.ctx) + timeout_ms;
	int64_t pause = KEY_WAIT_FIRST_MS;
	enum cam_key_state state;
	int lost = 0, ret;

	for (;;) {
		ret = onvif_key_state(c, id, &state, why);
		if (ret < 0 && ((ret != CAMCA_EIO && ret != CAMCA_ETIME) ||
		    ++lost > KEY_LOST_MAX))
			return ret;
		if (ret == CAMCA_OK && state == CAM_KEY_OK)
			return CAMCA_OK;
		if (ret == CAMCA_OK && state == CAM_KEY_BROKEN)
			return cam_fail(why, CAMCA_EPERM, CAM_KEY_CORRUPT,
			    "The camera could not make the key: it says that "
			    "it is corrupt.");
		lost = ret == CAMCA_OK ? 0 : lost;
		if (ctx_now_ms(c->env.ctx) >= end)
			return cam_fail(why, CAMCA_ETIME, CAM_KEY_STUCK,
			    "The camera is still making the key.");
		if (c->env.wait(c->env.arg, pause) != 0)
			return cam_fail(why, CAMCA_EBUSY, CAM_STOPPED,
			    "Stopped while the camera makes a key.");
		pause = pause * 2 > KEY_WAIT_MAX_MS ? KEY_WAIT_MAX_MS :
		    pause * 2;
	}
}

/* With AutoDeleteKey, or after a lost answer, the key may be gone: that is
 * what was asked for. */
int
onvif_key_delete(struct camera *c, const char *id, struct cam_why *why)
{
	struct cam_why local;
	int ret;

	why = why != NULL ? why : &local;
	ret = onvif_call1(c, ONVIF_SECURITY_CALL("DeleteKey", CALL_CHANGES),
	    "tas:KeyID", id, NULL, why);
	if (ret == CAMCA_EPERM && why->code == CAM_NO_SUCH) {
		cam_why_clear(why);
		return CAMCA_OK;
	}
	return ret;
}
