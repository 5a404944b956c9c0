/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/ca_cmd.h"

#include <openssl/evp.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

static const struct cmd_opt add_opts[] = {
	{ "NAME", CMD_TEXT, CMD_MUST | CMD_POS, "name", NULL,
	    "short name, as profiles will name it: ec-north" },
	{ "key", CMD_TEXT, 0, "key", "TYPE", "key type (default: ec-p256)" },
	{ "common-name", CMD_TEXT, 0, "common_name", "TEXT",
	    "CN of its subject" },
	{ .name = NULL },
};

static const struct cmd_opt rollover_opts[] = {
	{ "NAME", CMD_TEXT, CMD_MUST | CMD_POS, "name", NULL,
	    "an issuing CA, see ca list" },
	{ "key", CMD_TEXT, 0, "key", "TYPE",
	    "key type of the new generation (default: as now)" },
	{ .name = NULL },
};

static const struct cmd_opt certificate_opts[] = {
	{ "NAME", CMD_TEXT, CMD_MUST | CMD_POS, NULL, NULL,
	    "root, or an issuing CA" },
	{ "generation", CMD_INT, 0, NULL, NULL,
	    "an older or newer one (default: the active)" },
	{ "fingerprint", CMD_FLAG, 0, NULL, NULL,
	    "only sha256:HEX, as camca-renew --trust-fingerprint takes it" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "name", "CA", NULL }, { "generation", "GENERATION", NULL },
	{ "state", "STATE", NULL }, { "key", "KEY", NULL },
	{ "subject", "SUBJECT", NULL }, { "not_after", "NOT AFTER", NULL },
	{ "last_expiry", "LAST ISSUED ENDS", NULL },
	{ "ski", "KEY IDENTIFIER", NULL }, { NULL, NULL, NULL },
};

/* Key identifier of the wished generation in ca.list's items, or NULL. */
static const char *
ca_cmd_find(const json_t *items, const char *name, int64_t generation)
{
	const char *n, *state;
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		n = json_string_value(json_object_get(item, "name"));
		state = json_string_value(json_object_get(item, "state"));
		if (n == NULL || strcmp(n, name) != 0)
			continue;
		if (generation > 0 ? json_integer_value(json_object_get(item,
		    "generation")) == generation :
		    state != NULL && strcmp(state, "active") == 0)
			return json_string_value(json_object_get(item, "ski"));
	}
	return NULL;
}

int
ca_cmd_certificate(struct cmd_env *env, const char *name, int64_t generation,
    struct buf *out)
{
	json_t *list, *result = NULL;
	const char *ski, *der;
	int ret = cmd_call(env, "ca.list", NULL, &list);

	if (ret != CMD_DONE)
		return ret;
	ski = ca_cmd_find(json_object_get(list, "items"), name, generation);
	if (ski == NULL)
		ret = cmd_failed(env, "ca.unknown",
		    "There is no such CA or generation: %s.", name);
	else
		ret = cmd_call(env, "ca.certificate",
		    json_pack("{s:s}", "ski", ski), &result);
	json_decref(list);
	if (ret != CMD_DONE)
		return ret;
	der = json_string_value(json_object_get(result, "der"));
	if (der == NULL || dec_base64(out, der, strlen(der), 0) < 0)
		ret = cmd_failed(env, "system.answer",
		    "The authority's answer holds no certificate.");
	json_decref(result);
	return ret;
}

static int
ca_cmd_pem(struct buf *out, const struct buf *der)
{
	int ret = buf_puts(out, "-----BEGIN CERTIFICATE-----\n");

	if (ret == CAMCA_OK)
		ret = enc_base64(out, der->data, der->len, 64);
	return ret < 0 ? ret : buf_puts(out, "-----END CERTIFICATE-----\n");
}

static int
ca_cmd_print(struct cmd_env *env, const struct buf *der, bool fingerprint)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char hex[65];
	struct buf pem;
	json_t *answer;

	buf_init(&pem, 0);
	if (EVP_Digest(der->data, der->len, hash, NULL, EVP_sha256(),
	    NULL) != 1 || ca_cmd_pem(&pem, der) < 0) {
		buf_fini(&pem);
		return cmd_failed(env, "system.memory", "Out of memory.");
	}
	enc_hex(hex, hash, 32);
	if (env->json) {
		answer = json_pack("{s:s, s:s}", "pem", buf_str(&pem),
		    "sha256", hex);
		out_json(env->out, answer);
		json_decref(answer);
	} else if (fingerprint) {
		fprintf(env->out, "sha256:%s\n", hex);
	} else {
		fputs(buf_str(&pem), env->out);
	}
	buf_fini(&pem);
	return CMD_DONE;
}

static int
ca_cmd_certificate_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct buf der;
	int ret;

	(void)cmd;
	buf_init(&der, 65536);
	ret = ca_cmd_certificate(env, values_text(v, "NAME"),
	    values_int(v, "generation", 0), &der);
	if (ret == CMD_DONE)
		ret = ca_cmd_print(env, &der, values_flag(v, "fingerprint"));
	buf_fini(&der);
	return ret;
}

const struct cmd cmd_ca[] = {
	{ .noun = "ca", .verb = "list",
	    .help = "Lists the root and the issuing CAs", .op = "ca.list",
	    .columns = list_columns,
	    .run = cmd_list_whole },
	{ .noun = "ca", .verb = "certificate",
	    .help = "Prints a CA certificate as PEM",
	    .opts = certificate_opts, .op = "ca.certificate",
	    .run = ca_cmd_certificate_run },
	{ .noun = "ca", .verb = "add",
	    .help = "Makes a further issuing CA under the root",
	    .opts = add_opts, .op = "ca.add",
	    .more = "A profile with issuer: NAME and a label of its own has its "
	    "certificates\nissued by it. So each site group has a CRL of its "
	    "own that stays small." },
	{ .noun = "ca", .verb = "rollover",
	    .help = "Starts the next generation of an issuing CA",
	    .opts = rollover_opts, .op = "ca.rollover",
	    .more = "The new key signs from then on; certificates of the old "
	    "one stay\ngood. Cameras learn the new chain from /cacerts." },
	{ .noun = NULL },
};
