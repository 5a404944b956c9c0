/* SPDX-License-Identifier: Apache-2.0 */
/* The camera's clock. It is read first of all: certificates, tokens and the
 * record all depend on it, and cheap cameras forget it with the power. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

#define TIME_SERVERS_MAX 4

/* UTCDateTime or nothing: the local time of a camera cannot be trusted to
 * match its zone. */
static void
time_read_utc(struct xml_in *in, const xmlNode *dt, int64_t *ms_out)
{
	const xmlNode *utc = xml_one(in, dt, NS_TT, "UTCDateTime", true);
	const xmlNode *t = xml_one(in, utc, NS_TT, "Time", true);
	const xmlNode *d = xml_one(in, utc, NS_TT, "Date", true);
	struct tm tm;

	memset(&tm, 0, sizeof tm);
	xml_int(in, t, NS_TT, "Hour", &tm.tm_hour, XML_NEED);
	xml_int(in, t, NS_TT, "Minute", &tm.tm_min, XML_NEED);
	xml_int(in, t, NS_TT, "Second", &tm.tm_sec, XML_NEED);
	xml_int(in, d, NS_TT, "Year", &tm.tm_year, XML_NEED);
	xml_int(in, d, NS_TT, "Month", &tm.tm_mon, XML_NEED);
	xml_int(in, d, NS_TT, "Day", &tm.tm_mday, XML_NEED);
	if (in->err < 0)
		return;
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 ||
	    tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 61 ||
	    tm.tm_year < 1970 || tm.tm_year > 9999 || tm.tm_mon < 1 ||
	    tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31) {
		xml_bad(in, "is no date and time", "UTCDateTime");
		return;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ms_out = (int64_t)timegm(&tm) * 1000;
}

static int
time_read(const xmlNode *response, struct cam_time *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *dt = xml_one(&in, response, NS_TDS,
	    "SystemDateAndTime", true);
	const xmlNode *zone = xml_one(&in, dt, NS_TT, "TimeZone", false);
	char type[16];

	memset(out, 0, sizeof *out);
	xml_string(&in, dt, NS_TT, "DateTimeType", type, sizeof type, 0);
	out->ntp = strcmp(type, "NTP") == 0;
	xml_bool(&in, dt, NS_TT, "DaylightSavings", &out->daylight, 0);
	xml_string(&in, zone, NS_TT, "TZ", out->zone, sizeof out->zone,
	    XML_CUT);
	time_read_utc(&in, dt, &out->utc_ms);
	/* Malformed or not: without a time, the clock is the trouble. */
	if (in.err < 0 && why != NULL && in.err != CAMCA_ENOMEM)
		why->code = CAM_CLOCK;
	return in.err;
}

static int
time_ask(struct camera *c, unsigned flags, struct cam_time *out,
    struct cam_why *why)
{
	int64_t before = ctx_now_ms(c->env.ctx), after;
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL("GetSystemDateAndTime",
	    flags), NULL, &a, why);

	after = ctx_now_ms(c->env.ctx);
	if (ret < 0)
		return ret;
	ret = time_read(a.body, out, why);
	soap_answer_fini(&a);
	if (ret < 0)
		return ret;
	/* The answer was made about half-way; it has whole seconds only. */
	out->offset_ms = out->utc_ms - (before + (after - before) / 2);
	c->offset_ms = out->offset_ms;
	c->has_offset = true;
	return CAMCA_OK;
}

int
onvif_time_get(struct camera *c, struct cam_time *out, struct cam_why *why)
{
	int ret;

	if (c->in_clock)
		return cam_fail(why, CAMCA_EPERM, CAM_CLOCK,
		    "The camera does not tell its time without a login that "
		    "needs it.");
	c->in_clock = true;
	ret = time_ask(c, CALL_ANONYMOUS, out, why);
	/* Against the standard some cameras ask for a login even here. */
	if (ret == CAMCA_EAUTH && c->has_login)
		ret = time_ask(c, 0, out, why);
	c->in_clock = false;
	return ret;
}

/* tt:UTCDateTime with the children in the order of the schema. */
static void
time_write_utc(struct xml_out *w, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof tm);
	xml_open(w, "tds:UTCDateTime");
	xml_open(w, "tt:Time");
	xml_put_int(w, "tt:Hour", tm.tm_hour);
	xml_put_int(w, "tt:Minute", tm.tm_min);
	xml_put_int(w, "tt:Second", tm.tm_sec);
	xml_close(w);
	xml_open(w, "tt:Date");
	xml_put_int(w, "tt:Year", tm.tm_year + 1900);
	xml_put_int(w, "tt:Month", tm.tm_mon + 1);
	xml_put_int(w, "tt:Day", tm.tm_mday);
	xml_close(w);
	xml_close(w);
}

/* Zone and daylight are sent as read: leaving them out may reset them. */
static int
time_send(struct camera *c, const struct cam_time *old, bool ntp,
    struct cam_why *why)
{
	struct xml_out w;
	int ret;

	xml_out_init(&w);
	xml_open(&w, "tds:SetSystemDateAndTime");
	xml_put(&w, "tds:DateTimeType", ntp ? "NTP" : "Manual");
	xml_put_bool(&w, "tds:DaylightSavings", old->daylight);
	if (old->zone[0] != '\0') {
		xml_open(&w, "tds:TimeZone");
		xml_put(&w, "tt:TZ", old->zone);
		xml_close(&w);
	}
	if (!ntp)
		time_write_utc(&w, ctx_now_ms(c->env.ctx));
	xml_close(&w);
	ret = onvif_call(c, ONVIF_DEVICE_CALL("SetSystemDateAndTime",
	    CALL_CHANGES), &w, NULL, why);
	xml_out_fini(&w);
	/* Whatever came of it, the offset is another one now. */
	c->has_offset = false;
	return ret;
}

int
onvif_time_set(struct camera *c, struct cam_why *why)
{
	struct cam_time t;
	int ret = onvif_time_get(c, &t, why);

	/* A clock that says nonsense is what is to be mended. */
	if (ret < 0 && (why == NULL || why->code != CAM_CLOCK))
		return ret;
	if (ret < 0)
		memset(&t, 0, sizeof t);
	ret = time_send(c, &t, false, why);
	return ret < 0 ? ret : onvif_time_get(c, &t, why);
}

static void
time_write_server(struct xml_out *w, const char *server)
{
	uint8_t addr[16];
	bool v4 = inet_pton(AF_INET, server, addr) == 1;
	bool v6 = inet_pton(AF_INET6, server, addr) == 1;

	xml_open(w, "tds:NTPManual");
	xml_put(w, "tt:Type", v4 ? "IPv4" : v6 ? "IPv6" : "DNS");
	xml_put(w, v4 ? "tt:IPv4Address" : v6 ? "tt:IPv6Address" :
	    "tt:DNSname", server);
	xml_close(w);
}

int
onvif_time_ntp(struct camera *c, const char *const *servers, size_t n,
    struct cam_why *why)
{
	struct cam_time t;
	struct xml_out w;
	size_t i;
	int ret;

	if (n == 0 || n > TIME_SERVERS_MAX)
		return cam_fail_plain(why, CAMCA_EINVAL);
	ret = onvif_time_get(c, &t, why);
	if (ret < 0)
		return ret;
	xml_out_init(&w);
	xml_open(&w, "tds:SetNTP");
	xml_put_bool(&w, "tds:FromDHCP", false);
	for (i = 0; i < n; i++)
		time_write_server(&w, servers[i]);
	xml_close(&w);
	ret = onvif_call(c, ONVIF_DEVICE_CALL("SetNTP", CALL_CHANGES), &w,
	    NULL, why);
	xml_out_fini(&w);
	/* In this order: NTP without a server is a fault. */
	return ret < 0 ? ret : time_send(c, &t, true, why);
}
