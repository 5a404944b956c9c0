/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/device.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#define DEVICE_ID { "ID", CMD_TEXT, CMD_MUST | CMD_POS, "id", NULL, \
	"id of the device" }

static const struct cmd_opt add_opts[] = {
	{ "manufacturer", CMD_TEXT, CMD_MUST, "manufacturer", NULL,
	    "maker, written as in the vendor list" },
	{ "model", CMD_TEXT, CMD_MUST, "model", NULL, "model name" },
	{ "serial", CMD_TEXT, CMD_MUST, "serial", NULL,
	    "serial number, unique for the maker" },
	{ "site", CMD_TEXT, CMD_MUST, "site", "SITE", "where it is" },
	{ "id", CMD_TEXT, 0, "id", NULL,
	    "id here (default: made from site and serial)" },
	{ "mac", CMD_TEXT, 0, "mac", "AA:BB:…", "its MAC address" },
	{ "hardware-id", CMD_TEXT, 0, "hardware_id", NULL,
	    "what its factory identity calls it" },
	{ "firmware", CMD_TEXT, 0, "firmware", NULL, "firmware version" },
	{ "place", CMD_TEXT, 0, "place", "CLASS",
	    "key-area, public or other" },
	{ "kind", CMD_TEXT, 0, "kind", "KIND", "camera or ra" },
	{ .name = NULL },
};

static const struct cmd_opt import_opts[] = {
	{ "FILE", CMD_TEXT, CMD_MUST | CMD_POS, NULL, NULL,
	    "CSV with a header line, UTF-8" },
	{ "site", CMD_TEXT, 0, NULL, "SITE", "for rows that name none" },
	{ "partial", CMD_FLAG, 0, NULL, NULL,
	    "take the good rows (otherwise all or nothing)" },
	{ "labels-csv", CMD_TEXT, 0, NULL, "FILE",
	    "also make one-time secrets: as CSV" },
	{ "labels-html", CMD_TEXT, 0, NULL, "FILE",
	    "also make one-time secrets: as a page to print" },
	{ "ttl", CMD_SPAN, 0, NULL, NULL, "how long the secrets can be used" },
	{ "url", CMD_TEXT, 0, NULL, "URL",
	    "EST address on the labels (default: from camca.yaml)" },
	{ .name = NULL },
};

static const struct cmd_opt list_opts[] = {
	{ "site", CMD_TEXT, 0, "site", "SITE", "of this site only" },
	{ "manufacturer", CMD_TEXT, 0, "manufacturer", NULL, "of this maker" },
	{ "model", CMD_TEXT, 0, "model", NULL, "of this model" },
	{ "status", CMD_TEXT, 0, "state", "STATE",
	    "registered, enrolled, held, revoked, retired or lost" },
	{ "batch", CMD_TEXT, 0, "batch", "HEX", "of this import" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "id", "DEVICE", NULL }, { "state", "STATE", NULL },
	{ "site", "SITE", NULL }, { "manufacturer", "MANUFACTURER", NULL },
	{ "model", "MODEL", NULL }, { "serial", "SERIAL", NULL },
	{ "firmware", "FIRMWARE", NULL }, { "place", "PLACE", NULL },
	{ "restriction", "RESTRICTION", NULL }, { NULL, NULL, NULL },
};

static const struct cmd_opt show_opts[] = {
	DEVICE_ID,
	{ .name = NULL },
};

static const struct cmd_opt label_opts[] = {
	{ "ID", CMD_TEXT, CMD_POS | CMD_MANY, NULL, NULL, "these devices" },
	{ "site", CMD_TEXT, 0, NULL, "SITE",
	    "or the registered devices of a site" },
	{ "batch", CMD_TEXT, 0, NULL, "HEX", "or those of an import" },
	{ "csv", CMD_TEXT, 0, NULL, "FILE", "write a CSV" },
	{ "html", CMD_TEXT, 0, NULL, "FILE",
	    "write a page to print, with QR codes" },
	{ "ttl", CMD_SPAN, 0, NULL, NULL, "how long the secrets can be used" },
	{ "url", CMD_TEXT, 0, NULL, "URL",
	    "EST address on the labels (default: from camca.yaml)" },
	{ .name = NULL },
};

static const struct cmd_opt document_opts[] = {
	{ "ID", CMD_TEXT, CMD_MUST | CMD_POS, "device", NULL,
	    "id of the device" },
	{ "kind", CMD_TEXT, CMD_MUST, "kind", "KIND",
	    "origin, quality, assessment or letter" },
	{ "number", CMD_TEXT, CMD_MUST, "number", NULL,
	    "number of the document" },
	{ "date", CMD_TEXT, CMD_MUST, "date", "YYYY-MM-DD", "its date" },
	{ "issuer", CMD_TEXT, CMD_MUST, "issuer", NULL, "who issued it" },
	{ "file", CMD_TEXT, 0, NULL, "FILE",
	    "the document; its SHA-256 is recorded" },
	{ "sha256", CMD_TEXT, 0, "sha256", "HEX", "or the SHA-256 itself" },
	{ "expires", CMD_TEXT, 0, "expires", "YYYY-MM-DD",
	    "end of its force" },
	{ "passed", CMD_BOOL, 0, "passed", NULL,
	    "outcome of an assessment" },
	{ .name = NULL },
};

static const struct cmd_opt move_opts[] = {
	DEVICE_ID,
	{ "STATE", CMD_TEXT, CMD_MUST | CMD_POS, "state", NULL,
	    "held, released, enrolled, revoked, retired or lost" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "kept in the record" },
	{ .name = NULL },
};

static const struct cmd_opt state_opts[] = {
	DEVICE_ID,
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "kept in the record" },
	{ .name = NULL },
};

static const struct cmd_opt reach_opts[] = {
	{ "ID", CMD_TEXT, CMD_POS, "id", NULL, "id of the camera" },
	{ "host", CMD_TEXT, 0, "host", "HOST", "its DNS name or address" },
	{ "http-port", CMD_INT, 0, "http_port", "N", "default 80, 0: none" },
	{ "https-port", CMD_INT, 0, "https_port", "N",
	    "default 443, 0: none" },
	{ "path", CMD_TEXT, 0, "path", "PATH",
	    "of its device service, where it is not the usual one" },
	{ "tls-sha256", CMD_TEXT, 0, "tls_sha256", "HEX",
	    "of the certificate it serves now: nothing is said to another" },
	{ "csv", CMD_TEXT, 0, NULL, "FILE",
	    "or a table with the columns id,host,http_port,https_port,path" },
	{ .name = NULL },
};

/* device hold, release, lost, retire: a move to a state of that name. */
static int
device_state(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	static const char *const states[][2] = { { "hold", "held" },
	    { "release", "released" }, { "lost", "lost" },
	    { "retire", "retired" } };
	json_t *args, *result;
	size_t i;
	int ret = cmd_args(env, v, &args);

	if (ret != CMD_DONE)
		return ret;
	for (i = 0; i < sizeof states / sizeof states[0]; i++)
		if (strcmp(cmd->verb, states[i][0]) == 0)
			json_object_set_new(args, "state",
			    json_string(states[i][1]));
	if ((ret = cmd_call(env, cmd->op, args, &result)) != CMD_DONE)
		return ret;
	if (env->json)
		out_json(env->out, result);
	else if (out_object(env->out, result) < 0)
		ret = cmd_failed(env, "system.memory", "Out of memory.");
	json_decref(result);
	return ret;
}

/* SHA-256 of a file of any size, as hex. */
static int
device_file_sha256(FILE *f, char out[static 65])
{
	AUTO(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	unsigned char block[16384], hash[EVP_MAX_MD_SIZE];
	size_t n;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		if (EVP_DigestUpdate(md, block, n) != 1)
			return CAMCA_ECRYPTO;
	if (ferror(f))
		return CAMCA_EIO;
	if (EVP_DigestFinal_ex(md, hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	enc_hex(out, hash, 32);
	return CAMCA_OK;
}

/* Adds the hash of --file to args. */
static int
device_add_file(struct cmd_env *env, const char *path, json_t *args)
{
	char hex[65];
	FILE *f = fopen(path, "rbe");
	int ret = f != NULL ? device_file_sha256(f, hex) : CAMCA_EIO;

	if (f != NULL)
		fclose(f);
	if (ret < 0)
		return cmd_failed(env, "file.unreadable",
		    "%s cannot be read.", path);
	if (json_object_set_new(args, "sha256", json_string(hex)) != 0)
		return cmd_failed(env, "system.memory", "Out of memory.");
	return CMD_DONE;
}

static int
device_document(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	const char *file = values_text(v, "file");
	json_t *args, *result;
	int ret;

	if ((file != NULL) == (values_text(v, "sha256") != NULL)) {
		fprintf(env->err, "camca: give --file or --sha256\n");
		return CMD_USAGE;
	}
	ret = cmd_args(env, v, &args);
	if (ret == CMD_DONE && file != NULL)
		ret = device_add_file(env, file, args);
	if (ret != CMD_DONE) {
		json_decref(args);
		return ret;
	}
	ret = cmd_call(env, cmd->op, args, &result);
	if (ret != CMD_DONE)
		return ret;
	if (env->json)
		out_json(env->out, result);
	else if (out_object(env->out, result) < 0)
		ret = CMD_REFUSED;
	json_decref(result);
	return ret;
}

const struct cmd cmd_device[] = {
	{ .noun = "device", .verb = "add", .help = "Registers one device",
	    .opts = add_opts, .op = "device.add" },
	{ .noun = "device", .verb = "import",
	    .help = "Registers the devices of a CSV file",
	    .opts = import_opts, .op = "device.import", .run = import_run,
	    .more = "Columns, in any order: id manufacturer model serial mac\n"
	    "hardware_id firmware site place kind, and number, date, issuer\n"
	    "and sha256 of origin_, quality_ and assessment_, with\n"
	    "assessment_expires and assessment_passed. Each bad row is named "
	    "by\nits line; the exit code is 1 where there was one." },
	{ .noun = "device", .verb = "list", .help = "Lists devices",
	    .opts = list_opts, .op = "device.list", .columns = list_columns },
	{ .noun = "device", .verb = "show",
	    .help = "Shows a device, its documents and certificates",
	    .opts = show_opts, .op = "device.show" },
	{ .noun = "device", .verb = "labels",
	    .help = "Makes new one-time secrets and labels to print",
	    .opts = label_opts, .op = "device.labels", .run = labels_run,
	    .more = "The files hold secrets: they are readable by you only. "
	    "Making\nlabels again replaces the secrets that were not used." },
	{ .noun = "device", .verb = "document",
	    .help = "Records a certificate of origin, an assessment …",
	    .opts = document_opts, .op = "device.document",
	    .run = device_document },
	{ .noun = "device", .verb = "move",
	    .help = "Changes the state of a device", .opts = move_opts,
	    .op = "device.move" },
	{ .noun = "device", .verb = "reach",
	    .help = "Says where a camera is reached by its site's agent",
	    .opts = reach_opts, .op = "device.reach", .run = reach_run },
	{ .noun = "device", .verb = "hold",
	    .help = "Takes a device out of service, for a while",
	    .opts = state_opts, .op = "device.move", .run = device_state },
	{ .noun = "device", .verb = "release",
	    .help = "Ends a hold, a stop of renewal, a watch",
	    .opts = state_opts, .op = "device.move", .run = device_state },
	{ .noun = "device", .verb = "lost",
	    .help = "Takes a stolen or missing device out for good",
	    .opts = state_opts, .op = "device.move", .run = device_state,
	    .more = "Its certificates are revoked as compromised." },
	{ .noun = "device", .verb = "retire",
	    .help = "Takes a device that has done its service out for good",
	    .opts = state_opts, .op = "device.move", .run = device_state },
	{ .noun = NULL },
};
