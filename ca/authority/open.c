/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "ca/authority/authority.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

#define OPEN_LOCK_TRIES 100
#define OPEN_LOCK_PAUSE_MS 20
#define OPEN_BATCH_MAX 256
#define OPEN_QUEUE_MAX 2048

#define OPEN_LOG_LABEL "camca-log"
#define OPEN_LOG_TOKEN "pkcs11:token=" OPEN_LOG_LABEL

/* The embedded log token, also for a state folder that is older than the log.
 * Without it cameras get their certificates all the same. */
static void
authority_add_log_token(const struct config *c)
{
	struct refusal why = { 0 };
	char dir[320];

	if (c->hsm_module[0] != '\0' || (c->hsm_log_token[0] != '\0' &&
	    strcmp(c->hsm_log_token, OPEN_LOG_TOKEN) != 0))
		return;
	if (file_join(dir, sizeof dir, c->state, "hsm") < 0 ||
	    hsm_softhsm_add(dir, "camca", OPEN_LOG_LABEL, &why) < 0)
		log_msg(LOG_WARN, "hsm", "no token for the custody log: %s",
		    why.detail);
}

static void
authority_log_token(const struct config *c, struct hsm_conf *out)
{
	if (c->hsm_log_token[0] != '\0')
		out->log_token_uri = c->hsm_log_token;
	else if (c->hsm_module[0] == '\0')
		out->log_token_uri = OPEN_LOG_TOKEN;
	else
		log_msg(LOG_WARN, "hsm", "no token for the custody log is "
		    "named (hsm: log_token)");
	if (c->hsm_log_pin_file[0] != '\0')
		out->log_pin.file = c->hsm_log_pin_file;
}

int
authority_open_hsm(struct authority *a, struct refusal *why)
{
	const struct config *c = &a->conf;
	struct hsm_conf hc = { .token_uri = c->hsm_token };
	char conf[320];

	if (file_join(conf, sizeof conf, c->state, "hsm/softhsm2.conf") < 0)
		return CAMCA_ELIMIT;
	if (c->hsm_module[0] != '\0')
		hc.module = c->hsm_module;
	/* The embedded token's settings, also where a test puts a module of
	 * its own in front of SoftHSM. */
	if (file_exists(conf))
		hc.softhsm_conf = conf;
	if (c->hsm_pin_env[0] != '\0')
		hc.pin.env = c->hsm_pin_env;
	if (c->hsm_pin_credential[0] != '\0')
		hc.pin.credential = c->hsm_pin_credential;
	if (c->hsm_pin_file[0] != '\0' && hc.pin.env == NULL &&
	    hc.pin.credential == NULL)
		hc.pin.file = c->hsm_pin_file;
	hc.pin.prompt = hc.pin.env == NULL && hc.pin.credential == NULL &&
	    hc.pin.file == NULL;
	authority_add_log_token(c);
	authority_log_token(c, &hc);
	return hsm_open(&a->hsm, &hc, why);
}

/* One camcad a state folder: a second one would take the socket's name from
 * the first, which then serves nobody and ends for no reason that anyone sees.
 * The lock goes with the process, however it ends. One that was just told to
 * end may need a moment. */
static int
authority_lock(struct authority *a, struct refusal *why)
{
	struct timespec pause = { 0, OPEN_LOCK_PAUSE_MS * 1000000L };
	char dir[320];
	int try, fd;

	if (a->locked)
		return CAMCA_OK;
	if (file_join(dir, sizeof dir, a->conf.state, "db") < 0)
		return CAMCA_ELIMIT;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return CAMCA_OK;             /* the store says it better */
	if (fd < 0)
		return refuse(why, CAMCA_EIO, 503, "system.state",
		    "Cannot open %s: %s.", dir, strerror(errno));
	for (try = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; try++) {
		if (errno == EWOULDBLOCK && try < OPEN_LOCK_TRIES) {
			nanosleep(&pause, NULL);
			continue;
		}
		close(fd);
		return refuse(why, CAMCA_EBUSY, 503, "system.running",
		    "Another camcad works in %s.", a->conf.state);
	}
	a->lock_fd = fd;
	a->locked = true;
	return CAMCA_OK;
}

int
authority_open_store(struct authority *a, bool create, struct refusal *why)
{
	char path[320];
	int ret;
	struct store_conf sc = {
		.path = path,
		.readers = (int)(a->conf.workers < 16 ? a->conf.workers : 16),
		.batch_max = OPEN_BATCH_MAX,
		.queue_max = OPEN_QUEUE_MAX,
		.ctx = a->ctx,
	};

	if (file_join(path, sizeof path, a->conf.state, "db/camca.sqlite") < 0)
		return CAMCA_ELIMIT;
	if ((ret = authority_lock(a, why)) < 0)
		return ret;
	return store_open(&a->store, &sc, create, why);
}

int
authority_open_vault(struct authority *a)
{
	struct vault_conf vc = { .store = a->store, .hsm = a->hsm,
	    .src = &a->events };
	struct refusal why = { 0 };
	int ret = vault_new(&a->vault, &vc);

	if (ret == CAMCA_OK && vault_ready(a->vault, &why) < 0)
		log_msg(LOG_WARN, "vault", "no password can be opened or "
		    "sealed: %s", why.detail);
	return ret;
}

static void
authority_users(struct authority *a)
{
	struct passwd *pw = getpwnam(a->conf.authority_user);
	bool dropped = pw != NULL && pw->pw_uid == geteuid();
	size_t i;

	/* Only who began as root could give the gate a user of its own. */
	pw = getpwnam(a->conf.gate_user);
	a->gate_uid = dropped && pw != NULL && pw->pw_uid != geteuid() ?
	    pw->pw_uid : (uid_t)-1;
	for (i = 0; i < a->conf.noperators; i++) {
		pw = getpwnam(a->conf.operators[i]);
		if (pw != NULL)
			a->operator_uids[a->noperators++] = pw->pw_uid;
		else
			log_msg(LOG_WARN, a->conf.operators[i],
			    "operator is not a user of this machine");
	}
}

static int
authority_initialized_tx(struct tx *tx, void *arg)
{
	char text[8];

	(void)arg;
	return store_meta_get(tx, "initialized", text, sizeof text);
}

int
authority_open(struct authority *a, struct refusal *why)
{
	int ret;

	pthread_mutex_init(&a->lock, NULL);
	pthread_mutex_init(&a->refusals.lock, NULL);
	pthread_mutex_init(&a->rollover, NULL);
	ocsp_side_init(&a->ocsp);
	authority_users(a);
	a->events.ctx = a->ctx;
	a->events.node = a->conf.node;
	if ((ret = guard_new(&a->guard, a->ctx)) < 0)
		return ret;
	if ((ret = authority_open_store(a, false, why)) < 0)
		return ret;
	ret = store_tx(a->store, DB_READ, authority_initialized_tx, NULL);
	if (ret == CAMCA_ENOENT)
		return refuse(why, ret, 503, "system.not-initialized",
		    "The ceremony was not finished: run camca init.");
	if (ret < 0)
		return ret;
	if ((ret = authority_open_hsm(a, why)) < 0 ||
	    (ret = clock_load(a)) < 0 ||
	    (ret = authority_load_policies(a, "camcad", why)) < 0 ||
	    (ret = authority_open_vault(a)) < 0)
		return ret;
	return authority_load_cas(a, why);
}

void
authority_close(struct authority *a)
{
	if (a->cas != NULL)
		authority_cas_put(a, a->cas);
	if (a->policies != NULL)
		authority_policies_put(a, a->policies);
	ocsp_side_fini(&a->ocsp);
	guard_free(a->guard);
	vault_free(a->vault);
	hsm_close(a->hsm);
	store_close(a->store);
	if (a->locked)
		close(a->lock_fd);
	a->locked = false;
	pthread_mutex_destroy(&a->lock);
	pthread_mutex_destroy(&a->rollover);
}

void
authority_urls(const struct authority *a, const struct ca *ca,
    char crl_url[static 400], char issuer_url[static 400],
    char ocsp_url[static 400])
{
	char ski[41];
	size_t i;

	for (i = 0; i < 20; i++)
		snprintf(ski + 2 * i, 3, "%02x", ca->row.ski[i]);
	snprintf(crl_url, 400, "%s/crl/%s.crl", a->conf.http_url, ski);
	snprintf(issuer_url, 400, "%s/ca/%s.cer", a->conf.http_url, ski);
	snprintf(ocsp_url, 400, "%s/ocsp", a->conf.http_url);
}
