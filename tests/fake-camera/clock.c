/* SPDX-License-Identifier: Apache-2.0 */
/* Time and NTP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/ctx.h"
#include "tests/fake-camera/device.h"

static void
clock_write(struct xo *x, const char *name, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	xo_printf(x, "<%s><tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d"
	    "</tt:Minute><tt:Second>%d</tt:Second></tt:Time>", name,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	xo_printf(x, "<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month>"
	    "<tt:Day>%d</tt:Day></tt:Date></%s>", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, name);
}

int
clock_get(struct call *c)
{
	struct camera *cam = c->cam;
	struct xo *x = c->out;

	xo_puts(x, "<tds:SystemDateAndTime>");
	xo_text(x, "tt:DateTimeType", cam->ntp ? "NTP" : "Manual");
	xo_bool(x, "tt:DaylightSavings", false);
	xo_puts(x, "<tt:TimeZone>");
	xo_text(x, "tt:TZ", cam->tz);
	xo_puts(x, "</tt:TimeZone>");
	clock_write(x, "tt:UTCDateTime", camera_clock(cam));
	clock_write(x, "tt:LocalDateTime", camera_clock(cam));
	xo_puts(x, "</tds:SystemDateAndTime>");
	return CAMCA_OK;
}

static int
clock_number(const xmlNode *parent, const char *name)
{
	char t[16];

	xml_text(xml_child(parent, name), t, sizeof t);
	return (int)strtol(t, NULL, 10);
}

static int
clock_parse(const xmlNode *utc, int64_t *ms)
{
	const xmlNode *t = xml_child(utc, "Time"), *d = xml_child(utc, "Date");
	int y = clock_number(d, "Year"), mon = clock_number(d, "Month"),
	    day = clock_number(d, "Day"), h = clock_number(t, "Hour"),
	    min = clock_number(t, "Minute"), s = clock_number(t, "Second");
	char text[CTX_TIME_LEN];

	if (y < 1970 || y > 2099 || mon < 1 || mon > 12 || day < 1 ||
	    day > 31 || h < 0 || h > 23 || min < 0 || min > 59 || s < 0 ||
	    s > 60)
		return CAMCA_EINVAL;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
	    y % 10000, mon % 100, day % 100, h % 100, min % 100, s % 100);
	return ctx_time_parse(text, ms);
}

int
clock_set(struct call *c)
{
	struct camera *cam = c->cam;
	const xmlNode *utc = xml_child(c->body, "UTCDateTime");
	const xmlNode *zone = xml_child(c->body, "TimeZone");
	char kind[8], tz[33];
	int64_t ms = 0;
	bool ntp;

	xml_text(xml_child(c->body, "DateTimeType"), kind, sizeof kind);
	ntp = strcmp(kind, "NTP") == 0;
	if (ntp && cam->ntp_server[0] == '\0')
		return soap_sender(c, "InvalidArgVal", "NtpServerUndefined",
		    "no NTP server is set");
	if (!ntp && (utc == NULL || clock_parse(utc, &ms) < 0))
		return soap_sender(c, "InvalidArgVal", "InvalidDateTime",
		    "UTCDateTime is missing or impossible");
	if (zone != NULL && (!xml_text(xml_child(zone, "TZ"), tz, sizeof tz)
	    || tz[0] == '\0'))
		return soap_sender(c, "InvalidArgVal", "InvalidTimeZone",
		    "not a POSIX time zone");
	if (zone != NULL)
		snprintf(cam->tz, sizeof cam->tz, "%s", tz);
	cam->ntp = ntp;
	if (fault_hit(cam, CF_CLOCK_SKEW, c->name))
		return CAMCA_OK;
	cam->offset_ms = ntp ? -cam->advance_ms : ms -
	    ctx_now_ms(&camca_ctx_system) - cam->advance_ms;
	return CAMCA_OK;
}

static const char *const types[] = { "IPv4", "IPv6", "DNS" };
static const char *const fields[] = { "IPv4Address", "IPv6Address",
	"DNSname" };

int
clock_ntp(struct call *c)
{
	struct camera *cam = c->cam;
	struct xo *x = c->out;
	char name[24];

	xo_puts(x, "<tds:NTPInformation>");
	xo_bool(x, "tt:FromDHCP", false);
	if (cam->ntp_server[0] != '\0') {
		xo_puts(x, "<tt:NTPManual>");
		xo_text(x, "tt:Type", types[cam->ntp_type]);
		snprintf(name, sizeof name, "tt:%s", fields[cam->ntp_type]);
		xo_text(x, name, cam->ntp_server);
		xo_puts(x, "</tt:NTPManual>");
	}
	xo_puts(x, "</tds:NTPInformation>");
	return CAMCA_OK;
}

int
clock_set_ntp(struct call *c)
{
	struct camera *cam = c->cam;
	const xmlNode *m = xml_child(c->body, "NTPManual");
	char type[8], server[65];
	int8_t i;

	if (m == NULL) {
		if (!xml_bool(xml_child(c->body, "FromDHCP"), false))
			cam->ntp_server[0] = '\0';
		return CAMCA_OK;
	}
	xml_text(xml_child(m, "Type"), type, sizeof type);
	for (i = 0; i < 2 && strcmp(types[i], type) != 0; i++)
		;
	if (!xml_text(xml_child(m, fields[i]), server, sizeof server) ||
	    server[0] == '\0')
		return soap_sender(c, "InvalidArgVal", i == 0 ?
		    "InvalidIPv4Address" : i == 1 ? "InvalidIPv6Address" :
		    "InvalidDnsName", "the address of that type is missing");
	cam->ntp_type = i;
	snprintf(cam->ntp_server, sizeof cam->ntp_server, "%s", server);
	return CAMCA_OK;
}
