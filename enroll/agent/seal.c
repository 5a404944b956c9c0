/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/seal.h"

#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/json_memory.h"
#include "ca/base/ossl.h"
#include "enroll/agent/job.h"

AUTO_DEFINE(CMS_ContentInfo, CMS_ContentInfo_free)

static int
seal_bad(struct refusal *why, int err, const char *what)
{
	if (ossl_failed(err) == CAMCA_ENOMEM)
		return refuse_default(why, CAMCA_ENOMEM);
	return refuse(why, err, 502, "agent.sealed", "The sealed part of the "
	    "job %s.", what);
}

/* Only what has a tag over its content: a mere EnvelopedData could be changed
 * by who stands between. */
static int
seal_parse(CMS_ContentInfo **out, const char *b64, struct refusal *why)
{
	const unsigned char *p;
	struct buf der;
	int ret;

	buf_init(&der, AGENT_SEALED_MAX);
	ret = dec_base64(&der, b64, strlen(b64), 0);
	if (ret == CAMCA_OK) {
		p = der.data;
		*out = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
		if (*out == NULL || p != der.data + der.len ||
		    OBJ_obj2nid(CMS_get0_type(*out)) !=
		    NID_id_smime_ct_authEnvelopedData)
			ret = CAMCA_EPROTO;
	}
	buf_fini(&der);
	return ret == CAMCA_OK || ret == CAMCA_ENOMEM ? ret :
	    seal_bad(why, CAMCA_EPROTO, "is no CMS AuthEnvelopedData");
}

static int
seal_json(json_t **out, BIO *plain, struct refusal *why)
{
	char *text = NULL;
	long n = BIO_get_mem_data(plain, &text);
	int ret = CAMCA_EPROTO;

	*out = NULL;
	if (n > 0) {
		ret = json_memory_parse(text, (size_t)n, out);
		OPENSSL_cleanse(text, (size_t)n);
	}
	if (ret == CAMCA_ENOMEM || json_is_object(*out))
		return ret;
	json_decref(*out);
	*out = NULL;
	return seal_bad(why, CAMCA_EPROTO, "holds no JSON object");
}

int
seal_open(json_t **out, const char *b64, const struct ident *id,
    struct refusal *why)
{
	AUTO(BIO) *plain = BIO_new(BIO_s_secmem());
	AUTO(CMS_ContentInfo) *cms = NULL;
	int ret;

	ERR_clear_error();
	if (plain == NULL)
		return CAMCA_ENOMEM;
	if ((ret = seal_parse(&cms, b64, why)) < 0)
		return ret;
	if (CMS_decrypt(cms, id->key, id->cert, NULL, plain, 0) != 1)
		return seal_bad(why, CAMCA_ECRYPTO, "does not open with our "
		    "key");
	return seal_json(out, plain, why);
}
