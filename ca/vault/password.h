/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords for cameras: what one of them accepts, as a rule, and a password
 * that keeps it. */
#ifndef CAMCA_VAULT_PASSWORD_H
#define CAMCA_VAULT_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/ctx.h"
#include "ca/base/refusal.h"

#define PASSWORD_MAX 64                /* characters of a generated one */
#define PASSWORD_STORED_MAX 128        /* bytes of an imported one */
#define PASSWORD_SPECIALS_MAX 32       /* all ASCII marks there are */
#define PASSWORD_BITS_GOAL 128         /* where the camera takes as many */
#define PASSWORD_BITS_GOOD 96          /* fewer only for a camera's maximum */
#define PASSWORD_BITS_LEAST 40         /* below: refused */

/* Lengths and counts in characters, all of them ASCII. */
struct password_rule {
	int64_t min, max;              /* length; max 0: not stated */
	int64_t upper, lower, digit, special;  /* at least so many of each */
	char specials[PASSWORD_SPECIALS_MAX + 1]; /* the marks allowed, "" none */
	int64_t run;                   /* longest of "aaa", "abc", "321"; 0: any */
	bool no_username;              /* not in it, any case (names of 3 up) */
};

/* No rule known: 8 to PASSWORD_MAX characters, a capital, a small letter and a
 * digit, no marks (the ones that cameras choke on differ), no run above 3,
 * without the name. */
void password_rule_init(struct password_rule *r);
/* CAMCA_EINVAL (400 "password.rule") for one that no password can keep, or
 * whose marks are letters, digits, blanks, not ASCII or twice there. max 0
 * becomes PASSWORD_MAX; a max above it is cut to it. */
CAMCA_MUST int password_rule_check(struct password_rule *r,
    struct refusal *why);
/* What keeps both: the tighter of each. Not yet checked. A rule that asks for
 * marks where the other allows none is left so, and is refused by the check. */
void password_rule_meet(struct password_rule *io,
    const struct password_rule *other);
/* Whether each password that keeps tight keeps wide as well. */
bool password_rule_implies(const struct password_rule *tight,
    const struct password_rule *wide);

/* As it is stored beside a pending password: "8 22 1 1 1 0 3 1 -_." */
#define PASSWORD_RULE_TEXT 128
void password_rule_format(const struct password_rule *r,
    char out[static PASSWORD_RULE_TEXT]);
CAMCA_MUST int password_rule_parse(const char *text,
    struct password_rule *out);

/* Makes one from ctx's generator, each character drawn without bias: of
 * PASSWORD_BITS_GOAL bits where the rule's maximum has room for them, else as
 * long as may be. CAMCA_EPOLICY (409 "password.too-weak") under
 * PASSWORD_BITS_LEAST, CAMCA_EINVAL (rule), CAMCA_ECRYPTO. Marks are only used
 * where the rule asks for one, or PASSWORD_BITS_GOOD cannot be had without:
 * many cameras allow more of them than they can take. The caller cleanses
 * out. */
CAMCA_MUST int password_make(const struct camca_ctx *ctx,
    const struct password_rule *rule, const char *username,
    char out[static PASSWORD_MAX + 1], struct refusal *why);
/* Whether text keeps the rule. */
bool password_keeps(const struct password_rule *rule, const char *username,
    const char *text);
/* Bits that an attacker who knows the rule has to guess where the length is n:
 * a lower bound of the min-entropy. Rules checked. */
int64_t password_bits(const struct password_rule *rule, int64_t n);

/* ---- policies/rules/passwords.yaml (password_rules.c) ---- */
#define PASSWORD_PROFILES_MAX 256
#define PASSWORD_PRODUCT_MAX 128       /* bytes of manufacturer, of model */
#define PASSWORD_FACTORY_MAX 2         /* each costs a failed login a look */
struct password_factory {
	char user[65], password[PASSWORD_MAX + 1];
};
struct password_profile {
	char manufacturer[PASSWORD_PRODUCT_MAX + 1]; /* any case */
	char model[PASSWORD_PRODUCT_MAX + 1];  /* what the model begins with */
	struct password_rule rule;
	struct password_factory factory[PASSWORD_FACTORY_MAX];
	size_t factories;
};
struct password_rules {
	int64_t version;               /* 0: there is no file */
	struct password_rule defaults;
	struct password_profile *list;
	size_t n;
};
/* Strict: unknown keys, rules that no password keeps and two profiles of one
 * product are refused. Without the file the rule of password_rule_init is in
 * force. CAMCA_EINVAL (error "file:line: why"), CAMCA_ENOMEM. Free with
 * password_rules_free in every case. */
CAMCA_MUST int password_rules_load(struct password_rules *out,
    const char *path, char *error, size_t error_len);
void password_rules_free(struct password_rules *r);
/* The rule for a product: its profile (the longest model wins), else the
 * defaults. */
void password_rules_for(const struct password_rules *r,
    const char *manufacturer, const char *model, struct password_rule *out);
/* What the maker of a product printed as its first login: *n_out of them,
 * borrowed as long as r. */
const struct password_factory *password_rules_factory(
    const struct password_rules *r, const char *manufacturer,
    const char *model, size_t *n_out);

#endif
