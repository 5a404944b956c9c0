/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/hsm.h"

#include <dlfcn.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/base/mono.h"
#include "hsm/internal.h"

static const char *const type_names[HSM_KEY_TYPES] = {
	[HSM_EC_P256] = "ec-p256", [HSM_EC_P384] = "ec-p384",
	[HSM_RSA_2048] = "rsa-2048", [HSM_RSA_3072] = "rsa-3072",
	[HSM_RSA_4096] = "rsa-4096", [HSM_ED25519] = "ed25519",
};

const char *
hsm_key_type_name(enum hsm_key_type type)
{
	return (int)type >= 0 && type < HSM_KEY_TYPES ? type_names[type] :
	    "unknown";
}

int
hsm_key_type_parse(const char *name, enum hsm_key_type *out)
{
	enum hsm_key_type t;

	for (t = HSM_EC_P256; t < HSM_KEY_TYPES; t++)
		if (strcmp(type_names[t], name) == 0) {
			*out = t;
			return CAMCA_OK;
		}
	return CAMCA_EINVAL;
}

bool
hsm_key_type_is_ca(enum hsm_key_type type)
{
	return (int)type >= 0 && type <= HSM_RSA_4096;
}

bool
hsm_has_log(const struct hsm *h)
{
	return h->tokens[HSM_LOG].used;
}

/* Copies in (NULL stays NULL). */
static int
open_copy(const char *in, const char **out)
{
	*out = in != NULL ? strdup(in) : NULL;
	return in != NULL && *out == NULL ? CAMCA_ENOMEM : CAMCA_OK;
}

/* RFC 7512 section 2.4: pin-source is a file, or "|" and a command, which is
 * refused: a setting must not run programs. */
static int
open_pin_source(const char *text, const char **out, struct refusal *why)
{
	const char *path = strncmp(text, "file:", 5) == 0 ? text + 5 : text;

	if (strncmp(path, "///", 3) == 0)
		path += 2;
	if (path[0] != '/' || path[1] == '/')
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "PKCS#11 URI: pin-source must be an absolute path or "
		    "file: and one.");
	return refuse_default(why, open_copy(path, out));
}

static bool
open_source_set(const struct hsm_pin_source *s)
{
	return s->file != NULL || s->credential != NULL || s->env != NULL ||
	    s->prompt;
}

static int
open_source(struct hsm_token *t, const struct hsm_pin_source *s,
    struct refusal *why)
{
	int ret;

	t->source.prompt = s->prompt;
	if (!open_source_set(s) && t->uri.pin_source[0] != '\0')
		return open_pin_source(t->uri.pin_source, &t->source.file,
		    why);
	ret = open_copy(s->file, &t->source.file);
	if (ret == CAMCA_OK)
		ret = open_copy(s->credential, &t->source.credential);
	if (ret == CAMCA_OK)
		ret = open_copy(s->env, &t->source.env);
	return refuse_default(why, ret);
}

static int
open_module_path(struct hsm *h, const struct hsm_conf *conf,
    struct refusal *why)
{
	const struct hsm_uri *uri = &h->tokens[HSM_MAIN].uri;
	const char *in_uri = uri->module_path[0] != '\0' ?
	    uri->module_path : NULL;
	const char *path = conf->module != NULL ? conf->module : in_uri;

	if (conf->module != NULL && in_uri != NULL &&
	    strcmp(conf->module, in_uri) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.module",
		    "The configured module and module-path of the token's URI "
		    "differ.");
	if (path == NULL && (path = softhsm_module()) == NULL)
		return refuse(why, CAMCA_EHSM, 503, "hsm.module",
		    "No PKCS#11 module is configured and SoftHSM is not "
		    "installed.");
	/* A bare name would be looked up along LD_LIBRARY_PATH. */
	if (path[0] != '/')
		return refuse(why, CAMCA_EINVAL, 400, "hsm.module",
		    "The PKCS#11 module is named by an absolute path.");
	h->module = strdup(path);
	return h->module != NULL ? CAMCA_OK : refuse_default(why, CAMCA_ENOMEM);
}

/* Beside libp11, which loads the same file again: one module, one state.
 * RTLD_NODELETE, because modules with C++ and OpenSSL inside do not survive
 * being unmapped before the exit handlers run. */
static int
open_functions(struct hsm *h, struct refusal *why)
{
	CK_C_GetFunctionList get;

	h->dl = dlopen(h->module, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (h->dl == NULL)
		return refuse(why, CAMCA_EHSM, 503, "hsm.module",
		    "PKCS#11 module: %s.", dlerror());
	*(void **)&get = dlsym(h->dl, "C_GetFunctionList");
	if (get == NULL || get(&h->p11) != CKR_OK || h->p11 == NULL)
		return refuse(why, CAMCA_EHSM, 503, "hsm.module",
		    "%s is not a working PKCS#11 module.", h->module);
	return CAMCA_OK;
}

static int
open_locks(struct hsm *h)
{
	if (pthread_mutex_init(&h->lock, NULL) != 0)
		return CAMCA_ENOMEM;
	if (mono_cond_init(&h->changed) == 0)
		return CAMCA_OK;
	pthread_mutex_destroy(&h->lock);
	return CAMCA_ENOMEM;
}

/* RFC 7512 URI and PIN source of one token. */
static int
open_names(struct hsm_token *t, const char *uri,
    const struct hsm_pin_source *pin, struct refusal *why)
{
	int ret;

	ret = hsm_uri_parse(uri, &t->uri, why);
	if (ret < 0)
		return ret;
	if (t->uri.id_len > 0 || t->uri.object[0] != '\0' || t->uri.has_type)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "The token's PKCS#11 URI must not name a key (object, id, "
		    "type).");
	t->used = true;
	return open_source(t, pin, why);
}

static int
open_log_names(struct hsm *h, const struct hsm_conf *conf,
    struct refusal *why)
{
	struct hsm_token *m = &h->tokens[HSM_MAIN];
	struct hsm_token *t = &h->tokens[HSM_LOG];
	int ret;

	t->state = HSM_LOST;
	if (conf->log_token_uri == NULL)
		return CAMCA_OK;
	ret = open_names(t, conf->log_token_uri, &conf->log_pin, why);
	if (ret < 0)
		return ret;
	if (t->uri.module_path[0] != '\0')
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "The log token is one of the same module: its PKCS#11 URI "
		    "has no module-path.");
	t->same_pin = !open_source_set(&t->source);
	return t->same_pin ? open_source(t, &m->source, why) : CAMCA_OK;
}

/* hsm_softhsm_make puts the tokens beside the configuration. */
static int
open_soft_tokens(struct hsm *h, const char *conf)
{
	char path[PATH_MAX], dir[PATH_MAX];
	const char *slash = strrchr(conf, '/');
	size_t n = slash != NULL ? (size_t)(slash - conf) : 0;

	if (n == 0 || n >= sizeof dir)
		return CAMCA_OK;
	memcpy(dir, conf, n);
	dir[n] = '\0';
	if (file_join(path, sizeof path, dir, "tokens") < 0 ||
	    !file_exists(path))
		return CAMCA_OK;
	h->soft_tokens = strdup(path);
	if (h->soft_tokens == NULL)
		return CAMCA_ENOMEM;
	h->soft_seen = softhsm_changed(h->soft_tokens);
	return CAMCA_OK;
}

static int
open_token(struct hsm *h, const struct hsm_conf *conf, struct refusal *why)
{
	int ret;

	if ((ret = open_names(&h->tokens[HSM_MAIN], conf->token_uri,
	    &conf->pin, why)) < 0 ||
	    (ret = open_log_names(h, conf, why)) < 0 ||
	    (ret = open_module_path(h, conf, why)) < 0)
		return ret;
	if (conf->softhsm_conf != NULL &&
	    open_soft_tokens(h, conf->softhsm_conf) < 0)
		return refuse_default(why, CAMCA_ENOMEM);
	if (conf->softhsm_conf != NULL &&
	    setenv("SOFTHSM2_CONF", conf->softhsm_conf, 1) != 0)
		return refuse_default(why, CAMCA_ENOMEM);
	if ((ret = open_functions(h, why)) < 0 ||
	    (ret = token_load(h, why)) < 0)
		return ret;
	/* Without the log's token the authority works; session.c has said it. */
	if (hsm_has_log(h) && session_open_log(h, NULL) < 0)
		ERR_clear_error();
	return CAMCA_OK;
}

static void
open_undo(struct hsm_token *t)
{
	hsm_pin_fini(&t->pin);
	free((void *)(uintptr_t)t->source.file);
	free((void *)(uintptr_t)t->source.credential);
	free((void *)(uintptr_t)t->source.env);
}

int
hsm_open(struct hsm **out, const struct hsm_conf *conf, struct refusal *why)
{
	struct hsm *h = calloc(1, sizeof *h);
	int ret;

	if (h == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	ret = open_locks(h);
	if (ret < 0) {
		free(h);
		return refuse_default(why, ret);
	}
	session_set_clock(h, session_clock, NULL);
	h->wait_ms = HSM_WAIT_MS;
	h->tokens[HSM_MAIN].h = h->tokens[HSM_LOG].h = h;
	h->tokens[HSM_MAIN].epoch = 1;
	ret = open_token(h, conf, why);
	ERR_clear_error();
	if (ret < 0) {
		hsm_close(h);
		return ret;
	}
	*out = h;
	return CAMCA_OK;
}

void
hsm_close(struct hsm *h)
{
	if (h == NULL)
		return;
	token_unload(h);
	if (h->dl != NULL)
		dlclose(h->dl);
	open_undo(&h->tokens[HSM_LOG]);
	open_undo(&h->tokens[HSM_MAIN]);
	free(h->module);
	free(h->soft_tokens);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static CK_RV
check_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	CK_SESSION_INFO info;

	(void)arg;
	return h->p11->C_GetSessionInfo(s, &info);
}

/* The token's key after k (NULL: the first), with a reference for the caller. A
 * key that somebody holds stays in the list, so k->next is good. */
static struct hsm_key *
check_next(struct hsm_token *t, struct hsm_key *k)
{
	struct hsm *h = t->h;
	struct hsm_key *next;

	pthread_mutex_lock(&h->lock);
	next = k != NULL ? k->next : h->keys;
	while (next != NULL && next->t != t)
		next = next->next;
	if (next != NULL)
		next->refs++;
	pthread_mutex_unlock(&h->lock);
	if (k != NULL)
		key_unref(k);
	return next;
}

static int
check_token(struct hsm_token *t, struct refusal *why)
{
	static const char text[] = "camca doctor";
	uint8_t sig[HSM_SIG_MAX];
	struct hsm_key *k;
	size_t len;
	int ret;

	ret = session_run(t, false, "answer", check_call, NULL, why);
	for (k = ret == CAMCA_OK ? check_next(t, NULL) : NULL; k != NULL;
	    k = check_next(t, k)) {
		if (ret < 0)
			continue;   /* only gives the reference back */
		len = sizeof sig;
		ret = k->derives ? derive_probe(k, why) : sign_data(k, text, sizeof text - 1, sig, &len, why);
	}
	return ret;
}

int
hsm_check(struct hsm *h, struct refusal *why)
{
	return check_token(&h->tokens[HSM_MAIN], why);
}

int
hsm_check_log(struct hsm *h, struct refusal *why)
{
	if (!hsm_has_log(h))
		return refuse(why, CAMCA_ENOENT, 503, "hsm.log-token",
		    "No log token is configured.");
	return check_token(&h->tokens[HSM_LOG], why);
}
