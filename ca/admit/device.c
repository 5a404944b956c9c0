/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in the inventory: devices and sites as people declare them. */
#include <stdio.h>
#include <string.h>

#include "ca/admit/admit.h"
#include "ca/base/id.h"
#include "ca/custody/event.h"

/* Spaces at the ends go: they come from spreadsheets and are never meant. */
static void
device_trim(char *s)
{
	size_t n, skip = strspn(s, " \t");

	n = strlen(s + skip);
	while (n > 0 && (s[skip + n - 1] == ' ' || s[skip + n - 1] == '\t'))
		n--;
	memmove(s, s + skip, n);
	s[n] = '\0';
}

/* One text of the inventory. What is accepted here must fit an event as it is,
 * so the rule is the event's own. size: of the array, which has a NUL. */
static int
device_text(char *s, size_t size, bool required, const char *code,
    struct refusal *why)
{
	const char *field = strchr(code, '.') + 1;

	if (memchr(s, '\0', size) == NULL)
		return refuse(why, CAMCA_EINVAL, 400, code,
		    "the %s is longer than %zu bytes", field, size - 1);
	device_trim(s);
	if (s[0] == '\0' && !required)
		return CAMCA_OK;
	if (s[0] == '\0')
		return refuse(why, CAMCA_EINVAL, 400, code,
		    "the %s is missing", field);
	if (!event_text_ok(s, strlen(s), size - 1))
		return refuse(why, CAMCA_EINVAL, 400, code, "the %s is not "
		    "UTF-8, or has control or text-direction characters",
		    field);
	return CAMCA_OK;
}

static int
device_id(char *s, size_t size, const char *code, struct refusal *why)
{
	int ret = device_text(s, size, true, code, why);

	if (ret < 0)
		return ret;
	if (!id_ok(s, strlen(s)))
		return refuse(why, CAMCA_EINVAL, 400, code,
		    "'%s' must be 1 to 64 of A-Z a-z 0-9 . _ - and start with "
		    "a letter or digit", s);
	return CAMCA_OK;
}

static int
device_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 12 hex digits, alone or in equal groups of 2 (with : or -) or of 4 (with .):
 * how labels, switches and spreadsheets print it. */
static int
device_mac_digits(const char *s, uint8_t digits[static 12])
{
	size_t n = strlen(s), group, i, k = 0;
	char sep = n == 14 ? '.' : n == 17 ? s[2] : '\0';
	int v;

	if (n != 12 && n != 14 && n != 17)
		return CAMCA_EINVAL;
	if (n == 17 && sep != ':' && sep != '-')
		return CAMCA_EINVAL;
	group = n == 14 ? 5 : n == 17 ? 3 : 13;
	for (i = 0; i < n; i++) {
		if (i % group == group - 1) {
			if (s[i] != sep)
				return CAMCA_EINVAL;
			continue;
		}
		v = device_hex_digit(s[i]);
		if (v < 0)
			return CAMCA_EINVAL;
		digits[k++] = (uint8_t)v;
	}
	return CAMCA_OK;
}

static int
device_mac(char s[static 18], struct refusal *why)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t d[12] = { 0 }, all = 0;
	size_t i;
	int ret = device_text(s, 18, false, "device.mac", why);

	if (ret < 0 || s[0] == '\0')
		return ret;
	if (device_mac_digits(s, d) < 0)
		return refuse(why, CAMCA_EINVAL, 400, "device.mac",
		    "'%s' is not a MAC address such as 00:40:8c:12:34:56", s);
	for (i = 0; i < 12; i++)
		all |= d[i];
	/* Low bit of the first octet: a group, not one camera (IEEE 802). */
	if (all == 0 || (d[1] & 1) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "device.mac",
		    "'%s' is not the address of one device", s);
	for (i = 0; i < 6; i++) {
		s[3 * i] = hex[d[2 * i]];
		s[3 * i + 1] = hex[d[2 * i + 1]];
		s[3 * i + 2] = i < 5 ? ':' : '\0';
	}
	return CAMCA_OK;
}

/* Values of enums come from JSON and from the store: never trusted to lie in
 * their range, since they are indexes of tables. */
static int
device_enums(const struct device_row *d, struct refusal *why)
{
	if (d->kind != DEVICE_CAMERA && d->kind != DEVICE_RA)
		return refuse(why, CAMCA_EINVAL, 400, "device.kind",
		    "the kind must be camera or ra");
	if (d->place < 0 || d->place >= DEVICE_PLACES)
		return refuse(why, CAMCA_EINVAL, 400, "device.place",
		    "the place must be key-area, public or other");
	if (d->state < 0 || d->state >= DEVICE_STATES)
		return refuse(why, CAMCA_EINVAL, 400, "device.state",
		    "that is no state of a device");
	return CAMCA_OK;
}

int
device_normalize(struct device_row *d, struct refusal *why)
{
	bool camera = d->kind != DEVICE_RA;
	int ret;

	/* The site first: a made-up id has it inside, and the reason should
	 * name the cause and not the consequence. */
	if ((ret = device_enums(d, why)) < 0 ||
	    (ret = device_id(d->site, sizeof d->site, "device.site",
	    why)) < 0 ||
	    (ret = device_id(d->id, sizeof d->id, "device.id", why)) < 0 ||
	    (ret = device_text(d->manufacturer, sizeof d->manufacturer, camera,
	    "device.manufacturer", why)) < 0 ||
	    (ret = device_text(d->model, sizeof d->model, camera,
	    "device.model", why)) < 0 ||
	    (ret = device_text(d->serial, sizeof d->serial, camera,
	    "device.serial", why)) < 0 ||
	    (ret = device_mac(d->mac, why)) < 0 ||
	    (ret = device_text(d->hardware_id, sizeof d->hardware_id, false,
	    "device.hardware-id", why)) < 0 ||
	    (ret = device_text(d->firmware, sizeof d->firmware, false,
	    "device.firmware", why)) < 0)
		return ret;
	/* An RA is software and has none; the store wants them distinct. */
	if (d->serial[0] == '\0')
		memcpy(d->serial, d->id, strlen(d->id) + 1);
	return CAMCA_OK;
}

int
device_default_id(struct device_row *d, struct refusal *why)
{
	char id[2 * STORE_NAME_MAX];
	size_t i, n;

	if (d->serial[0] == '\0')
		return refuse(why, CAMCA_EINVAL, 400, "device.serial",
		    "the serial is missing");
	if (d->site[0] == '\0')
		return refuse(why, CAMCA_EINVAL, 400, "device.site",
		    "the site is missing");
	n = (size_t)snprintf(id, sizeof id, "%.*s-%.*s",
	    STORE_ID_MAX, d->site, STORE_NAME_MAX, d->serial);
	if (n >= STORE_ID_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "device.id",
		    "site and serial together are longer than %d: give an id",
		    STORE_ID_MAX - 2);
	for (i = 0; i < n; i++)
		if (!id_ok(&id[i], 1) && strchr("._-", id[i]) == NULL)
			id[i] = '-';
	memcpy(d->id, id, n + 1);
	return CAMCA_OK;
}

int
site_normalize(struct site_row *s, struct refusal *why)
{
	int ret;

	if ((ret = device_id(s->id, sizeof s->id, "site.id", why)) < 0 ||
	    (ret = device_text(s->name, sizeof s->name, false, "site.name",
	    why)) < 0)
		return ret;
	if (s->level < 1 || s->level > 5)
		return refuse(why, CAMCA_EINVAL, 400, "site.level",
		    "the level must be 1, 2, 3, 4 or 5");
	if (s->name[0] == '\0')
		memcpy(s->name, s->id, strlen(s->id) + 1);
	return CAMCA_OK;
}
