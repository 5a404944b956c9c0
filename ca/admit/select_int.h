/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/admit: a selection under way (select_run.c, select_match.c). */
#ifndef CAMCA_ADMIT_SELECT_INT_H
#define CAMCA_ADMIT_SELECT_INT_H

#include "ca/admit/select.h"

#define RULE_MAX 513                   /* rev_item_row.rule */
#define RULE_SLOTS 256
#define SELECT_ISSUERS_MAX 64

enum match { MATCH_NO, MATCH_YES, MATCH_MAYBE };

struct rule {
	char text[RULE_MAX];
	size_t n;
};

struct select {
	struct tx *tx;
	const struct selector *s;
	const struct select_action *act;
	int64_t now;
	struct selection *out;
	struct refusal *why;
	char range[RULE_MAX];          /* the firmware range, as text */
	int64_t issuers[SELECT_ISSUERS_MAX];
	size_t nissuers;               /* of s->issuer */
	size_t dev_cap, cert_cap, site_cap, rule_cap, pk_cap;
	const char *slots[RULE_SLOTS]; /* rules by hash: most are the same */
	/* The product judged last: devices come by product or by site, and of
	 * both few are different. */
	struct product_row product;
	struct rule product_rule;
	enum match product_match;
	bool judged;
	int64_t *pks;                  /* devices found by certificate */
	size_t npks;
};

/* Room for one more element of an array of n: the array, NULL without memory
 * (the old one stays). */
void *select_grow(void *array, size_t n, size_t *cap, size_t size);

/* One more phrase, "; " between two; what does not fit is left out. */
void rule_add(struct rule *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The text as the selection keeps it, once for all devices; NULL without
 * memory. */
const char *rule_keep(struct select *x, const char *text);

/* Row of a site that exists. NULL where it does not. */
const struct site_row *select_site(const struct selection *o, const char *id);
/* Manufacturer, model and firmware against the terms, with the phrases. */
enum match match_product(const struct select *x, const char *manufacturer,
    const char *model, const char *firmware, struct rule *r);
/* Id, site, level and place. */
bool match_place(const struct select *x, const struct device_pick *p,
    const struct site_row *site, struct rule *r);
/* Serial, issuer and time of issue. */
bool match_cert(const struct select *x, const struct cert_pick *c);
/* The phrases of the terms on certificates. */
void match_cert_rule(const struct select *x, struct rule *r);

#endif
