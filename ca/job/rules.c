/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/rules.h"

#include <stdio.h>
#include <string.h>

#include "ca/base/job_wire.h"
#include "ca/base/yaml.h"

#define SECOND_MS 1000LL
#define MINUTE_MS 60000LL
#define HOUR_MS 3600000LL
#define DAY_MS 86400000LL
#define YEAR_MS (366 * DAY_MS)
#define EVERY_DAY 0x7fu

static const char *const rules_days[] = { "mon", "tue", "wed", "thu", "fri",
	"sat", "sun", NULL };
static const char *const rules_fallbacks[] = { "none", "watch", "hold", NULL };

static const struct job_level level_shipped = {
	.rotate_every_ms = 90 * DAY_MS, .observe_every_ms = 7 * DAY_MS,
	.crl_every_ms = 7 * DAY_MS, .renew_at = 66,
	.window = { false, 22 * 60, 4 * 60, EVERY_DAY },
	.jitter_ms = 2 * HOUR_MS, .http_off = true, .discovery_off = true };

void
job_rules_shipped(struct job_rules *out)
{
	static const struct job_rules shipped = { .offset_min = 7 * 60,
		.lease_ms = 120 * SECOND_MS, .attempts = 5,
		.pause_ms = 10 * MINUTE_MS, .retry_after_ms = 6 * HOUR_MS,
		.keep_ms = 366 * DAY_MS,
		.batch = 50, .stop_after = 3, .login_budget = 3,
		.login_window_ms = 10 * MINUTE_MS, .try_factory = true,
		.tls_wait_ms = 60 * SECOND_MS,
		.password_wait_ms = 10 * SECOND_MS,
		.clock_off_ms = 5 * MINUTE_MS, .fallback = FALLBACK_HOLD,
		.service_account = "camca-svc",
		.label = { "camera", "rsa" }, .labels = 2 };
	size_t i;

	*out = shipped;
	for (i = 0; i < 5; i++)
		out->levels[i] = level_shipped;
	for (i = 2; i < 5; i++) {
		out->levels[i].rotate_every_ms = 30 * DAY_MS;
		out->levels[i].observe_every_ms = DAY_MS;
		out->levels[i].crl_every_ms = DAY_MS;
	}
}

/* ---- texts ---- */

static int
rules_texts(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char *out, size_t size, size_t max, size_t *n)
{
	struct yaml_node *seq, *item;
	const char *s;
	size_t i;

	if (yaml_seq(d, m, key, true, max, &seq) < 0)
		return CAMCA_EINVAL;
	*n = 0;
	for (i = 0; i < yaml_seq_len(seq); i++) {
		item = yaml_seq_at(seq, i);
		s = yaml_text(item);
		if (s == NULL || s[0] == '\0' || strlen(s) >= size)
			return yaml_fail(d, item, "%s: a text of 1 to %zu "
			    "bytes is needed", key, size - 1);
		snprintf(out + *n * size, size, "%s", s);
		++*n;
	}
	return CAMCA_OK;
}

static int
rules_surfaces(struct yaml_doc *d, struct yaml_node *m, struct job_rules *r)
{
	struct job_surface s;
	size_t i;

	if (rules_texts(d, m, "login_paths", r->path[0], sizeof r->path[0],
	    JOB_PATHS_MAX, &r->paths) < 0)
		return CAMCA_EINVAL;
	for (i = 0; i < r->paths; i++)
		if (!job_surface_parse(r->path[i], &s))
			return yaml_fail(d, yaml_get(d, m, "login_paths"),
			    "login_paths: \"/path\", \"rtsp:/path\" or "
			    "\"rtsp:PORT/path\" is needed");
	return CAMCA_OK;
}

/* May be empty, but must be there. */
static int
rules_text(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char *out, size_t size)
{
	bool missing = yaml_get(d, m, key) == NULL;
	const char *s = "";

	if (yaml_str(d, m, key, missing, size - 1, &s) < 0)
		return CAMCA_EINVAL;
	snprintf(out, size, "%s", s);
	return CAMCA_OK;
}

/* ---- one level ---- */

static int
rules_window(struct yaml_doc *d, struct yaml_node *m, struct job_window *w)
{
	struct yaml_node *days;
	const char *s = "";
	size_t i;
	int day;

	if (yaml_str(d, m, "window", true, 16, &s) < 0)
		return CAMCA_EINVAL;
	if (job_window_parse(s, w) < 0)
		return yaml_fail(d, yaml_get(d, m, "window"), "window: "
		    "\"22:00-04:00\" or \"any\" is needed");
	if (yaml_seq(d, m, "days", true, 7, &days) < 0)
		return CAMCA_EINVAL;
	w->days = 0;
	for (i = 0; i < yaml_seq_len(days); i++) {
		if (yaml_item_enum(d, yaml_seq_at(days, i), rules_days,
		    &day) < 0)
			return CAMCA_EINVAL;
		w->days |= 1u << day;
	}
	return w->days != 0 ? CAMCA_OK : yaml_fail(d, days,
	    "days: at least one day is needed");
}

static int
rules_level(struct yaml_doc *d, struct yaml_node *m, int64_t want,
    struct job_level *l)
{
	int64_t level = 0;

	if (yaml_int(d, m, "level", true, 1, 5, &level) < 0)
		return CAMCA_EINVAL;
	if (level != want)
		return yaml_fail(d, m, "levels: 1 to 5 are needed in this "
		    "order");
	if (yaml_duration(d, m, "rotate_every", true, 0, 5 * YEAR_MS,
	    &l->rotate_every_ms) < 0 ||
	    yaml_duration(d, m, "observe_every", true, 0, YEAR_MS,
	    &l->observe_every_ms) < 0 ||
	    yaml_duration(d, m, "crl_every", true, 0, YEAR_MS,
	    &l->crl_every_ms) < 0 ||
	    yaml_int(d, m, "renew_at", true, 1, 95, &l->renew_at) < 0 ||
	    rules_window(d, m, &l->window) < 0 ||
	    yaml_duration(d, m, "jitter", true, 0, 30 * DAY_MS,
	    &l->jitter_ms) < 0 ||
	    yaml_bool(d, m, "http_off", true, &l->http_off) < 0 ||
	    yaml_bool(d, m, "discovery_off", true, &l->discovery_off) < 0 ||
	    yaml_bool(d, m, "require_client_cert", true,
	    &l->require_client_cert) < 0)
		return CAMCA_EINVAL;
	return yaml_end(d, m);
}

static int
rules_levels(struct yaml_doc *d, struct yaml_node *m, struct job_rules *r)
{
	struct yaml_node *seq;
	size_t i;

	if (yaml_seq(d, m, "levels", true, 5, &seq) < 0)
		return CAMCA_EINVAL;
	if (yaml_seq_len(seq) != 5)
		return yaml_fail(d, seq, "levels: all five are needed");
	for (i = 0; i < 5; i++)
		if (rules_level(d, yaml_seq_at(seq, i), (int64_t)i + 1,
		    &r->levels[i]) < 0)
			return CAMCA_EINVAL;
	return CAMCA_OK;
}

/* ---- the file ---- */

static int
rules_numbers(struct yaml_doc *d, struct yaml_node *m, struct job_rules *r)
{
	if (yaml_int(d, m, "version", true, 1, INT32_MAX, &r->version) < 0 ||
	    yaml_duration(d, m, "lease", true, 10 * SECOND_MS, HOUR_MS,
	    &r->lease_ms) < 0 ||
	    yaml_int(d, m, "attempts", true, 1, 100, &r->attempts) < 0 ||
	    yaml_duration(d, m, "pause", true, 0, DAY_MS, &r->pause_ms) < 0 ||
	    yaml_duration(d, m, "keep", true, DAY_MS, 20 * YEAR_MS,
	    &r->keep_ms) < 0 ||
	    yaml_duration(d, m, "retry_after", true, MINUTE_MS, 30 * DAY_MS,
	    &r->retry_after_ms) < 0 ||
	    yaml_int(d, m, "batch", true, 1, 10000, &r->batch) < 0 ||
	    yaml_int(d, m, "stop_after_failures", true, 0, 10000,
	    &r->stop_after) < 0 ||
	    yaml_int(d, m, "login_budget", true, 2, 10,
	    &r->login_budget) < 0 ||
	    yaml_duration(d, m, "login_window", true, 0, DAY_MS,
	    &r->login_window_ms) < 0 ||
	    yaml_duration(d, m, "tls_wait", true, SECOND_MS, 10 * MINUTE_MS,
	    &r->tls_wait_ms) < 0 ||
	    yaml_duration(d, m, "password_wait", true, SECOND_MS,
	    10 * MINUTE_MS, &r->password_wait_ms) < 0 ||
	    yaml_duration(d, m, "clock_off", true, SECOND_MS, DAY_MS,
	    &r->clock_off_ms) < 0)
		return CAMCA_EINVAL;
	return CAMCA_OK;
}

static int
rules_offset(struct yaml_doc *d, struct yaml_node *m, struct job_rules *r)
{
	const char *s = "";

	if (yaml_str(d, m, "utc_offset", true, 8, &s) < 0)
		return CAMCA_EINVAL;
	if (job_offset_parse(s, &r->offset_min) < 0)
		return yaml_fail(d, yaml_get(d, m, "utc_offset"),
		    "utc_offset: \"+07:00\", \"-03:30\" or \"Z\" is needed");
	return CAMCA_OK;
}

static int
rules_read(struct yaml_doc *d, void *out)
{
	struct job_rules *r = out;
	struct yaml_node *m = yaml_top(d);

	if (m == NULL || rules_numbers(d, m, r) < 0 ||
	    rules_offset(d, m, r) < 0 ||
	    yaml_bool(d, m, "try_factory", true, &r->try_factory) < 0 ||
	    yaml_enum(d, m, "on_fallback", true, rules_fallbacks,
	    &r->fallback) < 0 ||
	    rules_text(d, m, "service_account", r->service_account,
	    sizeof r->service_account) < 0 ||
	    rules_texts(d, m, "ntp", r->ntp[0], sizeof r->ntp[0],
	    JOB_NTP_MAX, &r->ntps) < 0 ||
	    rules_surfaces(d, m, r) < 0 ||
	    rules_texts(d, m, "est_labels", r->label[0], sizeof r->label[0],
	    JOB_LABELS_MAX, &r->labels) < 0)
		return CAMCA_EINVAL;
	if (r->labels == 0)
		return yaml_fail(d, yaml_get(d, m, "est_labels"),
		    "est_labels: at least one is needed");
	if (rules_levels(d, m, r) < 0)
		return CAMCA_EINVAL;
	return yaml_end(d, m);
}

int
job_rules_load(struct job_rules *out, const char *path, char *error,
    size_t error_len)
{
	int ret;

	job_rules_shipped(out);
	ret = yaml_load(path, rules_read, out, error, error_len);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}
