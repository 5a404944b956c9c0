/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: all or nothing, with the faults of core section 8.4. */
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake-camera/device.h"

struct wanted {
	char name[200], password[400];
	bool has_password;
	enum level level;
	bool anonymous;
};

const char *
level_name(enum level level)
{
	static const char *const names[] = { "Anonymous", "User", "Operator",
		"Administrator" };

	return names[level];
}

static enum level
level_parse(const char *s, bool *anonymous)
{
	*anonymous = strcmp(s, "Anonymous") == 0 || strcmp(s, "Extended") ==
	    0;
	if (strcmp(s, "Administrator") == 0)
		return LEVEL_ADMIN;
	return strcmp(s, "Operator") == 0 ? LEVEL_OPERATOR : LEVEL_USER;
}

static void
users_wanted(const xmlNode *n, struct wanted *w)
{
	const xmlNode *p = xml_child(n, "Password");
	char level[20];

	xml_raw(xml_child(n, "Username"), w->name, sizeof w->name);
	w->has_password = p != NULL;
	xml_raw(p, w->password, sizeof w->password);
	xml_text(xml_child(n, "UserLevel"), level, sizeof level);
	w->level = level_parse(level, &w->anonymous);
}

int
users_get(struct call *c)
{
	const struct user *u;
	unsigned i;

	for (i = 0; i < CAM_USERS; i++) {
		u = &c->cam->users[i];
		if (u->name[0] == '\0')
			continue;
		xo_puts(c->out, "<tds:User>");
		xo_text(c->out, "tt:Username", u->name);
		xo_text(c->out, "tt:UserLevel", level_name(u->level));
		xo_puts(c->out, "</tds:User>");
	}
	return CAMCA_OK;
}

/* ---- passwords ---- */

static bool
users_weak(const struct camera *cam, const struct wanted *w)
{
	int upper = 0, digit = 0, special = 0;
	const unsigned char *p;

	for (p = (const unsigned char *)w->password; *p != '\0'; p++) {
		upper += isupper(*p) != 0;
		digit += isdigit(*p) != 0;
		special += !isalnum(*p);
	}
	if ((int)strlen(w->password) < cam->c_min_len ||
	    upper < cam->c_upper || digit < cam->c_digit ||
	    special < cam->c_special)
		return true;
	return cam->c_username && strcasestr(w->password, w->name) != NULL;
}

/* Printable ASCII only, and no more than that where the fault says so. */
static bool
users_charset(struct camera *cam, const char *op, const char *password)
{
	const unsigned char *p;
	bool plain = true;

	for (p = (const unsigned char *)password; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			return false;
		plain = plain && isalnum(*p);
	}
	return plain || !fault_hit(cam, CF_SYMBOLS, op);
}

/* The two operations have two words for the same thing. */
static int
users_password(struct call *c, const struct wanted *w, const char *weak)
{
	if ((int)strlen(w->password) > c->cam->persona->max_password)
		return soap_sender(c, "OperationProhibited",
		    "PasswordTooLong", "the password is too long");
	if (users_weak(c->cam, w) ||
	    !users_charset(c->cam, c->name, w->password))
		return soap_sender(c, "OperationProhibited", weak,
		    "the password is too weak");
	return CAMCA_OK;
}

static void
users_clear(struct call *c, const struct wanted *w)
{
	/* Who sends a new password without TLS gives it away. */
	if (!c->tls && w->has_password)
		c->cam->clear_passwords++;
}

/* ---- create ---- */

static int
users_may_create(struct call *c, const xmlNode *first, const xmlNode *n,
    const struct wanted *w)
{
	const xmlNode *o;
	char other[200];

	if (w->name[0] == '\0')
		return soap_sender(c, "OperationProhibited",
		    "UsernameTooShort", "the user name is too short");
	if ((int)strlen(w->name) > c->cam->persona->max_name)
		return soap_sender(c, "OperationProhibited",
		    "UsernameTooLong", "the user name is too long");
	if (auth_find(c->cam, w->name) != NULL)
		return soap_sender(c, "OperationProhibited", "UsernameClash",
		    "the user exists");
	for (o = first; o != n; o = xml_next(o)) {
		xml_raw(xml_child(o, "Username"), other, sizeof other);
		if (strcmp(other, w->name) == 0)
			return soap_sender(c, "OperationProhibited",
			    "UsernameClash", "the same user twice");
	}
	if (w->anonymous)
		return soap_sender(c, "OperationProhibited",
		    "AnonymousNotAllowed", "not a level for a user");
	return users_password(c, w, "Password");
}

static void
users_add(struct camera *cam, const struct wanted *w)
{
	struct user *u = cam->users;

	while (u->name[0] != '\0')
		u++;
	memset(u, 0, sizeof *u);
	snprintf(u->name, sizeof u->name, "%.64s", w->name);
	snprintf(u->password, sizeof u->password, "%.128s", w->password);
	snprintf(u->other, sizeof u->other, "%.128s", w->password);
	u->level = w->level;
}

int
users_create(struct call *c)
{
	const xmlNode *first = xml_first(c->body), *n;
	struct wanted w;
	int have = 0, ret = CAMCA_OK;
	unsigned i;

	for (i = 0; i < CAM_USERS; i++)
		have += c->cam->users[i].name[0] != '\0';
	for (n = first; n != NULL && ret == 0; n = xml_next(n), have++) {
		users_wanted(n, &w);
		users_clear(c, &w);
		ret = users_may_create(c, first, n, &w);
	}
	if (ret == 0 && have > c->cam->persona->max_users)
		ret = soap_receiver(c, "Action", "TooManyUsers",
		    "no room for another user");
	for (n = first; n != NULL && ret == 0; n = xml_next(n)) {
		users_wanted(n, &w);
		users_add(c->cam, &w);
	}
	OPENSSL_cleanse(&w, sizeof w);
	return ret;
}

/* ---- set ---- */

static bool
users_fixed(struct camera *cam, const char *op, const char *name)
{
	const char *only = cam->faults[CF_FIXED_USER].user;

	return fault_on(cam, CF_FIXED_USER) && (only[0] == '\0' ||
	    strcmp(only, name) == 0) && fault_hit(cam, CF_FIXED_USER, op);
}

static bool
users_last_admin(const struct camera *cam, const struct user *but)
{
	unsigned i;

	for (i = 0; i < CAM_USERS; i++)
		if (&cam->users[i] != but && cam->users[i].name[0] != '\0' &&
		    cam->users[i].level == LEVEL_ADMIN)
			return false;
	return true;
}

static int
users_may_set(struct call *c, const struct wanted *w)
{
	struct user *u = auth_find(c->cam, w->name);

	if (u == NULL)
		return soap_sender(c, "InvalidArgVal", "UsernameMissing",
		    "no such user");
	if (users_fixed(c->cam, c->name, w->name))
		return soap_sender(c, "InvalidArgVal", "FixedUser",
		    "the account cannot be changed");
	if (w->anonymous)
		return soap_sender(c, "OperationProhibited",
		    "AnonymousNotAllowed", "not a level for a user");
	/* Left out it asks to clear the password: no camera that is safe
	 * does that. */
	return users_password(c, w, "PasswordTooWeak");
}

static void
users_change(struct call *c, const struct wanted *w)
{
	struct camera *cam = c->cam;
	struct user *u = auth_find(cam, w->name);
	bool both = !fault_hit(cam, CF_PASSWORD_ONVIF, c->name);

	u->level = w->level;
	if (fault_hit(cam, CF_PASSWORD_IGNORED, c->name))
		return;
	if (fault_hit(cam, CF_PASSWORD_LATE, c->name)) {
		snprintf(u->late, sizeof u->late, "%.128s", w->password);
		u->late_other = both;
		u->late_at = camera_uptime(cam) +
		    fault_value(cam, CF_PASSWORD_LATE) * 1000;
		return;
	}
	u->late_at = 0;
	snprintf(u->password, sizeof u->password, "%.128s", w->password);
	if (both)
		snprintf(u->other, sizeof u->other, "%.128s", w->password);
}

int
users_set(struct call *c)
{
	const xmlNode *n;
	struct wanted w;
	int ret = CAMCA_OK;

	for (n = xml_first(c->body); n != NULL && ret == 0; n = xml_next(n)) {
		users_wanted(n, &w);
		users_clear(c, &w);
		ret = users_may_set(c, &w);
	}
	for (n = xml_first(c->body); n != NULL && ret == 0; n = xml_next(n)) {
		users_wanted(n, &w);
		users_change(c, &w);
	}
	OPENSSL_cleanse(&w, sizeof w);
	return ret;
}

/* ---- delete ---- */

int
users_delete(struct call *c)
{
	const xmlNode *n;
	struct user *u;
	char name[200];

	for (n = xml_first(c->body); n != NULL; n = xml_next(n)) {
		xml_raw(n, name, sizeof name);
		if ((u = auth_find(c->cam, name)) == NULL)
			return soap_sender(c, "InvalidArgVal",
			    "UsernameMissing", "no such user");
		if (users_fixed(c->cam, c->name, name) ||
		    (u->level == LEVEL_ADMIN && users_last_admin(c->cam, u)))
			return soap_sender(c, "InvalidArgVal", "FixedUser",
			    "the account cannot be deleted");
	}
	for (n = xml_first(c->body); n != NULL; n = xml_next(n)) {
		xml_raw(n, name, sizeof name);
		if ((u = auth_find(c->cam, name)) != NULL)
			memset(u, 0, sizeof *u);
	}
	return CAMCA_OK;
}

/* ---- digests (22.12) ---- */

/* A list by the schema; a comma as in the WSDL's example is taken too. */
int
users_hashing(struct call *c)
{
	struct camera *cam = c->cam;
	char list[64], *word, *rest = list;
	bool md5 = false, sha256 = false;

	if (!cam->persona->sha256)
		return soap_receiver(c, "ActionNotSupported", "",
		    "the digest cannot be chosen");
	xml_text(xml_child(c->body, "Algorithm"), list, sizeof list);
	while ((word = strsep(&rest, " ,")) != NULL) {
		md5 = md5 || strcmp(word, "MD5") == 0;
		sha256 = sha256 || strcmp(word, "SHA-256") == 0;
		if (word[0] != '\0' && strcmp(word, "MD5") != 0 &&
		    strcmp(word, "SHA-256") != 0)
			return soap_sender(c, "InvalidArgVal", "",
			    "no such algorithm");
	}
	if (!md5 && !sha256)
		return soap_sender(c, "InvalidArgVal", "",
		    "nobody could log in any more");
	cam->md5 = md5;
	cam->sha256 = sha256;
	return CAMCA_OK;
}

/* ---- rules for passwords (21.12) ---- */

static void
users_range(struct xo *x, const char *name, int lo, int hi)
{
	xo_printf(x, "<%s><tt:Min>%d</tt:Min><tt:Max>%d</tt:Max></%s>", name,
	    lo, hi, name);
}

int
users_options(struct call *c)
{
	struct xo *x = c->out;

	if (!c->cam->persona->complexity)
		return soap_receiver(c, "ActionNotSupported", "",
		    "no rules for passwords");
	users_range(x, "tds:MinLenRange", 8, c->cam->persona->max_password);
	users_range(x, "tds:UppercaseRange", 0, 4);
	users_range(x, "tds:NumberRange", 0, 4);
	users_range(x, "tds:SpecialCharsRange", 0, 4);
	xo_bool(x, "tds:BlockUsernameOccurrenceSupported", true);
	xo_bool(x, "tds:PolicyConfigurationLockSupported", false);
	return CAMCA_OK;
}

int
users_rules(struct call *c)
{
	struct xo *x = c->out;
	const struct camera *cam = c->cam;

	if (!cam->persona->complexity)
		return soap_receiver(c, "ActionNotSupported", "",
		    "no rules for passwords");
	xo_int(x, "tds:MinLen", cam->c_min_len);
	xo_int(x, "tds:Uppercase", cam->c_upper);
	xo_int(x, "tds:Number", cam->c_digit);
	xo_int(x, "tds:SpecialChars", cam->c_special);
	xo_bool(x, "tds:BlockUsernameOccurrence", cam->c_username);
	return CAMCA_OK;
}

static int
users_rule(struct call *c, const char *name, int now, int lo, int hi)
{
	const xmlNode *n = xml_child(c->body, name);
	char t[16];
	long v;

	if (n == NULL)
		return now;
	xml_text(n, t, sizeof t);
	v = strtol(t, NULL, 10);
	return v < lo || v > hi ? -1 : (int)v;
}

int
users_set_rules(struct call *c)
{
	struct camera *cam = c->cam;
	int len = users_rule(c, "MinLen", cam->c_min_len, 8,
	    cam->persona->max_password);
	int upper = users_rule(c, "Uppercase", cam->c_upper, 0, 4);
	int digit = users_rule(c, "Number", cam->c_digit, 0, 4);
	int special = users_rule(c, "SpecialChars", cam->c_special, 0, 4);

	if (!cam->persona->complexity)
		return soap_receiver(c, "ActionNotSupported", "",
		    "no rules for passwords");
	if (len < 0 || upper < 0 || digit < 0 || special < 0)
		return soap_sender(c, "InvalidArgVal", "", "out of range");
	cam->c_min_len = len;
	cam->c_upper = upper;
	cam->c_digit = digit;
	cam->c_special = special;
	cam->c_username = xml_bool(xml_child(c->body,
	    "BlockUsernameOccurrence"), cam->c_username);
	return CAMCA_OK;
}
