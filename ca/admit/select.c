/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors: read strictly, and written in one spelling. */
#include "ca/admit/select.h"

#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/custody/event.h"

static bool
pattern_same(char a, char b)
{
	if (a >= 'A' && a <= 'Z')
		a = (char)(a - 'A' + 'a');
	if (b >= 'A' && b <= 'Z')
		b = (char)(b - 'A' + 'a');
	return a == b;
}

/* Behind one character of UTF-8. */
static const char *
pattern_step(const char *s)
{
	s++;
	while (((unsigned char)*s & 0xc0) == 0x80)
		s++;
	return s;
}

bool
select_pattern(const char *pattern, const char *text)
{
	const char *p = pattern, *t = text, *star = NULL, *from = NULL;

	/* Only the last star is ever gone back to: no pattern takes longer
	 * than its length times that of the text. */
	while (*t != '\0') {
		if (*p == '*') {
			star = ++p;
			from = t;
		} else if (*p == '?') {
			p++;
			t = pattern_step(t);
		} else if (*p != '\0' && pattern_same(*p, *t)) {
			p++;
			t++;
		} else if (star != NULL) {
			p = star;
			t = from = pattern_step(from);
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

static int
list_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
list_sort(struct select_list *l)
{
	size_t i, n = 0;

	if (l->n == 0)
		return;
	qsort(l->v, l->n, sizeof *l->v, list_compare);
	for (i = 0; i < l->n; i++) {
		if (n > 0 && strcmp(l->v[n - 1], l->v[i]) == 0)
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

static void
list_free(struct select_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	memset(l, 0, sizeof *l);
}

static int
list_add(struct select_list *l, const json_t *value, const char *name,
    struct refusal *why)
{
	const char *s = json_string_value(value);

	if (s == NULL || !event_text_ok(s, strlen(s), STORE_NAME_MAX - 1))
		return refuse(why, CAMCA_EINVAL, 400, "revoke.term",
		    "Each value of '%s' is one line of 1 to %d bytes.", name,
		    STORE_NAME_MAX - 1);
	if ((l->v[l->n] = strdup(s)) == NULL)
		return CAMCA_ENOMEM;
	l->n++;
	return CAMCA_OK;
}

static int
list_read(struct select_list *l, const json_t *args, const char *name,
    struct refusal *why)
{
	const json_t *v = json_object_get(args, name);
	size_t i, n = json_is_array(v) ? json_array_size(v) : 1;
	int ret = CAMCA_OK;

	if (v == NULL)
		return CAMCA_OK;
	if (n == 0 || n > SELECT_LIST_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "revoke.term",
		    "'%s' has %zu values: 1 to %d are allowed.", name, n,
		    SELECT_LIST_MAX);
	if ((l->v = calloc(n, sizeof *l->v)) == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < n && ret == CAMCA_OK; i++)
		ret = list_add(l, json_is_array(v) ? json_array_get(v, i) : v,
		    name, why);
	list_sort(l);
	return ret;
}

/* Hex digits of any length up to a serial's, as people copy them. */
static int
selector_serials(struct select_list *l, struct refusal *why)
{
	uint8_t bytes[STORE_SERIAL_LEN];
	char text[2 * STORE_SERIAL_LEN + 1];
	size_t i, n;

	for (i = 0; i < l->n; i++) {
		n = strlen(l->v[i]);
		if (n > 2 * STORE_SERIAL_LEN)
			n = 0;
		memset(text, '0', sizeof text);
		memcpy(text + 2 * STORE_SERIAL_LEN - n, l->v[i], n);
		text[2 * STORE_SERIAL_LEN] = '\0';
		if (n == 0 || dec_hex(bytes, sizeof bytes, text) < 0)
			return refuse(why, CAMCA_EINVAL, 400, "revoke.serial",
			    "A serial is hex, without colons.");
		free(l->v[i]);
		if ((l->v[i] = enc_hex_dup(bytes, sizeof bytes)) == NULL) {
			l->v[i] = l->v[--l->n];
			return CAMCA_ENOMEM;
		}
	}
	list_sort(l);
	return CAMCA_OK;
}

/* A text member, "" where it is absent. */
static int
selector_one(const json_t *args, const char *name, const char **out,
    struct refusal *why)
{
	const json_t *v = json_object_get(args, name);

	*out = "";
	if (v == NULL)
		return CAMCA_OK;
	*out = json_string_value(v);
	if (*out == NULL || !event_text_ok(*out, strlen(*out),
	    EVENT_VALUE_MAX))
		return refuse(why, CAMCA_EINVAL, 400, "revoke.term",
		    "'%s' is one line of text.", name);
	return CAMCA_OK;
}

static int
selector_time(const json_t *args, const char *name, int64_t *out,
    struct refusal *why)
{
	const char *s;
	int ret = selector_one(args, name, &s, why);

	if (ret == CAMCA_OK && s[0] != '\0' &&
	    (ctx_time_parse(s, out) < 0 || *out == 0))
		ret = refuse(why, CAMCA_EINVAL, 400, "revoke.time",
		    "'%s' is written YYYY-MM-DD or "
		    "YYYY-MM-DDThh:mm:ss.mmmZ.", name);
	return ret;
}

static int
selector_times(struct selector *s, const json_t *args, struct refusal *why)
{
	int ret;

	if ((ret = selector_time(args, "issued_after", &s->from_ms,
	    why)) < 0 ||
	    (ret = selector_time(args, "issued_before", &s->to_ms, why)) < 0)
		return ret;
	if (s->to_ms != 0 && s->from_ms >= s->to_ms)
		return refuse(why, CAMCA_EINVAL, 400, "revoke.time",
		    "Nothing is issued after a time and before an earlier "
		    "one.");
	return CAMCA_OK;
}

static int
selector_place(struct selector *s, const json_t *args, struct refusal *why)
{
	const json_t *level = json_object_get(args, "level");
	const char *place;
	int ret;

	if (level != NULL && (!json_is_integer(level) ||
	    json_integer_value(level) < 1 || json_integer_value(level) > 5))
		return refuse(why, CAMCA_EINVAL, 400, "revoke.level",
		    "A level is 1 to 5.");
	s->level = (int)json_integer_value(level);
	s->place = -1;
	if ((ret = selector_one(args, "place", &place, why)) < 0)
		return ret;
	if (place[0] != '\0' && (s->place = device_place_parse(place)) < 0)
		return refuse(why, CAMCA_EINVAL, 400, "revoke.place",
		    "A place is key-area, public or other.");
	return CAMCA_OK;
}

static int
selector_issuer(struct selector *s, const json_t *args, struct refusal *why)
{
	const char *issuer;
	size_t n;
	int ret = selector_one(args, "issuer", &issuer, why);

	if (ret < 0)
		return ret;
	if ((n = strlen(issuer)) >= sizeof s->issuer)
		return refuse(why, CAMCA_EINVAL, 400, "revoke.issuer",
		    "An issuer is a name or a subject key identifier.");
	memcpy(s->issuer, issuer, n + 1);
	return CAMCA_OK;
}

static int
selector_read(struct selector *s, const json_t *args, struct refusal *why)
{
	const char *firmware;
	int ret;

	if ((ret = list_read(&s->serials, args, "serial", why)) < 0 ||
	    (ret = selector_serials(&s->serials, why)) < 0 ||
	    (ret = list_read(&s->devices, args, "device", why)) < 0 ||
	    (ret = list_read(&s->manufacturers, args, "manufacturer",
	    why)) < 0 ||
	    (ret = list_read(&s->models, args, "model", why)) < 0 ||
	    (ret = list_read(&s->sites, args, "site", why)) < 0 ||
	    (ret = selector_place(s, args, why)) < 0 ||
	    (ret = selector_issuer(s, args, why)) < 0 ||
	    (ret = selector_times(s, args, why)) < 0 ||
	    (ret = selector_one(args, "firmware", &firmware, why)) < 0)
		return ret;
	s->by_firmware = firmware[0] != '\0';
	return s->by_firmware ?
	    firmware_range_parse(&s->firmware, firmware, why) : CAMCA_OK;
}

bool
selector_by_cert(const struct selector *s)
{
	return s->serials.n > 0 || s->issuer[0] != '\0' || s->from_ms != 0 ||
	    s->to_ms != 0;
}

int
selector_parse(struct selector *out, const json_t *args, struct refusal *why)
{
	int ret;

	memset(out, 0, sizeof *out);
	if ((ret = selector_read(out, args, why)) < 0)
		return ret;
	/* An option that was forgotten must not mean everything there is. */
	if (!selector_by_cert(out) && out->devices.n == 0 &&
	    out->manufacturers.n == 0 && out->models.n == 0 &&
	    out->sites.n == 0 && !out->by_firmware && out->level == 0 &&
	    out->place < 0)
		return refuse(why, CAMCA_EINVAL, 400, "revoke.no-term",
		    "Say whom it is about: a device, serial, manufacturer, "
		    "model, firmware, site, level, place, issuer or time.");
	return CAMCA_OK;
}

void
selector_free(struct selector *s)
{
	list_free(&s->serials);
	list_free(&s->devices);
	list_free(&s->manufacturers);
	list_free(&s->models);
	list_free(&s->sites);
}

static int
selector_put_list(json_t *o, const char *name, const struct select_list *l)
{
	json_t *list;
	size_t i;

	if (l->n == 0)
		return CAMCA_OK;
	list = json_array();
	for (i = 0; i < l->n; i++)
		if (json_array_append_new(list, json_string(l->v[i])) != 0) {
			json_decref(list);
			return CAMCA_ENOMEM;
		}
	return json_object_set_new(o, name, list) == 0 ? CAMCA_OK :
	    CAMCA_ENOMEM;
}

static int
selector_put_text(json_t *o, const char *name, const char *value)
{
	if (value[0] == '\0')
		return CAMCA_OK;
	return json_object_set_new(o, name, json_string(value)) == 0 ?
	    CAMCA_OK : CAMCA_ENOMEM;
}

static int
selector_put_time(json_t *o, const char *name, int64_t ms)
{
	char text[CTX_TIME_LEN] = "";

	if (ms != 0)
		ctx_time_format(text, ms);
	return selector_put_text(o, name, text);
}

static int
selector_put(json_t *o, const struct selector *s)
{
	struct buf range;
	int ret = CAMCA_OK;

	buf_init(&range, 0);
	if (selector_put_list(o, "serial", &s->serials) < 0 ||
	    selector_put_list(o, "device", &s->devices) < 0 ||
	    selector_put_list(o, "manufacturer", &s->manufacturers) < 0 ||
	    selector_put_list(o, "model", &s->models) < 0 ||
	    selector_put_list(o, "site", &s->sites) < 0 ||
	    (s->by_firmware && (firmware_range_text(&s->firmware,
	    &range) < 0 || selector_put_text(o, "firmware",
	    buf_str(&range)) < 0)) ||
	    (s->level != 0 && json_object_set_new(o, "level",
	    json_integer(s->level)) != 0) ||
	    (s->place >= 0 && selector_put_text(o, "place",
	    device_place_name((enum device_place)s->place)) < 0) ||
	    selector_put_text(o, "issuer", s->issuer) < 0 ||
	    selector_put_time(o, "issued_after", s->from_ms) < 0 ||
	    selector_put_time(o, "issued_before", s->to_ms) < 0)
		ret = CAMCA_ENOMEM;
	buf_fini(&range);
	return ret;
}

int
selector_text(const struct selector *s, struct buf *out)
{
	json_t *o = json_object();
	char *text = NULL;
	int ret = o != NULL ? selector_put(o, s) : CAMCA_ENOMEM;

	if (ret == CAMCA_OK) {
		text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
		ret = text != NULL ? buf_puts(out, text) : CAMCA_ENOMEM;
	}
	free(text);
	json_decref(o);
	return ret;
}

int
selector_load(struct selector *out, const char *text, struct refusal *why)
{
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int ret;

	memset(out, 0, sizeof *out);
	if (o == NULL)
		return CAMCA_EDB;
	ret = selector_parse(out, o, why);
	json_decref(o);
	return ret;
}
