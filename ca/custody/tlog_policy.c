/* SPDX-License-Identifier: Apache-2.0 */
/* Which signatures a checkpoint must have (C2SP tlog-policy). A policy decides
 * what is believed: nothing in it is skipped as unknown, and a file cut at any
 * place is refused rather than read as a shorter policy. */
#include "ca/custody/tlog.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "ca/custody/note_int.h"

#define POLICY_BYTES_MAX (256 * 1024)
#define POLICY_URL_MAX 1024            /* bytes, with NUL */
#define POLICY_NODES_MAX (POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX)
#define POLICY_WORDS_MAX (POLICY_NODES_MAX + 3)
#define POLICY_NONE (-1)               /* quorum none */
#define POLICY_UNSET (-2)              /* no quorum line yet */

/* A name of the policy: a witness, or a group of those before it. */
struct policy_node {
	char name[NOTE_NAME_MAX];
	bool member;                   /* of a group: at most once */
	int witness;                   /* its place, or -1: a group */
	int need;                      /* group: so many of its members */
	size_t nmembers;
	uint8_t members[POLICY_NODES_MAX];
};
struct policy_key {
	struct note_key key;
	int node;                      /* of a witness */
	char url[POLICY_URL_MAX];      /* "": none */
};
struct tlog_policy {
	size_t nlogs, nwitnesses, nnodes;
	int quorum;                    /* a node, or POLICY_NONE */
	struct policy_key logs[POLICY_LOGS_MAX];
	struct policy_key witnesses[POLICY_WITNESSES_MAX];
	struct policy_node nodes[POLICY_NODES_MAX];
};

/* One line, in words. */
struct policy_line {
	int no;                        /* from 1 on */
	size_t n;
	struct policy_word {
		const char *p;
		size_t n;
	} w[POLICY_WORDS_MAX];
	struct refusal *why;
};

static int
policy_bad(const struct policy_line *l, const char *what)
{
	return refuse(l->why, CAMCA_EINVAL, 400, "custody.policy",
	    "policy, line %d: %s", l->no, what);
}

static bool
policy_word_is(const struct policy_word *w, const char *s)
{
	return strlen(s) == w->n && memcmp(w->p, s, w->n) == 0;
}

/* ---- words ---- */

/* Tab, line feed, printable ASCII, and opaque octets with the high bit. */
static bool
policy_octet_ok(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static int
policy_split(struct policy_line *l, const char *p, size_t n)
{
	size_t i = 0, start;

	l->n = 0;
	for (i = 0; i < n; i++)
		if (!policy_octet_ok((uint8_t)p[i]))
			return policy_bad(l, "a control character");
	for (i = 0;;) {
		while (i < n && (p[i] == ' ' || p[i] == '\t'))
			i++;
		if (i == n || (l->n == 0 && p[i] == '#'))
			return CAMCA_OK;
		if (l->n == POLICY_WORDS_MAX)
			return policy_bad(l, "too many words");
		for (start = i; i < n && p[i] != ' ' && p[i] != '\t'; i++)
			;
		l->w[l->n++] = (struct policy_word){p + start, i - start};
	}
}

/* ---- names ---- */

static int
policy_find(const struct tlog_policy *p, const struct policy_word *w)
{
	size_t i;

	for (i = 0; i < p->nnodes; i++)
		if (policy_word_is(w, p->nodes[i].name))
			return (int)i;
	return -1;
}

/* A new name; *out is borrowed from p. */
static int
policy_define(struct tlog_policy *p, const struct policy_line *l,
    struct policy_node **out)
{
	const struct policy_word *w = &l->w[1];
	struct policy_node *node;

	if (p->nnodes == POLICY_NODES_MAX)
		return policy_bad(l, "too many names");
	if (w->n >= NOTE_NAME_MAX)
		return policy_bad(l, "the name is too long");
	if (policy_find(p, w) >= 0 || policy_word_is(w, "none"))
		return policy_bad(l, "the name is defined already");
	node = &p->nodes[p->nnodes++];
	memcpy(node->name, w->p, w->n);
	node->witness = -1;
	*out = node;
	return CAMCA_OK;
}

/* ---- lines ---- */

static bool
policy_same_key(const struct note_key *a, const struct note_key *b)
{
	bool same = EVP_PKEY_eq(a->pub, b->pub) == 1;

	ERR_clear_error();
	return same;
}

/* Words at, at + 1: key and URL. Two keys of one kind with the same public key
 * would count twice. */
static int
policy_take_key(struct policy_key *keys, size_t nkeys,
    const struct policy_line *l, size_t at, struct policy_key *out)
{
	const struct policy_word *url = l->n > at + 1 ? &l->w[at + 1] : NULL;
	struct refusal why = {0};
	size_t i;
	int ret;

	if (l->n < at + 1 || l->n > at + 2)
		return policy_bad(l, "a key and at most a URL must stand here");
	if (url != NULL && url->n >= sizeof out->url)
		return policy_bad(l, "the URL is too long");
	ret = note_key_parse(&out->key, l->w[at].p, l->w[at].n, &why);
	if (ret == CAMCA_EINVAL)
		return policy_bad(l, why.detail);
	if (ret < 0)
		return refuse_default(l->why, ret);
	for (i = 0; i < nkeys; i++)
		if (policy_same_key(&keys[i].key, &out->key)) {
			note_key_fini(&out->key);
			return policy_bad(l, "the key is listed twice");
		}
	if (url != NULL)
		memcpy(out->url, url->p, url->n);
	return CAMCA_OK;
}

static int
policy_log(struct tlog_policy *p, const struct policy_line *l)
{
	struct policy_key *k = &p->logs[p->nlogs];
	int ret;

	if (p->nlogs == POLICY_LOGS_MAX)
		return policy_bad(l, "too many logs");
	ret = policy_take_key(p->logs, p->nlogs, l, 1, k);
	if (ret < 0)
		return ret;
	p->nlogs++;
	if (k->key.alg == NOTE_COSIG_ED25519)
		return policy_bad(l, "a witness's key cannot be a log's");
	return CAMCA_OK;
}

static int
policy_witness(struct tlog_policy *p, const struct policy_line *l)
{
	struct policy_key *k = &p->witnesses[p->nwitnesses];
	struct policy_node *node;
	int ret;

	if (p->nwitnesses == POLICY_WITNESSES_MAX)
		return policy_bad(l, "too many witnesses");
	if (l->n < 3)
		return policy_bad(l, "a name and a key must stand here");
	ret = policy_take_key(p->witnesses, p->nwitnesses, l, 2, k);
	if (ret < 0)
		return ret;
	k->node = (int)p->nnodes;
	p->nwitnesses++;
	if (k->key.alg != NOTE_COSIG_ED25519)
		return policy_bad(l, "a witness's key is of type 4");
	ret = policy_define(p, l, &node);
	if (ret == CAMCA_OK)
		node->witness = (int)p->nwitnesses - 1;
	return ret;
}

/* "all", "any" or 1..n. */
static int
policy_need(const struct policy_word *w, size_t n)
{
	int64_t k = note_decimal(w->p, w->n);

	if (policy_word_is(w, "all"))
		return (int)n;
	if (policy_word_is(w, "any"))
		return 1;
	return k >= 1 && k <= (int64_t)n ? (int)k : -1;
}

static int
policy_group(struct tlog_policy *p, const struct policy_line *l)
{
	struct policy_node *node;
	size_t i;
	int ret, m;

	if (l->n < 4)
		return policy_bad(l, "a name, how many, and members must "
		    "stand here");
	if (p->nnodes - p->nwitnesses == POLICY_GROUPS_MAX)
		return policy_bad(l, "too many groups");
	/* Members first: a group is no member of itself. */
	for (i = 3; i < l->n; i++) {
		m = policy_find(p, &l->w[i]);
		if (m < 0)
			return policy_bad(l, "a member that no line before "
			    "this one defines");
		if (p->nodes[m].member)
			return policy_bad(l, "a member that is in a group "
			    "already");
		p->nodes[m].member = true;
	}
	ret = policy_define(p, l, &node);
	if (ret < 0)
		return ret;
	for (i = 3; i < l->n; i++)
		node->members[node->nmembers++] =
		    (uint8_t)policy_find(p, &l->w[i]);
	node->need = policy_need(&l->w[2], node->nmembers);
	if (node->need < 0)
		return policy_bad(l, "how many: all, any, or a number from 1 "
		    "to that of the members");
	return CAMCA_OK;
}

static int
policy_quorum(struct tlog_policy *p, const struct policy_line *l)
{
	if (l->n != 2)
		return policy_bad(l, "one name must stand here");
	if (p->quorum != POLICY_UNSET)
		return policy_bad(l, "a second quorum");
	if (policy_word_is(&l->w[1], "none")) {
		p->quorum = POLICY_NONE;
		return CAMCA_OK;
	}
	p->quorum = policy_find(p, &l->w[1]);
	if (p->quorum < 0)
		return policy_bad(l, "a quorum that no line before this one "
		    "defines");
	return CAMCA_OK;
}

static int
policy_take_line(struct tlog_policy *p, const struct policy_line *l)
{
	static const struct {
		const char *word;
		int (*fn)(struct tlog_policy *, const struct policy_line *);
	} kinds[] = {
		{"log", policy_log},
		{"witness", policy_witness},
		{"group", policy_group},
		{"quorum", policy_quorum},
	};
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (policy_word_is(&l->w[0], kinds[i].word))
			return kinds[i].fn(p, l);
	return policy_bad(l, "the first word is not log, witness, group or "
	    "quorum");
}

static int
policy_read(struct tlog_policy *p, const char *text, size_t n,
    struct refusal *why)
{
	const char *end = text + n, *line;
	struct policy_line l = {.why = why};
	size_t len;
	int ret;

	while (note_take_line(&text, end, &line, &len)) {
		l.no++;
		ret = policy_split(&l, line, len);
		if (ret == CAMCA_OK && l.n > 0)
			ret = policy_take_line(p, &l);
		if (ret < 0)
			return ret;
	}
	l.no++;
	if (text != end)
		return policy_bad(&l, "the last line has no end");
	if (p->quorum == POLICY_UNSET)
		return policy_bad(&l, "no quorum");
	return CAMCA_OK;
}

int
tlog_policy_parse(struct tlog_policy **out, const void *p, size_t n,
    struct refusal *why)
{
	struct tlog_policy *policy;
	int ret;

	*out = NULL;
	if (n > POLICY_BYTES_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "custody.policy",
		    "policy: larger than %d bytes", POLICY_BYTES_MAX);
	policy = calloc(1, sizeof *policy);
	if (policy == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	policy->quorum = POLICY_UNSET;
	ret = policy_read(policy, p, n, why);
	if (ret < 0)
		tlog_policy_free(policy);
	else
		*out = policy;
	return ret;
}

void
tlog_policy_free(struct tlog_policy *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->nlogs; i++)
		note_key_fini(&p->logs[i].key);
	for (i = 0; i < p->nwitnesses; i++)
		note_key_fini(&p->witnesses[i].key);
	free(p);
}

size_t
tlog_policy_logs(const struct tlog_policy *p)
{
	return p->nlogs;
}

const struct note_key *
tlog_policy_log(const struct tlog_policy *p, size_t i)
{
	return i < p->nlogs ? &p->logs[i].key : NULL;
}

size_t
tlog_policy_witnesses(const struct tlog_policy *p)
{
	return p->nwitnesses;
}

const struct note_key *
tlog_policy_witness(const struct tlog_policy *p, size_t i,
    const char **name_out, const char **url_out)
{
	const struct policy_key *k;

	if (i >= p->nwitnesses)
		return NULL;
	k = &p->witnesses[i];
	if (name_out != NULL)
		*name_out = p->nodes[k->node].name;
	if (url_out != NULL)
		*url_out = k->url[0] != '\0' ? k->url : NULL;
	return &k->key;
}

/* ---- checking ---- */

/* 1: the key signed and that holds; 0: it did not sign. */
static int
policy_signed(const struct note *note, const struct note_key *k,
    int64_t *time_s_out, struct refusal *why)
{
	int ret = note_check(note, k, time_s_out);

	if (ret == CAMCA_ENOENT)
		return 0;
	if (ret == CAMCA_EINVAL)
		return refuse(why, ret, 400, "custody.signature",
		    "the signature of %s does not hold", k->name);
	return ret < 0 ? refuse_default(why, ret) : 1;
}

static int
policy_check_logs(const struct tlog_policy *p, const struct note *note,
    struct tlog_verdict *out, struct refusal *why)
{
	const struct note_key *k;
	size_t i;
	int ret;

	for (i = 0; i < p->nlogs; i++) {
		k = &p->logs[i].key;
		ret = policy_signed(note, k, NULL, why);
		if (ret < 0)
			return ret;
		/* Another log of the policy speaks for its own origin only. */
		if (ret == 0 || strcmp(k->name, out->checkpoint.origin) != 0)
			continue;
		if (k->alg == NOTE_ED25519)
			out->log_ed25519++;
		else
			out->log_ecdsa++;
	}
	if (out->log_ed25519 + out->log_ecdsa == 0)
		return refuse(why, CAMCA_EPOLICY, 403, "custody.no-log",
		    "no log key of the policy signed for %s",
		    out->checkpoint.origin);
	return CAMCA_OK;
}

/* Members stand before their group, so that one pass settles all. */
static bool
policy_met(const struct tlog_policy *p, const bool *cosigned)
{
	bool met[POLICY_NODES_MAX] = {false};
	const struct policy_node *node;
	size_t i, m;
	int have;

	for (i = 0; i < p->nnodes; i++) {
		node = &p->nodes[i];
		if (node->witness >= 0) {
			met[i] = cosigned[node->witness];
			continue;
		}
		for (m = 0, have = 0; m < node->nmembers; m++)
			have += met[node->members[m]];
		met[i] = have >= node->need;
	}
	return p->quorum == POLICY_NONE || met[p->quorum];
}

static int
policy_check_witnesses(const struct tlog_policy *p, const struct note *note,
    struct tlog_verdict *out, struct refusal *why)
{
	bool cosigned[POLICY_WITNESSES_MAX] = {false};
	int64_t time_s = 0;
	size_t i;
	int ret;

	for (i = 0; i < p->nwitnesses; i++) {
		ret = policy_signed(note, &p->witnesses[i].key, &time_s, why);
		if (ret < 0)
			return ret;
		if (ret == 0)
			continue;
		cosigned[i] = true;
		if (out->witnesses++ == 0 || time_s < out->witnessed_s)
			out->witnessed_s = time_s;
	}
	out->quorum = policy_met(p, cosigned);
	return CAMCA_OK;
}

int
tlog_policy_check(const struct tlog_policy *p, const void *note, size_t n,
    struct tlog_verdict *out, struct refusal *why)
{
	struct note *parsed = malloc(sizeof *parsed);
	int ret;

	memset(out, 0, sizeof *out);
	if (parsed == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	ret = note_parse(parsed, note, n, why);
	if (ret == CAMCA_OK)
		ret = checkpoint_parse(&out->checkpoint, parsed->text,
		    parsed->text_len, why);
	if (ret == CAMCA_OK)
		ret = policy_check_logs(p, parsed, out, why);
	if (ret == CAMCA_OK)
		ret = policy_check_witnesses(p, parsed, out, why);
	free(parsed);
	return ret;
}
