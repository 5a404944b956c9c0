/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/out.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t
out_width(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = 0;

	/* Continuation bytes and U+0300..U+036F (cc 80 .. cd af), as in
	 * decomposed Vietnamese, take no column of their own. */
	for (; *p != '\0'; p++)
		if ((*p & 0xc0) != 0x80 && !(*p == 0xcc ||
		    (*p == 0xcd && p[1] < 0xb0)))
			n++;
	return n;
}

static int
out_cell_array(struct buf *b, const json_t *array)
{
	size_t i;
	json_t *item;
	int ret;

	if (json_array_size(array) == 0)
		return buf_putc(b, '-');
	json_array_foreach(array, i, item) {
		if (i > 0 && (ret = buf_puts(b, ", ")) < 0)
			return ret;
		if ((ret = out_cell(b, item)) < 0)
			return ret;
	}
	return CAMCA_OK;
}

static int
out_cell_object(struct buf *b, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int ret = text != NULL ? buf_puts(b, text) : CAMCA_ENOMEM;

	free(text);
	return ret;
}

int
out_cell(struct buf *b, const json_t *value)
{
	const char *s = json_string_value(value);

	switch (value != NULL ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return buf_puts(b, s[0] != '\0' ? s : "-");
	case JSON_INTEGER:
		return buf_printf(b, "%lld",
		    (long long)json_integer_value(value));
	case JSON_REAL:
		return buf_printf(b, "%g", json_real_value(value));
	case JSON_TRUE:
		return buf_puts(b, "yes");
	case JSON_FALSE:
		return buf_puts(b, "no");
	case JSON_ARRAY:
		return out_cell_array(b, value);
	case JSON_OBJECT:
		return out_cell_object(b, value);
	default:
		return buf_putc(b, '-');
	}
}

/* The value's text in b, fit for a terminal. */
static int
out_cell_text(struct buf *b, const json_t *value)
{
	int ret;

	buf_reset(b);
	ret = out_cell(b, value);
	if (ret == CAMCA_OK)
		refusal_sanitize((char *)b->data);
	return ret;
}

/* The text of an item's cell in b, fit for a terminal. */
static int
out_column_text(struct buf *b, const struct out_column *c, const json_t *item)
{
	int ret;

	if (c->cell == NULL)
		return out_cell_text(b, json_object_get(item, c->key));
	buf_reset(b);
	ret = c->cell(b, item);
	if (ret == CAMCA_OK && b->data != NULL)
		refusal_sanitize((char *)b->data);
	return ret;
}

void
out_table_open(struct out_table *t, FILE *f, bool json,
    const struct out_column *columns)
{
	size_t i;

	memset(t, 0, sizeof *t);
	t->f = f;
	t->json = json;
	t->columns = columns;
	for (i = 0; columns[i].key != NULL; i++)
		t->width[i] = strlen(columns[i].title);
	if (json)
		fputs("{\"items\":[", f);
}

static void
out_pad(FILE *f, const char *s, size_t width, bool last)
{
	size_t n = out_width(s);

	fputs(s, f);
	for (; !last && n < width + 2; n++)
		fputc(' ', f);
	if (last)
		fputc('\n', f);
}

static void
out_table_titles(struct out_table *t)
{
	size_t i;

	for (i = 0; t->columns[i].key != NULL; i++)
		out_pad(t->f, t->columns[i].title, t->width[i],
		    t->columns[i + 1].key == NULL);
}

static int
out_table_widths(struct out_table *t, struct buf *b, const json_t *items)
{
	size_t i, k, w;
	json_t *item;
	int ret;

	json_array_foreach(items, i, item)
		for (k = 0; t->columns[k].key != NULL; k++) {
			ret = out_column_text(b, &t->columns[k], item);
			if (ret < 0)
				return ret;
			w = out_width(buf_str(b));
			if (w > t->width[k])
				t->width[k] = w;
		}
	return CAMCA_OK;
}

static int
out_table_row(struct out_table *t, struct buf *b, const json_t *item)
{
	size_t k;
	int ret;

	for (k = 0; t->columns[k].key != NULL; k++) {
		ret = out_column_text(b, &t->columns[k], item);
		if (ret < 0)
			return ret;
		out_pad(t->f, buf_str(b), t->width[k],
		    t->columns[k + 1].key == NULL);
	}
	return CAMCA_OK;
}

static void
out_json_rows(struct out_table *t, const json_t *items)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item) {
		fputs(t->rows + i > 0 ? ",\n" : "\n", t->f);
		json_dumpf(item, t->f, JSON_COMPACT);
	}
	t->rows += json_array_size(items);
}

int
out_table_rows(struct out_table *t, const json_t *items)
{
	struct buf b;
	size_t i;
	json_t *item;
	int ret;

	if (t->json) {
		out_json_rows(t, items);
		return CAMCA_OK;
	}
	buf_init(&b, 0);
	ret = out_table_widths(t, &b, items);
	if (ret == CAMCA_OK && t->rows == 0 && json_array_size(items) > 0)
		out_table_titles(t);
	json_array_foreach(items, i, item) {
		if (ret < 0)
			break;
		ret = out_table_row(t, &b, item);
	}
	t->rows += json_array_size(items);
	buf_fini(&b);
	return ret;
}

/* One JSON string. */
static void
out_json_text(FILE *f, const char *s)
{
	json_t *text = json_string(s);

	if (text == NULL || json_dumpf(text, f, JSON_ENCODE_ANY) != 0)
		fputs("\"\"", f);
	json_decref(text);
}

static void
out_json_error(FILE *f, const struct refusal *why)
{
	fputs("\"error\":{\"code\":", f);
	out_json_text(f, why->code);
	fprintf(f, ",\"http\":%d,\"detail\":", why->http);
	out_json_text(f, why->detail);
	if (why->retry_after_s > 0)
		fprintf(f, ",\"retry_after\":%d", why->retry_after_s);
	fputc('}', f);
}

void
out_json_refusal(FILE *f, const struct refusal *why)
{
	fputc('{', f);
	out_json_error(f, why);
	fputs("}\n", f);
}

void
out_table_close(struct out_table *t, const char *next,
    const struct refusal *why)
{
	if (t->json) {
		fputs("\n],\"next\":", t->f);
		out_json_text(t->f, next);
		if (why != NULL) {
			fputc(',', t->f);
			out_json_error(t->f, why);
		}
		fputs("}\n", t->f);
		return;
	}
	if (why != NULL)
		return;
	if (t->rows == 0)
		fputs("none\n", t->f);
	if (next[0] != '\0')
		fprintf(t->f, "(more: --after %s)\n", next);
}

void
out_json(FILE *f, const json_t *value)
{
	json_dumpf(value, f, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', f);
}

/* Lines of a text such as PEM, each made fit for a terminal. */
static int
out_lines(FILE *f, const char *text)
{
	struct buf b;
	size_t n;
	int ret = CAMCA_OK;

	buf_init(&b, 0);
	for (; *text != '\0' && ret == CAMCA_OK; text += n) {
		n = strcspn(text, "\n");
		buf_reset(&b);
		ret = buf_put(&b, text, n);
		if (ret == CAMCA_OK) {
			refusal_sanitize((char *)b.data);
			fprintf(f, "%s\n", buf_str(&b));
		}
		n += text[n] == '\n';
	}
	buf_fini(&b);
	return ret;
}

static int
out_member(FILE *f, const char *key, const json_t *value, size_t width)
{
	const char *s = json_string_value(value);
	struct buf b;
	size_t n;
	int ret;

	for (n = 0; key[n] != '\0'; n++)
		fputc(key[n] == '_' ? '-' : key[n], f);
	fputc(':', f);
	if (s != NULL && strchr(s, '\n') != NULL) {
		fputc('\n', f);
		return out_lines(f, s);
	}
	buf_init(&b, 0);
	ret = out_cell_text(&b, value);
	fprintf(f, "%*s%s\n", (int)(width - n + 1), "", buf_str(&b));
	buf_fini(&b);
	return ret;
}

/* Whether the member is printed as a block of its own. */
static bool
out_is_block(const json_t *value)
{
	return json_is_object(value) || (json_is_array(value) &&
	    json_is_object(json_array_get(value, 0)));
}

/* The plain members of an object, with their values aligned. */
static int
out_members(FILE *f, const json_t *object)
{
	const char *key;
	json_t *value;
	size_t width = 0;
	int ret = CAMCA_OK;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (!out_is_block(value) && strlen(key) > width)
			width = strlen(key);
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (ret == CAMCA_OK && !out_is_block(value))
			ret = out_member(f, key, value, width);
	return ret;
}

static int
out_block(FILE *f, const char *key, const json_t *value)
{
	size_t i;
	json_t *item;
	int ret;

	if (json_is_object(value)) {
		fprintf(f, "\n[%s]\n", key);
		return out_members(f, value);
	}
	json_array_foreach(value, i, item) {
		fprintf(f, "\n[%s %zu]\n", key, i + 1);
		ret = out_members(f, item);
		if (ret < 0)
			return ret;
	}
	return CAMCA_OK;
}

int
out_object(FILE *f, const json_t *object)
{
	const char *key;
	json_t *value, *first = NULL;
	int ret;

	/* {"device":{…},"documents":[…]}: what it is about stands in front,
	 * without a title. */
	value = json_object_iter_value(json_object_iter(
	    (json_t *)(uintptr_t)object));
	if (json_is_object(value))
		first = value;
	ret = first != NULL ? out_members(f, first) : CAMCA_OK;
	if (ret == CAMCA_OK)
		ret = out_members(f, object);
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (ret == CAMCA_OK && value != first && out_is_block(value))
			ret = out_block(f, key, value);
	return ret;
}
