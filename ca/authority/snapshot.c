/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and CAs are immutable snapshots: a worker takes a reference, a
 * reload publishes a new one, the last reader frees the old. */
#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/authority.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/yaml.h"

struct policies *
authority_policies(struct authority *a)
{
	struct policies *p;

	pthread_mutex_lock(&a->lock);
	p = a->policies;
	p->refs++;
	pthread_mutex_unlock(&a->lock);
	return p;
}

void
authority_policies_put(struct authority *a, struct policies *p)
{
	int left;

	if (p == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	left = --p->refs;
	pthread_mutex_unlock(&a->lock);
	if (left == 0)
		policies_free(p);
}

void
policies_free(struct policies *p)
{
	if (p == NULL)
		return;
	profile_set_free(&p->profiles);
	keycheck_free(p->keys);
	password_rules_free(&p->passwords);
	free(p);
}

struct ca_set *
authority_cas(struct authority *a)
{
	struct ca_set *s;

	pthread_mutex_lock(&a->lock);
	s = ca_set_ref(a->cas);
	pthread_mutex_unlock(&a->lock);
	return s;
}

void
authority_cas_put(struct authority *a, struct ca_set *set)
{
	(void)a;
	ca_set_free(set);
}

static int
policies_is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

/* Name and content of each file, in order of name. */
static int
policies_hash_dir(EVP_MD_CTX *md, const char *dir)
{
	struct dirent **list = NULL;
	char path[600];
	struct buf b;
	int i, n, ret = CAMCA_OK;

	n = scandir(dir, &list, policies_is_yaml, alphasort);
	if (n < 0)
		return CAMCA_EIO;
	buf_init(&b, YAML_MAX_BYTES);
	for (i = 0; i < n && ret == CAMCA_OK; i++) {
		buf_reset(&b);
		ret = file_join(path, sizeof path, dir, list[i]->d_name);
		if (ret == CAMCA_OK)
			ret = file_read(path, YAML_MAX_BYTES, &b);
		if (ret == CAMCA_OK && (EVP_DigestUpdate(md, list[i]->d_name,
		    strlen(list[i]->d_name) + 1) != 1 ||
		    EVP_DigestUpdate(md, b.data, b.len) != 1))
			ret = CAMCA_ECRYPTO;
	}
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	buf_fini(&b);
	return ret;
}

static int
policies_hash(struct policies *p, const char *profiles, const char *levels,
    const char *rules)
{
	AUTO(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	int ret;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return CAMCA_ENOMEM;
	if ((ret = policies_hash_dir(md, profiles)) < 0 ||
	    (ret = policies_hash_dir(md, levels)) < 0 ||
	    (file_exists(rules) && (ret = policies_hash_dir(md, rules)) < 0))
		return ret;
	if (EVP_DigestFinal_ex(md, p->sha256, NULL) != 1)
		return CAMCA_ECRYPTO;
	enc_hex(p->hex, p->sha256, sizeof p->sha256);
	return CAMCA_OK;
}

int
policies_read(const char *dir, struct policies **out, struct refusal *why)
{
	char profiles[400], levels[400], rules[400], weak[420], rev[420];
	char jobs[420];
	char passwords[420];
	char error[600] = "";
	struct policies *p;
	int ret;

	if (file_join(rules, sizeof rules, dir, "rules") < 0 ||
	    file_join(weak, sizeof weak, rules, "weak-keys") < 0 ||
	    file_join(rev, sizeof rev, rules, "revocation.yaml") < 0 ||
	    file_join(jobs, sizeof jobs, rules, "jobs.yaml") < 0 ||
	    file_join(passwords, sizeof passwords, rules,
	    "passwords.yaml") < 0 ||
	    file_join(profiles, sizeof profiles, dir, "profiles") < 0 ||
	    file_join(levels, sizeof levels, dir, "levels") < 0)
		return CAMCA_ELIMIT;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return CAMCA_ENOMEM;
	p->refs = 1;
	ret = profile_set_load(&p->profiles, profiles, error, sizeof error);
	if (ret == CAMCA_OK)
		ret = level_set_load(&p->levels, levels, error, sizeof error);
	if (ret == CAMCA_OK)
		ret = keycheck_load(&p->keys, file_exists(weak) ? weak : NULL,
		    error, sizeof error);
	if (ret == CAMCA_OK)
		ret = rev_rules_load(&p->revocation, rev, error, sizeof error);
	if (ret == CAMCA_OK)
		ret = job_rules_load(&p->jobs, jobs, error, sizeof error);
	if (ret == CAMCA_OK)
		ret = password_rules_load(&p->passwords, passwords, error,
		    sizeof error);
	if (ret == CAMCA_OK)
		ret = policies_hash(p, profiles, levels, rules);
	if (ret < 0) {
		policies_free(p);
		return refuse(why, ret, 400, "policy.file", "%s",
		    error[0] != '\0' ? error : "The policy folder cannot be read.");
	}
	*out = p;
	return CAMCA_OK;
}

struct policies_note {
	const struct policies *p;
	const char *actor;
	struct authority *a;
};

static int
policies_note_tx(struct tx *tx, void *arg)
{
	struct policies_note *n = arg;
	char known[65] = "";
	struct event e;
	int ret;

	ret = store_meta_get(tx, "policy.sha256", known, sizeof known);
	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	if (strcmp(known, n->p->hex) == 0)
		return CAMCA_OK;
	ret = store_policy_put(tx, n->p->sha256, n->p->hex,
	    ctx_now_ms(n->a->ctx));
	if (ret == CAMCA_OK)
		ret = store_meta_set(tx, "policy.sha256", n->p->hex);
	if (ret < 0)
		return ret;
	event_init(&e, &n->a->events, "policy.loaded", NULL, n->actor);
	event_add(&e, "policy", "%s", n->p->hex);
	return event_put(tx, &e);
}

int
authority_load_policies(struct authority *a, const char *actor,
    struct refusal *why)
{
	struct policies_note note = { .a = a, .actor = actor };
	struct policies *p = NULL, *old;
	int ret;

	ret = policies_read(a->conf.policies, &p, why);
	if (ret < 0)
		return ret;
	note.p = p;
	ret = store_tx(a->store, DB_WRITE, policies_note_tx, &note);
	if (ret < 0) {
		policies_free(p);
		return ret;
	}
	pthread_mutex_lock(&a->lock);
	old = a->policies;
	a->policies = p;
	pthread_mutex_unlock(&a->lock);
	authority_policies_put(a, old);
	return CAMCA_OK;
}

int
authority_load_cas(struct authority *a, struct refusal *why)
{
	struct ca_set *set = NULL, *old;
	int ret = ca_set_load(&set, a->store, a->hsm, why);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&a->lock);
	old = a->cas;
	set->epoch = old != NULL ? old->epoch + 1 : 1;
	a->cas = set;
	pthread_mutex_unlock(&a->lock);
	authority_cas_put(a, old);
	return CAMCA_OK;
}
