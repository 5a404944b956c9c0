/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that do not leave their hardware. OpenSSL 3 marks engines as old, but
 * on many camera platforms the engine is what there is. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/file.h"
#include "enroll/renew/keys.h"

#define KEYS_PIN_MAX 256u

static int
keys_uri_failed(struct refusal *why, int err, const char *what,
    const char *name)
{
	char text[160] = "no detail";
	unsigned long e = ERR_peek_last_error();

	if (e != 0)
		ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	return refuse(why, err, 500, "key.uri", "%s %s: %s.", what, name, text);
}

static int
keys_pin_read(struct buf *pin, const struct keys_source *src,
    struct refusal *why)
{
	int ret;

	if (src->pin_file == NULL)
		return CAMCA_OK;
	ret = file_read(src->pin_file, KEYS_PIN_MAX, pin);
	if (ret < 0)
		return refuse(why, CAMCA_EPIN, 500, "key.pin-file",
		    "The PIN file %s cannot be read: %s.", src->pin_file,
		    camca_strerror(ret));
	pin->len = strcspn(buf_str(pin), "\r\n");
	if (pin->data != NULL)
		pin->data[pin->len] = '\0';
	return CAMCA_OK;
}

/* Gives the PIN to whoever in OpenSSL asks; without one, the question fails. */
static int
keys_pin_callback(char *out, int n, int rwflag, void *arg)
{
	const struct buf *pin = arg;

	(void)rwflag;
	if (pin == NULL || pin->len == 0 || n < 0 || pin->len > (size_t)n)
		return -1;
	memcpy(out, pin->data, pin->len);
	return (int)pin->len;
}

/* Loading any provider by name turns off the default one: load both. They stay
 * until the process ends, as the keys from them may. */
static int
keys_load_provider(const char *name, struct refusal *why)
{
	OSSL_PROVIDER *base;

	if (OSSL_PROVIDER_available(NULL, name))
		return CAMCA_OK;
	base = OSSL_PROVIDER_load(NULL, "default");
	if (base != NULL && OSSL_PROVIDER_load(NULL, name) != NULL)
		return CAMCA_OK;
	if (base != NULL)
		OSSL_PROVIDER_unload(base);
	return keys_uri_failed(why, CAMCA_EHSM, "No OpenSSL provider", name);
}

/* The first private key at the URI; certificates beside it are passed over. */
static int
keys_open_store(EVP_PKEY **out, const struct keys_source *src,
    UI_METHOD *ui, struct buf *pin, struct refusal *why)
{
	OSSL_STORE_CTX *st;
	OSSL_STORE_INFO *info;
	EVP_PKEY *key = NULL;

	st = OSSL_STORE_open(src->uri, ui, pin, NULL, NULL);
	if (st == NULL)
		return keys_uri_failed(why, CAMCA_EHSM, "Cannot open key",
		    "URI");
	/* The result only says whether the hint was understood. */
	(void)OSSL_STORE_expect(st, OSSL_STORE_INFO_PKEY);
	while (key == NULL && !OSSL_STORE_eof(st) && !OSSL_STORE_error(st)) {
		info = OSSL_STORE_load(st);
		if (info != NULL)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(st);
	if (key == NULL)
		return keys_uri_failed(why, CAMCA_EHSM, "No private key at",
		    "URI");
	ERR_clear_error();
	*out = key;
	return CAMCA_OK;
}

/* Some engines ask for the PIN through the UI, some want a command: both are
 * served. The engine keeps its own references, so ours end here. */
static int
keys_open_engine(EVP_PKEY **out, const struct keys_source *src,
    UI_METHOD *ui, struct buf *pin, struct refusal *why)
{
	ENGINE *e = ENGINE_by_id(src->engine);
	EVP_PKEY *key = NULL;

	if (e == NULL)
		return keys_uri_failed(why, CAMCA_EHSM, "No OpenSSL engine",
		    src->engine);
	if (ENGINE_init(e) != 1) {
		ENGINE_free(e);
		return keys_uri_failed(why, CAMCA_EHSM, "Cannot start engine",
		    src->engine);
	}
	if (pin->len == 0 || ENGINE_ctrl_cmd_string(e, "PIN", buf_str(pin), 1))
		key = ENGINE_load_private_key(e, src->uri, ui, pin);
	ENGINE_finish(e);
	ENGINE_free(e);
	if (key == NULL)
		return keys_uri_failed(why, CAMCA_EHSM, "No private key in",
		    src->engine);
	ERR_clear_error();
	*out = key;
	return CAMCA_OK;
}

int
keys_open(EVP_PKEY **out, const struct keys_source *src, struct refusal *why)
{
	UI_METHOD *ui = NULL;
	struct buf pin;
	int ret;

	buf_init(&pin, KEYS_PIN_MAX + 4096);
	if ((ret = keys_pin_read(&pin, src, why)) < 0)
		goto out;
	if (src->provider != NULL &&
	    (ret = keys_load_provider(src->provider, why)) < 0)
		goto out;
	ui = UI_UTIL_wrap_read_pem_callback(keys_pin_callback, 0);
	if (ui == NULL)
		ret = CAMCA_ENOMEM;
	else if (src->engine != NULL)
		ret = keys_open_engine(out, src, ui, &pin, why);
	else
		ret = keys_open_store(out, src, ui, &pin, why);
out:
	UI_destroy_method(ui);
	buf_cleanse(&pin);
	return ret;
}
