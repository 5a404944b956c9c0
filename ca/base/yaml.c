/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "ca/base/file.h"

enum yaml_kind { YK_SCALAR, YK_SEQ, YK_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line;
	char *text;                   /* scalar */
	bool plain;                   /* scalar without quotes */
	size_t n;                     /* items, or keys */
	struct yaml_node **items;     /* sequence items, or map values */
	struct yaml_node **keys;
	bool *asked;                  /* map: key was asked for */
};

struct yaml_doc {
	char name[256];
	char error[512];
	struct yaml_node *root;
};

#define YAML_DEPTH_MAX 16
#define YAML_ITEMS_MAX 4096
#define YAML_EVENTS_MAX 20000

static void
yaml_node_free(struct yaml_node *n)
{
	size_t i;

	if (n == NULL)
		return;
	for (i = 0; i < n->n; i++) {
		yaml_node_free(n->items[i]);
		if (n->keys != NULL)
			yaml_node_free(n->keys[i]);
	}
	free(n->items);
	free(n->keys);
	free(n->asked);
	free(n->text);
	free(n);
}

static int
yaml_fail_at(struct yaml_doc *d, int line, const char *fmt, va_list ap)
{
	size_t used;

	if (d->error[0] != '\0')
		return CAMCA_EINVAL;
	if (line > 0)
		snprintf(d->error, sizeof d->error, "%s:%d: ", d->name, line);
	else
		snprintf(d->error, sizeof d->error, "%s: ", d->name);
	used = strlen(d->error);
	vsnprintf(d->error + used, sizeof d->error - used, fmt, ap);
	return CAMCA_EINVAL;
}

int
yaml_fail(struct yaml_doc *d, const struct yaml_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	yaml_fail_at(d, at != NULL ? at->line : 0, fmt, ap);
	va_end(ap);
	return CAMCA_EINVAL;
}

static int
yaml_fail_line(struct yaml_doc *d, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	yaml_fail_at(d, line, fmt, ap);
	va_end(ap);
	return CAMCA_EINVAL;
}

static struct yaml_node *
yaml_node_new(enum yaml_kind kind, size_t n, int line)
{
	struct yaml_node *y = calloc(1, sizeof *y);

	if (y == NULL)
		return NULL;
	y->kind = kind;
	y->line = line;
	if (kind == YK_SCALAR || n == 0)
		return y;
	y->items = calloc(n, sizeof *y->items);
	if (kind == YK_MAP) {
		y->keys = calloc(n, sizeof *y->keys);
		y->asked = calloc(n, sizeof *y->asked);
	}
	if (y->items == NULL || (kind == YK_MAP &&
	    (y->keys == NULL || y->asked == NULL))) {
		yaml_node_free(y);
		return NULL;
	}
	return y;
}

static struct yaml_node *yaml_build(struct yaml_doc *d, yaml_document_t *doc,
    int id, int depth);

static struct yaml_node *
yaml_build_scalar(struct yaml_doc *d, yaml_node_t *src, int line)
{
	struct yaml_node *y;

	if (memchr(src->data.scalar.value, '\0', src->data.scalar.length)) {
		yaml_fail_line(d, line, "NUL in a value");
		return NULL;
	}
	y = yaml_node_new(YK_SCALAR, 0, line);
	if (y == NULL)
		return NULL;
	y->plain = src->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	y->text = strdup((const char *)src->data.scalar.value);
	if (y->text == NULL) {
		yaml_node_free(y);
		return NULL;
	}
	return y;
}

static struct yaml_node *
yaml_build_seq(struct yaml_doc *d, yaml_document_t *doc, yaml_node_t *src,
    int line, int depth)
{
	size_t i, n = (size_t)(src->data.sequence.items.top -
	    src->data.sequence.items.start);
	struct yaml_node *y = n <= YAML_ITEMS_MAX ?
	    yaml_node_new(YK_SEQ, n, line) : NULL;

	if (y == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		y->items[i] = yaml_build(d, doc,
		    src->data.sequence.items.start[i], depth + 1);
		y->n = i + 1;
		if (y->items[i] == NULL) {
			yaml_node_free(y);
			return NULL;
		}
	}
	return y;
}

static int
yaml_build_pair(struct yaml_doc *d, yaml_document_t *doc,
    const yaml_node_pair_t *pair, struct yaml_node *y, int depth)
{
	struct yaml_node *k;
	size_t i;

	k = y->keys[y->n] = yaml_build(d, doc, pair->key, depth + 1);
	y->items[y->n] = yaml_build(d, doc, pair->value, depth + 1);
	y->n++;
	if (k == NULL || y->items[y->n - 1] == NULL)
		return CAMCA_EINVAL;
	if (k->kind != YK_SCALAR)
		return yaml_fail(d, k, "a key must be plain text");
	for (i = 0; i + 1 < y->n; i++)
		if (strcmp(y->keys[i]->text, k->text) == 0)
			return yaml_fail(d, k, "key '%s' is given twice",
			    k->text);
	return CAMCA_OK;
}

static struct yaml_node *
yaml_build_map(struct yaml_doc *d, yaml_document_t *doc, yaml_node_t *src,
    int line, int depth)
{
	size_t i, n = (size_t)(src->data.mapping.pairs.top -
	    src->data.mapping.pairs.start);
	struct yaml_node *y = n <= YAML_ITEMS_MAX ?
	    yaml_node_new(YK_MAP, n, line) : NULL;

	if (y == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if (yaml_build_pair(d, doc,
		    &src->data.mapping.pairs.start[i], y, depth) < 0) {
			yaml_node_free(y);
			return NULL;
		}
	return y;
}

static struct yaml_node *
yaml_build(struct yaml_doc *d, yaml_document_t *doc, int id, int depth)
{
	yaml_node_t *src = yaml_document_get_node(doc, id);
	int line;

	if (src == NULL)
		return NULL;
	line = (int)src->start_mark.line + 1;
	if (depth > YAML_DEPTH_MAX) {
		yaml_fail_line(d, line, "nested too deep");
		return NULL;
	}
	switch (src->type) {
	case YAML_SCALAR_NODE:
		return yaml_build_scalar(d, src, line);
	case YAML_SEQUENCE_NODE:
		return yaml_build_seq(d, doc, src, line, depth);
	case YAML_MAPPING_NODE:
		return yaml_build_map(d, doc, src, line, depth);
	default:
		return NULL;
	}
}

/* Whether the event carries an anchor or a tag: neither is in our files, and
 * both change what a value means. */
static bool
yaml_is_marked(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor != NULL ||
		    e->data.scalar.tag != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor != NULL ||
		    e->data.sequence_start.tag != NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor != NULL ||
		    e->data.mapping_start.tag != NULL;
	default:
		return false;
	}
}

/* Keeps depth; past the limits false. The library's own work grows with the
 * square of what is open, so this has to come before it reads on. */
static bool
yaml_is_bounded(const yaml_event_t *e, int *depth, size_t *events)
{
	if (e->type == YAML_SEQUENCE_START_EVENT ||
	    e->type == YAML_MAPPING_START_EVENT)
		++*depth;
	if (e->type == YAML_SEQUENCE_END_EVENT ||
	    e->type == YAML_MAPPING_END_EVENT)
		--*depth;
	return *depth <= YAML_DEPTH_MAX && ++*events <= YAML_EVENTS_MAX;
}

/* Aliases could multiply a small file into a huge tree: refused before the
 * tree is built. */
static int
yaml_check_events(struct yaml_doc *d, const char *text, size_t n)
{
	yaml_parser_t p;
	yaml_event_t e;
	size_t events = 0;
	int done = 0, docs = 0, depth = 0, ret = CAMCA_OK;

	if (!yaml_parser_initialize(&p))
		return CAMCA_ENOMEM;
	yaml_parser_set_input_string(&p, (const unsigned char *)text, n);
	while (!done && ret == CAMCA_OK) {
		if (!yaml_parser_parse(&p, &e)) {
			ret = yaml_fail_line(d, (int)p.problem_mark.line + 1,
			    "%s", p.problem != NULL ? p.problem : "not YAML");
			break;
		}
		if (e.type == YAML_ALIAS_EVENT)
			ret = yaml_fail_line(d, (int)e.start_mark.line + 1,
			    "aliases are not allowed");
		if (!yaml_is_bounded(&e, &depth, &events))
			ret = yaml_fail_line(d, (int)e.start_mark.line + 1,
			    "nested too deep, or too many values");
		if (ret == CAMCA_OK && yaml_is_marked(&e))
			ret = yaml_fail_line(d, (int)e.start_mark.line + 1,
			    "anchors and tags are not allowed");
		if (e.type == YAML_DOCUMENT_START_EVENT && ++docs > 1)
			ret = yaml_fail_line(d, (int)e.start_mark.line + 1,
			    "a second document in the file");
		done = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&p);
	return ret;
}

static int
yaml_parse(struct yaml_doc *d, const char *text, size_t n)
{
	yaml_parser_t p;
	yaml_document_t doc;
	int ret;

	ret = yaml_check_events(d, text, n);
	if (ret < 0)
		return ret;
	if (!yaml_parser_initialize(&p))
		return CAMCA_ENOMEM;
	yaml_parser_set_input_string(&p, (const unsigned char *)text, n);
	if (!yaml_parser_load(&p, &doc)) {
		ret = yaml_fail_line(d, (int)p.problem_mark.line + 1, "%s",
		    p.problem != NULL ? p.problem : "not YAML");
		yaml_parser_delete(&p);
		return ret;
	}
	if (yaml_document_get_root_node(&doc) != NULL)
		d->root = yaml_build(d, &doc, 1, 0);
	yaml_document_delete(&doc);
	yaml_parser_delete(&p);
	if (d->root == NULL)
		return yaml_fail(d, NULL, "empty or not readable");
	return CAMCA_OK;
}

int
yaml_open_text(struct yaml_doc **out, const char *name, const char *text,
    size_t n)
{
	struct yaml_doc *d = calloc(1, sizeof *d);

	*out = d;
	if (d == NULL)
		return CAMCA_ENOMEM;
	snprintf(d->name, sizeof d->name, "%s", name);
	if (n > YAML_MAX_BYTES) {
		yaml_fail(d, NULL, "larger than %u bytes", YAML_MAX_BYTES);
		return CAMCA_ELIMIT;
	}
	return yaml_parse(d, text, n);
}

int
yaml_open_file(struct yaml_doc **out, const char *path)
{
	struct buf b;
	int ret;

	*out = NULL;
	buf_init(&b, 0);
	ret = file_read(path, YAML_MAX_BYTES, &b);
	if (ret < 0) {
		*out = calloc(1, sizeof **out);
		if (*out != NULL) {
			snprintf((*out)->name, sizeof (*out)->name, "%s", path);
			yaml_fail(*out, NULL, "cannot be read: %s",
			    ret == CAMCA_ELIMIT ? "too large" : strerror(errno));
		}
	} else {
		ret = yaml_open_text(out, path, buf_str(&b), b.len);
	}
	buf_fini(&b);
	return ret;
}

int
yaml_load(const char *path, int (*read)(struct yaml_doc *d, void *out),
    void *out, char *error, size_t error_len)
{
	struct yaml_doc *d = NULL;
	int ret = yaml_open_file(&d, path);

	if (ret == CAMCA_OK)
		ret = read(d, out);
	if (ret < 0)
		snprintf(error, error_len, "%s", yaml_error(d) != NULL ?
		    yaml_error(d) : camca_strerror(ret));
	yaml_close(d);
	return ret == CAMCA_OK || ret == CAMCA_ENOMEM || ret == CAMCA_ENOENT ?
	    ret : CAMCA_EINVAL;
}

void
yaml_close(struct yaml_doc *d)
{
	if (d == NULL)
		return;
	yaml_node_free(d->root);
	free(d);
}

const char *
yaml_error(const struct yaml_doc *d)
{
	if (d == NULL)
		return "out of memory";
	return d->error[0] != '\0' ? d->error : NULL;
}

struct yaml_node *
yaml_top(struct yaml_doc *d)
{
	if (d->root == NULL)
		return NULL;
	if (d->root->kind != YK_MAP) {
		yaml_fail(d, d->root, "the file must be a mapping of keys");
		return NULL;
	}
	return d->root;
}

struct yaml_node *
yaml_get(struct yaml_doc *d, struct yaml_node *m, const char *key)
{
	size_t i;

	(void)d;
	if (m == NULL || m->kind != YK_MAP)
		return NULL;
	for (i = 0; i < m->n; i++) {
		if (strcmp(m->keys[i]->text, key) != 0)
			continue;
		m->asked[i] = true;
		return m->items[i];
	}
	return NULL;
}

/* 1 and *out the scalar; 0 missing and not required; CAMCA_EINVAL. */
static int
yaml_scalar(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, struct yaml_node **out)
{
	struct yaml_node *v = yaml_get(d, m, key);

	if (v == NULL && !required)
		return 0;
	if (v == NULL)
		return yaml_fail(d, m, "key '%s' is missing", key);
	if (v->kind != YK_SCALAR)
		return yaml_fail(d, v, "'%s' must be a single value", key);
	*out = v;
	return 1;
}

int
yaml_str(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, size_t max_bytes, const char **out)
{
	struct yaml_node *v = NULL;
	int ret = yaml_scalar(d, m, key, required, &v);

	if (ret <= 0)
		return ret;
	if (strlen(v->text) > max_bytes)
		return yaml_fail(d, v, "'%s' is longer than %zu bytes", key,
		    max_bytes);
	if (required && v->text[0] == '\0')
		return yaml_fail(d, v, "'%s' is empty", key);
	*out = v->text;
	return CAMCA_OK;
}

int
yaml_int(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, int64_t min, int64_t max, int64_t *out)
{
	struct yaml_node *v = NULL;
	int ret = yaml_scalar(d, m, key, required, &v);
	long long n;
	char *end;

	if (ret <= 0)
		return ret;
	errno = 0;
	n = strtoll(v->text, &end, 10);
	if (errno != 0 || end == v->text || *end != '\0')
		return yaml_fail(d, v, "'%s' must be a whole number", key);
	if (n < min || n > max)
		return yaml_fail(d, v, "'%s' must lie in %lld..%lld", key,
		    (long long)min, (long long)max);
	*out = n;
	return CAMCA_OK;
}

int
yaml_bool(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, bool *out)
{
	struct yaml_node *v = NULL;
	int ret = yaml_scalar(d, m, key, required, &v);

	if (ret <= 0)
		return ret;
	/* YAML 1.2 core schema only: "no" and "off" are a known trap. */
	if (strcmp(v->text, "true") == 0)
		*out = true;
	else if (strcmp(v->text, "false") == 0)
		*out = false;
	else
		return yaml_fail(d, v, "'%s' must be true or false", key);
	return CAMCA_OK;
}

int
yaml_item_enum(struct yaml_doc *d, struct yaml_node *item,
    const char *const *names, int *out)
{
	char list[256] = "";
	size_t used;
	int i;

	if (item->kind != YK_SCALAR)
		return yaml_fail(d, item, "must be a single value");
	for (i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], item->text) == 0) {
			*out = i;
			return CAMCA_OK;
		}
		used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%s",
		    i > 0 ? ", " : "", names[i]);
	}
	return yaml_fail(d, item, "'%s' is not one of: %s", item->text, list);
}

int
yaml_enum(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, const char *const *names, int *out)
{
	struct yaml_node *v = NULL;
	int ret = yaml_scalar(d, m, key, required, &v);

	return ret <= 0 ? ret : yaml_item_enum(d, v, names, out);
}

int
yaml_duration(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, int64_t min_ms, int64_t max_ms, int64_t *out)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 },
	    { 'd', 86400000 }, { 'y', 365LL * 86400000 } };
	struct yaml_node *v = NULL;
	int ret = yaml_scalar(d, m, key, required, &v);
	int64_t ms = 0;
	long long n;
	char *end;
	size_t i;

	if (ret <= 0)
		return ret;
	errno = 0;
	n = strtoll(v->text, &end, 10);
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (end != v->text && *end == units[i].unit && end[1] == '\0')
			ms = units[i].ms;
	if (errno != 0 || ms == 0 || n < 0 || n > INT64_MAX / ms)
		return yaml_fail(d, v, "'%s' must be a duration such as 90s, "
		    "10m, 12h, 30d or 2y", key);
	if (n * ms < min_ms || n * ms > max_ms)
		return yaml_fail(d, v, "'%s' must lie between %lld and %lld "
		    "seconds", key, (long long)(min_ms / 1000),
		    (long long)(max_ms / 1000));
	*out = n * ms;
	return CAMCA_OK;
}

static int
yaml_nested(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, enum yaml_kind kind, struct yaml_node **out)
{
	struct yaml_node *v = yaml_get(d, m, key);

	*out = NULL;
	if (v == NULL && required)
		return yaml_fail(d, m, "key '%s' is missing", key);
	if (v != NULL && v->kind != kind)
		return yaml_fail(d, v, "'%s' must be a %s", key,
		    kind == YK_MAP ? "mapping" : "list");
	*out = v;
	return CAMCA_OK;
}

int
yaml_map(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, struct yaml_node **out)
{
	return yaml_nested(d, m, key, required, YK_MAP, out);
}

int
yaml_seq(struct yaml_doc *d, struct yaml_node *m, const char *key,
    bool required, size_t max_items, struct yaml_node **out)
{
	int ret = yaml_nested(d, m, key, required, YK_SEQ, out);

	if (ret == CAMCA_OK && *out != NULL && (*out)->n > max_items)
		return yaml_fail(d, *out, "'%s' has more than %zu items", key,
		    max_items);
	return ret;
}

size_t
yaml_seq_len(const struct yaml_node *seq)
{
	return seq != NULL && seq->kind == YK_SEQ ? seq->n : 0;
}

struct yaml_node *
yaml_seq_at(const struct yaml_node *seq, size_t i)
{
	return i < yaml_seq_len(seq) ? seq->items[i] : NULL;
}

const char *
yaml_text(const struct yaml_node *n)
{
	return n != NULL && n->kind == YK_SCALAR ? n->text : NULL;
}

int
yaml_end(struct yaml_doc *d, struct yaml_node *m)
{
	size_t i;

	for (i = 0; m != NULL && i < m->n; i++)
		if (!m->asked[i])
			return yaml_fail(d, m->keys[i], "unknown key '%s'",
			    m->keys[i]->text);
	return yaml_error(d) != NULL ? CAMCA_EINVAL : CAMCA_OK;
}
