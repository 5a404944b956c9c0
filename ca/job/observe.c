/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/observe.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/refusal.h"
#include "ca/job/body.h"

/* From the makers' manuals and the lists that worms carry. */
static const char *const defaults[] = { "", "0000", "00000000", "1111",
	"111111", "1234", "12345", "123456", "1234567", "12345678",
	"123456789", "1234567890", "4321", "666666", "888888", "9999",
	"abc123", "admin", "admin123", "admin1234", "admin12345", "camera",
	"changeme", "default", "fliradmin", "guest", "hikvision", "ikwd",
	"jvc", "meinsm", "pass", "password", "qwerty", "root", "service",
	"supervisor", "support", "system", "test", "tlJwpbo6", "ubnt", "user",
	"vizxv", "wbox", "xc3511", "xmhdipc" };

bool
password_is_default(const char *password)
{
	size_t i;

	for (i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (strcmp(password, defaults[i]) == 0)
			return true;
	return false;
}

/* ---- findings ---- */

static struct finding *
finding_add(struct findings *l, const char *code)
{
	struct finding *f;

	if (l->n == FINDINGS_MAX)
		return NULL;
	f = &l->list[l->n++];
	memset(f, 0, sizeof *f);
	f->code = code;
	return f;
}

static void
finding_text(char out[static FINDING_TEXT_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
finding_text(char out[static FINDING_TEXT_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, FINDING_TEXT_MAX, fmt, ap);
	va_end(ap);
	refusal_sanitize(out);
}

static void
finding_pair(struct findings *l, const char *code, const char *declared,
    const char *read)
{
	struct finding *f = finding_add(l, code);

	if (f == NULL)
		return;
	finding_text(f->declared, "%s", declared);
	finding_text(f->read, "%s", read);
}

void
finding_key(const struct finding *f, char out[static FINDING_KEY_MAX])
{
	uint8_t hash[32] = { 0 };
	char hex[9];

	if (EVP_Digest(f->read, strlen(f->read), hash, NULL, EVP_sha256(),
	    NULL) != 1)
		memset(hash, 0, sizeof hash);
	enc_hex(hex, hash, 4);
	snprintf(out, FINDING_KEY_MAX, "%s:%s", f->code, hex);
}

bool
finding_in(const char *keys, const char *key)
{
	size_t n = strlen(key);
	const char *p = keys;

	while ((p = strstr(p, key)) != NULL) {
		if ((p == keys || p[-1] == ' ') &&
		    (p[n] == ' ' || p[n] == '\0'))
			return true;
		p += n;
	}
	return false;
}

/* ---- who it is ---- */

static const char *
observe_next(const char *s)
{
	while (*s != '\0' && !isalnum((unsigned char)*s))
		s++;
	return s;
}

bool
observe_same(const char *a, const char *b)
{
	for (;; a++, b++) {
		a = observe_next(a);
		b = observe_next(b);
		if (*a == '\0' || *b == '\0')
			return *a == *b;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
	}
}

/* Makers put more around a serial number or a model than labels have ("DS-…"
 * before, a date code behind): one inside the other is the same. */
static bool
observe_within(const char *a, const char *b)
{
	char x[STORE_NAME_MAX], y[STORE_NAME_MAX];
	size_t i = 0, k = 0;

	for (; *a != '\0' && i + 1 < sizeof x; a++)
		if (isalnum((unsigned char)*a))
			x[i++] = (char)tolower((unsigned char)*a);
	for (; *b != '\0' && k + 1 < sizeof y; b++)
		if (isalnum((unsigned char)*b))
			y[k++] = (char)tolower((unsigned char)*b);
	x[i] = y[k] = '\0';
	return i == 0 || k == 0 || strstr(x, y) != NULL ||
	    strstr(y, x) != NULL;
}

static void
judge_identity(const json_t *o, const struct observe_facts *f,
    struct findings *out)
{
	const struct { const char *name, *declared; } fields[] = {
		{ "manufacturer", f->dev->manufacturer },
		{ "model", f->dev->model },
		{ "serial", f->dev->serial },
		{ "hardware_id", f->dev->hardware_id },
	};
	char declared[400] = "", read[400] = "";
	const char *s;
	size_t i, n;

	for (i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		s = body_text(o, fields[i].name);
		if (observe_within(fields[i].declared, s))
			continue;
		n = strlen(declared);
		snprintf(declared + n, sizeof declared - n, "%s%s %.60s",
		    n > 0 ? ", " : "", fields[i].name, fields[i].declared);
		n = strlen(read);
		snprintf(read + n, sizeof read - n, "%s%s %.60s", n > 0 ?
		    ", " : "", fields[i].name, s);
	}
	if (read[0] != '\0')
		finding_pair(out, "camera.identity-drift", declared, read);
}

static void
judge_firmware(const json_t *o, const struct observe_facts *f,
    struct findings *out)
{
	const char *read = body_text(o, "firmware");
	const char *before = f->firmware != NULL ? f->firmware :
	    f->dev->firmware;

	if (read[0] == '\0' || before[0] == '\0' ||
	    observe_same(read, before))
		return;
	finding_pair(out, "camera.firmware-changed", before, read);
	if (out->n > 0)
		out->list[out->n - 1].once = true;
}

/* ---- who may log in ---- */

static bool
judge_user_known(const struct observe_facts *f, const char *user)
{
	size_t i;

	for (i = 0; i < f->nusers; i++)
		if (strcmp(f->users[i], user) == 0)
			return true;
	return false;
}

/* An administrator whose password the vault does not have can undo all else. */
static void
judge_accounts(const json_t *o, const struct observe_facts *f,
    struct findings *out)
{
	char names[FINDING_TEXT_MAX] = "";
	const json_t *works;
	const char *user;
	json_t *item;
	size_t i, n;

	json_array_foreach(json_object_get(o, "accounts"), i, item) {
		user = body_text(item, "user");
		if (user[0] == '\0' || judge_user_known(f, user) ||
		    strcmp(body_text(item, "level"), "Administrator") != 0)
			continue;
		n = strlen(names);
		snprintf(names + n, sizeof names - n, "%s%.64s", n > 0 ?
		    ", " : "", user);
	}
	if (names[0] != '\0')
		finding_pair(out, "camera.second-administrator",
		    "accounts of the vault only", names);
	works = json_object_get(o, "default_password");
	if (f->default_password || json_is_true(works) ||
	    (json_is_null(works) && f->default_before))
		finding_pair(out, "camera.default-password",
		    "a password of its own", "a maker's password works");
}

/* ---- what it serves ---- */

static bool
judge_leaf_known(const struct observe_facts *f, const char *hex)
{
	uint8_t hash[STORE_HASH_LEN];
	size_t i;

	if (dec_hex(hash, sizeof hash, hex) < 0)
		return false;
	for (i = 0; i < f->ncerts; i++)
		if (memcmp(f->certs[i], hash, sizeof hash) == 0)
			return true;
	return false;
}

static void
judge_leaf(const json_t *o, const struct observe_facts *f,
    struct findings *out)
{
	const json_t *served = json_object_get(o, "served");
	const char *hex = body_text(served, "sha256");

	if (!f->enrolled || served == NULL)
		return;
	if (json_is_null(served))
		finding_pair(out, "camera.tls-off", "TLS with our certificate",
		    "no TLS");
	else if (!judge_leaf_known(f, hex))
		finding_pair(out, "camera.fallback",
		    "a certificate of the inventory", hex);
}

/* ---- how it is set ---- */

static void
judge_settings(const json_t *o, const struct observe_facts *f,
    struct findings *out)
{
	int64_t off = (int64_t)json_integer_value(json_object_get(o,
	    "clock_offset_ms"));
	struct finding *x;
	json_t *item;
	size_t i;

	/* The number changes with each visit: it is no part of the key. */
	if ((off > f->rules->clock_off_ms || off < -f->rules->clock_off_ms) &&
	    (x = finding_add(out, "camera.clock-off")) != NULL)
		finding_text(x->declared, "within %" PRId64 " s, is %" PRId64
		    " s off", f->rules->clock_off_ms / 1000, off / 1000);
	if (!f->enrolled)
		return;
	json_array_foreach(json_object_get(o, "protocols"), i, item)
		if (f->level->http_off &&
		    strcmp(body_text(item, "name"), "HTTP") == 0 &&
		    json_is_true(json_object_get(item, "enabled")))
			finding_pair(out, "camera.http-on", "off", "on");
	if (f->level->discovery_off &&
	    json_is_true(json_object_get(o, "discoverable")))
		finding_pair(out, "camera.discoverable", "no", "yes");
}

void
observe_judge(const json_t *o, const struct observe_facts *f,
    struct findings *out)
{
	out->n = 0;
	judge_identity(o, f, out);
	judge_firmware(o, f, out);
	judge_accounts(o, f, out);
	judge_leaf(o, f, out);
	judge_settings(o, f, out);
	/* The maker's, the same in each camera, before it is enrolled. */
	if (f->shares_key_with != NULL)
		finding_pair(out, "camera.key-shared", "a key of its own",
		    f->shares_key_with);
}
