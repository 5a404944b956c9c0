/* SPDX-License-Identifier: Apache-2.0 */
/* What a job would change on this camera, and how long video may pause: only
 * reads, and the logins of any visit. Each step is told as skipped, with what
 * it would do. */
#include <string.h>

#include "enroll/agent/visit.h"

#define PLAN_CLOCK_MS (60 * INT64_C(1000))

int
plan_clock(struct visit *v)
{
	int64_t off = v->time.offset_ms;

	visit_before(v, "%+lld s, %s", (long long)(off / 1000),
	    v->time.ntp ? "NTP" : "manual");
	if (v->job->mode == JOB_PLAN && (off > PLAN_CLOCK_MS ||
	    off < -PLAN_CLOCK_MS))
		visit_detail(v, "would be set to ours");
	return VISIT_SKIPPED;
}

int
plan_key(struct visit *v)
{
	const struct cam_caps *c = &v->caps;
	const struct visit_lists *l = &v->lists;
	int ret = visit_choose_key(v);

	if (ret < 0)
		return ret;
	visit_detail(v, "would make a %s key on the camera and ask for a "
	    "certificate under label \"%s\"", visit_key_name(v),
	    v->label->name);
	if (v->key_bits != 0)
		visit_detail(v, "%u bits: making it may take minutes",
		    v->key_bits);
	if (!visit_has_room(c->max_keys, l->keys.n, 1) ||
	    !visit_has_room(c->max_certs, l->certs.n, 2) ||
	    !visit_has_room(c->max_paths, l->paths.n, 1))
		visit_detail(v, "the keystore is full: what earlier jobs left "
		    "would be deleted first, the path to go back to included");
	return VISIT_SKIPPED;
}

int
plan_assign(struct visit *v)
{
	const char *old = v->lists.assigned.n > 0 ?
	    v->lists.assigned.v[0] : NULL;

	if (old != NULL)
		visit_detail(v, "would replace path %s as what the TLS server "
		    "shows; it stays until the new one is seen in a handshake",
		    old);
	else
		visit_detail(v, "would assign the first path and switch HTTPS "
		    "on, port %u", visit_https_port(v));
	/* Genetec's manuals say the same of their own tool. */
	visit_detail(v, "video over TLS may pause for some seconds, at most "
	    "%lld s, while the TLS server restarts; no reboot",
	    (long long)(v->job->options.tls_wait_ms / 1000));
	return VISIT_SKIPPED;
}

int
plan_back(struct visit *v)
{
	visit_detail(v, "would give the TLS server back to the path of the "
	    "factory and delete %s", "every path, certificate and key that "
	    "jobs of ours made");
	return VISIT_SKIPPED;
}

int
plan_account(struct visit *v)
{
	const char *user = v->job->options.service;
	const struct agent_account *a = job_account(v->job, user);

	if (user[0] != '\0' && (a == NULL || a->current[0] == '\0'))
		visit_detail(v, "would create the account %s (Administrator)",
		    user);
	return VISIT_SKIPPED;
}

int
plan_password(struct visit *v)
{
	const struct agent_job *j = v->job;
	size_t i;

	for (i = 0; i < j->accounts_count; i++) {
		const struct agent_account *a = &j->accounts[i];

		if (j->account != 0 ? a->id == j->account :
		    strcmp(a->role, "break-glass") != 0 &&
		    (j->kind != JOB_ENROLL ||
		    strcmp(a->user, j->options.service) != 0))
			visit_detail(v, "would change the password of %s: who "
			    "uses it (recorder, VMS) needs the new one, or "
			    "loses the picture", a->user);
	}
	return VISIT_SKIPPED;
}

int
plan_crl(struct visit *v)
{
	if (v->job->crl.len == 0)
		return VISIT_SKIPPED;
	if (!v->caps.keystore || v->caps.max_crls == 0)
		visit_detail(v, "the camera takes no CRLs");
	else if (v->caps.max_crls == 1)
		visit_detail(v, "would replace the CRL; with one slot there "
		    "is none for a moment");
	else
		visit_detail(v, "would upload the CRL, then delete the old "
		    "one");
	return VISIT_SKIPPED;
}

int
plan_protocols(struct visit *v)
{
	struct cam_digests d = { false, false };
	struct cam_why why = { 0 };

	if (v->job->options.require_client_cert)
		visit_detail(v, v->caps.keystore && v->caps.client_auth ?
		    "would ask everybody for a client certificate of this "
		    "authority: whoever has none loses the camera" :
		    "the camera cannot ask for client certificates");
	if (v->job->options.http_off)
		visit_detail(v, "would switch plain HTTP off: whoever still "
		    "uses it loses the camera");
	if (v->job->options.discovery_off)
		visit_detail(v, "would switch discovery off");
	if (v->caps.hashing && v->drv->digests(v->cam, &d, &why) == CAMCA_OK &&
	    d.md5 && !d.sha256)
		visit_detail(v, "would let logins use SHA-256 beside MD5");
	return VISIT_SKIPPED;
}

int
plan_collect(struct visit *v)
{
	size_t i;

	for (i = 0; i < v->lists.paths.n; i++)
		if (visit_is_ours(v, v->lists.paths.v[i].alias) &&
		    !visit_assigned(v, v->lists.paths.v[i].id))
			visit_detail(v, "path %s of an earlier job may go",
			    v->lists.paths.v[i].id);
	return VISIT_SKIPPED;
}
