/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/verify/verify.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "ca/verify/verify_int.h"

int
verify_new(struct verify **out, const struct verify_conf *conf)
{
	struct verify *v = calloc(1, sizeof *v);

	if (v == NULL)
		return CAMCA_ENOMEM;
	v->conf = *conf;
	v->report.lang = conf->lang;
	*out = v;
	return CAMCA_OK;
}

void
verify_free(struct verify *v)
{
	size_t i;

	if (v == NULL)
		return;
	for (i = 0; i < v->ncerts; i++)
		X509_free(v->certs[i].x);
	free(v->certs);
	free(v->changes);
	free(v->moves);
	free(v->events);
	sk_X509_pop_free(v->chain, X509_free);
	X509_STORE_free(v->store);
	X509_STORE_free(v->issuers);
	tlog_policy_free(v->own);
	tlog_policy_free(v->given);
	free(v);
}

/* From the outside in: what one step has shown, the next one relies on. */
int
verify_run(struct verify *v, const struct files *f)
{
	static int (*const steps[])(struct verify *) = { verify_manifest,
	    verify_log, verify_events, verify_proofs, verify_stamps,
	    verify_certs, verify_crls, verify_ocsp, verify_open };
	size_t i;
	int ret = CAMCA_OK;

	v->f = f;
	for (i = 0; i < sizeof steps / sizeof steps[0] && ret == CAMCA_OK;
	    i++)
		ret = steps[i](v);
	ERR_clear_error();
	return ret;
}

int
verify_unreadable(struct verify *v, int err, const struct refusal *why)
{
	return report_refused(&v->report, err, "bundle.file", "", why);
}

const struct report *
verify_report(const struct verify *v)
{
	return &v->report;
}
