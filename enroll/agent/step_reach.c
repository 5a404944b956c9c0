/* SPDX-License-Identifier: Apache-2.0 */
/* The first steps: who answers there, may we believe it, do we get in, and what
 * time does it think it is. */
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "enroll/agent/visit.h"

#define REACH_CLOCK_MS (60 * INT64_C(1000))

/* The link that a camera has before anything is known of its TLS. */
static int
reach_open(struct visit *v)
{
	const struct agent_reach *r = &v->job->reach;
	struct cam_link link = { .scheme = CAM_HTTP, .host = r->host,
	    .port = r->http_port };
	struct cam_why why = { 0 };
	int ret;

	if (v->cam != NULL)
		return CAMCA_OK;
	if (r->path[0] != '\0')
		link.path = r->path;
	if (r->http_port == 0)
		link.port = 80;
	ret = v->drv->open(&v->cam, &link, &v->env, &why);
	return ret < 0 ? visit_cam(v, ret, &why, "the camera is opened") :
	    CAMCA_OK;
}

/* Something else answers than what the inventory knows: a reset camera, another
 * one, or somebody who waits for a password. It gets none. */
static int
reach_fallback(struct visit *v)
{
	char hex[65];

	enc_hex(hex, v->served, sizeof v->served);
	visit_extra(v, "observation", json_pack("{s:{s:s}}", "served",
	    "sha256", hex));
	return visit_fail(v, "camera.fallback", "The certificate served there "
	    "is neither the one on record nor another one in force "
	    "(SHA-256 %s): no login was sent. Look at the camera; one that "
	    "was reset or replaced is accepted with \"camca device reach %s "
	    "--tls-sha256\" and this hash, and enrolled anew", hex,
	    v->job->device.id);
}

/* The first time there is nothing to compare with; afterwards there is. */
static bool
reach_first(const struct visit *v)
{
	const struct agent_job *j = v->job;

	return j->kind == JOB_ENROLL && j->mode != JOB_ROLLBACK &&
	    !j->reach.has_leaf;
}

static void
reach_tell_served(struct visit *v, const struct cam_served *s)
{
	static const char *const kinds[] = { "none", "known", "ours",
	    "other" };
	char hex[65], serial[64] = "";
	const ASN1_INTEGER *n;

	enc_hex(hex, s->sha256, 32);
	n = X509_get0_serialNumber(s->chain[0]);
	if (n != NULL && n->length > 0 && n->length < 32)
		enc_hex(serial, n->data, (size_t)n->length);
	visit_before(v, "TLS leaf %s (%s)", hex, kinds[v->leaf_seen]);
	/* The next visit believes what is told here. */
	if (v->leaf_seen != LEAF_OTHER || reach_first(v))
		visit_extra(v, "served", json_pack("{s:s, s:s}", "sha256",
		    hex, "serial", serial));
}

/* HTTPS is closed although this camera had it: switched off, or lost to the
 * factory's settings. Where not even HTTP answers, it is just away. */
static int
reach_no_tls(struct visit *v, int ret, const struct cam_why *why)
{
	struct cam_why other = { 0 };

	if (v->job->reach.http_port == 0 || ret == CAMCA_EBUSY ||
	    v->drv->time_get(v->cam, &v->time, &other) < 0)
		return visit_cam(v, ret, why, "TLS");
	visit_extra(v, "observation", json_pack("{s:n}", "served"));
	return visit_fail(v, "camera.tls-off", "HTTPS does not answer (%s), "
	    "but plain HTTP does: the camera was reset, or its TLS was "
	    "switched off, or somebody stands in between. No login was sent. "
	    "One that was reset is accepted with \"camca device reach %s "
	    "--tls-sha256\" and 64 zeros, and enrolled anew", why->text,
	    v->job->device.id);
}

/* HTTPS where it is there: even an unknown certificate keeps listeners out. */
static int
reach_tls(struct visit *v)
{
	struct cam_served s = { 0 };
	struct cam_why why = { 0 };
	int ret;

	v->leaf_seen = LEAF_NONE;
	ret = v->drv->served(v->cam, visit_https_port(v), &s, &why);
	if (ret == CAMCA_EBUSY || ret == CAMCA_ENOMEM)
		return visit_cam(v, ret, &why, "TLS");
	/* Whoever keeps us from TLS must not get a login in clear instead. */
	if (ret < 0 && !reach_first(v))
		return reach_no_tls(v, ret, &why);
	if (ret < 0) {
		visit_before(v, "no TLS: %s", why.text);
		if (v->job->reach.http_port == 0)
			return visit_cam(v, ret, &why, "TLS");
		return CAMCA_OK;
	}
	memcpy(v->served, s.sha256, 32);
	memcpy(v->before, s.sha256, 32);
	v->leaf_seen = visit_leaf_judge(v, &s);
	reach_tell_served(v, &s);
	cam_served_fini(&s);
	if (v->leaf_seen == LEAF_OTHER && !reach_first(v))
		return reach_fallback(v);
	return visit_pin(v, v->served);
}

int
step_reach(struct visit *v)
{
	struct cam_why why = { 0 };
	int ret;

	if ((ret = reach_open(v)) < 0 || (ret = reach_tls(v)) < 0)
		return ret;
	ret = v->drv->time_get(v->cam, &v->time, &why);
	if (ret < 0)
		return visit_cam(v, ret, &why, "the clock is read");
	v->time_known = true;
	ret = visit_login(v);
	if (ret == CAMCA_OK)
		visit_after(v, "%s://%s:%u", v->on_tls ? "https" : "http",
		    v->job->reach.host, v->on_tls ? visit_https_port(v) :
		    v->job->reach.http_port);
	return ret;
}

/* ---- clock ---- */

static int64_t
clock_off(const struct visit *v)
{
	return v->time.offset_ms < 0 ? -v->time.offset_ms : v->time.offset_ms;
}

static int
clock_read(struct visit *v)
{
	struct cam_why why = { 0 };
	int ret = v->drv->time_get(v->cam, &v->time, &why);

	return ret < 0 ? visit_cam(v, ret, &why, "the clock is read") :
	    CAMCA_OK;
}

static int
clock_ntp(struct visit *v)
{
	const struct agent_options *op = &v->job->options;
	const char *servers[AGENT_NTP_MAX];
	struct cam_why why = { 0 };
	size_t i;
	int ret;

	for (i = 0; i < op->ntp_count; i++)
		servers[i] = op->ntp[i];
	ret = v->drv->time_ntp(v->cam, servers, op->ntp_count, &why);
	if (ret == CAMCA_EPERM) {
		visit_detail(v, "NTP is not taken: %s", why.text);
		return CAMCA_OK;
	}
	if (ret == CAMCA_OK)
		visit_after(v, "NTP from %s", op->ntp[0]);
	return ret < 0 ? visit_cam(v, ret, &why, "NTP is set") : CAMCA_OK;
}

/* Time first: a certificate that is not valid yet, and a login that is too
 * old, both come from a clock that is off. */
int
step_clock(struct visit *v)
{
	struct cam_why why = { 0 };
	int64_t off;
	int ret = CAMCA_OK;

	if (!v->time_known && (ret = clock_read(v)) < 0)
		return ret;
	v->time_known = false;
	off = v->time.offset_ms;
	visit_before(v, "%+lld s, %s", (long long)(off / 1000),
	    v->time.ntp ? "NTP" : "manual");
	if (clock_off(v) > REACH_CLOCK_MS) {
		ret = v->drv->time_set(v->cam, &why);
		if (ret < 0)
			return visit_cam(v, ret, &why, "the clock is set");
	}
	if (v->job->options.ntp_count > 0 && (!v->time.ntp ||
	    clock_off(v) > REACH_CLOCK_MS) && (ret = clock_ntp(v)) < 0)
		return ret;
	else if (clock_off(v) <= REACH_CLOCK_MS &&
	    (v->time.ntp || v->job->options.ntp_count == 0))
		return VISIT_SKIPPED;
	if ((ret = clock_read(v)) < 0)
		return ret;
	visit_after(v, "%+lld s, %s", (long long)(v->time.offset_ms / 1000),
	    v->time.ntp ? "NTP" : "manual");
	if (clock_off(v) > REACH_CLOCK_MS)
		return visit_fail(v, "camera.clock", "The clock does not stay "
		    "where it is set: set it in the camera's menu (time "
		    "zone, NTP server)");
	return CAMCA_OK;
}
