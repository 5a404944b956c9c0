/* SPDX-License-Identifier: Apache-2.0 */
/* The one checkpoint that all proofs end in: who signed it, who else did, and
 * that each event is under it. */
#include <stdlib.h>
#include <string.h>

#include "ca/verify/verify_int.h"

#define LOG_CHECKPOINT "checkpoint"
#define LOG_POLICY "policy.tlog"

/* The policy that counts. */
static const struct tlog_policy *
verify_policy(const struct verify *v)
{
	return v->given != NULL ? v->given : v->own;
}

/* A key stands in its one spelling (hex has two). */
static int
log_key_spelled(struct verify *v, const struct note_key *k)
{
	const struct file *own = files_find(v->f, LOG_POLICY);
	struct buf text;
	int ret;

	buf_init(&text, 0);
	ret = note_key_text(k, &text);
	if (ret == CAMCA_OK && memmem(own->p, own->n, text.data,
	    text.len) == NULL)
		ret = report_wrong(&v->report, "policy", LOG_POLICY,
		    "A key of %s is not written as it has to be.",
		    "Khóa của %s không viết đúng quy cách.", k->name);
	buf_fini(&text);
	return ret;
}

static int
log_keys_spelled(struct verify *v)
{
	size_t i, logs = tlog_policy_logs(v->own);
	const char *name, *url;
	int ret = CAMCA_OK;

	for (i = 0; i < logs + tlog_policy_witnesses(v->own) &&
	    ret == CAMCA_OK; i++)
		ret = log_key_spelled(v, i < logs ? tlog_policy_log(v->own,
		    i) : tlog_policy_witness(v->own, i - logs, &name, &url));
	return ret;
}

static int
log_policies(struct verify *v)
{
	const struct file *own = files_find(v->f, LOG_POLICY);
	const struct buf *given = v->conf.policy;
	struct refusal why = { .http = 0 };
	int ret = tlog_policy_parse(&v->own, own->p, own->n, &why);

	if (ret < 0)
		return report_refused(&v->report, ret, "policy", LOG_POLICY,
		    &why);
	ret = log_keys_spelled(v);
	if (ret < 0 || given == NULL)
		return ret;
	ret = tlog_policy_parse(&v->given, given->data, given->len, &why);
	if (ret < 0)
		return report_refused(&v->report, ret, "policy", "--policy",
		    &why);
	if (given->len != own->n || memcmp(given->data, own->p, own->n) != 0)
		report_add(&v->report, REPORT_OPEN, "policy.other", LOG_POLICY,
		    "The bundle brings another policy than the one you gave; "
		    "yours was used.", "Chính sách trong hồ sơ khác với tệp "
		    "bạn đưa vào; tệp của bạn được dùng.");
	return CAMCA_OK;
}

static bool
log_key_is(const struct note_key *k, const struct note_sig *s)
{
	return strlen(k->name) == s->name_len &&
	    memcmp(k->name, s->name, s->name_len) == 0 &&
	    memcmp(k->id, s->id, sizeof k->id) == 0;
}

static bool
log_known(const struct tlog_policy *p, const struct note_sig *s)
{
	const char *name, *url;
	size_t i;

	for (i = 0; i < tlog_policy_logs(p); i++)
		if (log_key_is(tlog_policy_log(p, i), s))
			return true;
	for (i = 0; i < tlog_policy_witnesses(p); i++)
		if (log_key_is(tlog_policy_witness(p, i, &name, &url), s))
			return true;
	return false;
}

/* The bundle's maker wrote policy and checkpoint to fit: a key of the log that
 * has not signed, or a line that nobody can check, is a sign of meddling. */
static int
log_own_fits(struct verify *v, const struct note *n)
{
	size_t i;

	for (i = 0; i < tlog_policy_logs(v->own); i++)
		if (note_check(n, tlog_policy_log(v->own, i), NULL) < 0)
			return report_wrong(&v->report, "checkpoint.key",
			    LOG_CHECKPOINT, "Key %zu of the log in policy.tlog "
			    "has not signed it.", "Khóa thứ %zu của nhật ký "
			    "trong policy.tlog không ký tệp này.", i + 1);
	for (i = 0; i < n->nsigs; i++)
		if (!log_known(v->own, &n->sigs[i]))
			return report_wrong(&v->report, "checkpoint.unknown",
			    LOG_CHECKPOINT, "Signature line %zu is of a key "
			    "that policy.tlog does not name.", "Dòng chữ ký "
			    "thứ %zu thuộc một khóa không có trong "
			    "policy.tlog.", i + 1);
	return CAMCA_OK;
}

static int
log_note(struct verify *v)
{
	struct refusal why = { .http = 0 };
	struct note *n = malloc(sizeof *n);
	int ret;

	if (n == NULL)
		return CAMCA_ENOMEM;
	ret = note_parse(n, v->checkpoint->p, v->checkpoint->n, &why);
	if (ret == CAMCA_OK) {
		v->text_len = n->text_len;
		ret = tlog_policy_check(verify_policy(v), v->checkpoint->p,
		    v->checkpoint->n, &v->verdict, &why);
	}
	if (ret < 0)
		ret = report_refused(&v->report, ret, "checkpoint",
		    LOG_CHECKPOINT, &why);
	else if (v->given == NULL)
		ret = log_own_fits(v, n);
	free(n);
	return ret;
}

static int
log_quorum(struct verify *v)
{
	const struct tlog_verdict *d = &v->verdict;
	char when[CTX_TIME_LEN];

	if (!d->quorum)
		return report_wrong(&v->report, "checkpoint.quorum",
		    LOG_CHECKPOINT, "Of the witnesses that the policy asks "
		    "for, only %d have signed: that is no quorum.",
		    "Chỉ có %d nhân chứng đã ký: chưa đủ số mà chính sách yêu "
		    "cầu.", d->witnesses);
	if (d->witnesses == 0) {
		report_add(&v->report, REPORT_OPEN, "witness.none", "",
		    "No witness has signed the checkpoint: the log alone says "
		    "that it shows everybody the same history.",
		    "Không có nhân chứng nào ký: chỉ riêng nhật ký khẳng định "
		    "rằng mọi người đều thấy cùng một lịch sử.");
		return CAMCA_OK;
	}
	ctx_time_format(when, d->witnessed_s * 1000);
	report_add(&v->report, REPORT_PROVEN, "witness", LOG_CHECKPOINT,
	    "%d witnesses have signed the checkpoint, the first of them at "
	    "%s by its own clock: each remembers it, and signs no other "
	    "history.", "%d nhân chứng đã ký điểm kiểm soát, sớm nhất lúc %s "
	    "theo đồng hồ của nhân chứng đó: họ lưu lại và không ký lịch sử "
	    "nào khác.", d->witnesses, when);
	return CAMCA_OK;
}

int
verify_log(struct verify *v)
{
	const struct checkpoint *c = &v->verdict.checkpoint;
	int ret;

	v->checkpoint = files_find(v->f, LOG_CHECKPOINT);
	if ((ret = log_policies(v)) < 0 || (ret = log_note(v)) < 0)
		return ret;
	report_add(&v->report, REPORT_PROVEN, "checkpoint", LOG_CHECKPOINT,
	    "The log %s has signed a checkpoint of its first %lld entries "
	    "(%s%s%s).", "Nhật ký %s đã ký điểm kiểm soát cho %lld mục đầu "
	    "tiên (%s%s%s).", c->origin, (long long)c->size,
	    v->verdict.log_ed25519 > 0 ? "Ed25519" : "",
	    v->verdict.log_ed25519 > 0 && v->verdict.log_ecdsa > 0 ?
	    ", " : "", v->verdict.log_ecdsa > 0 ? "ECDSA" : "");
	return log_quorum(v);
}

/* ---- proofs ---- */

static int
log_proof(struct verify *v, size_t i)
{
	struct verify_event *e = &v->events[i];
	const struct checkpoint *c = &v->verdict.checkpoint;
	struct refusal why = { .http = 0 };
	char name[BUNDLE_NAME_MAX];
	const struct file *x;
	struct tlog_proof p;
	int ret;

	snprintf(name, sizeof name, "events/%06zu.tlog-proof", i + 1);
	x = files_find(v->f, name);
	if (x == NULL)
		return report_wrong(&v->report, "proof.missing", name,
		    "The event has no proof.", "Sự kiện không có bằng chứng.");
	ret = tlog_proof_parse(&p, x->p, x->n, &why);
	if (ret < 0)
		return report_refused(&v->report, ret, "proof", name, &why);
	if (p.extra != NULL || p.note_len != v->checkpoint->n ||
	    memcmp(p.note, v->checkpoint->p, p.note_len) != 0)
		return report_wrong(&v->report, "proof.checkpoint", name,
		    "The proof does not end in the checkpoint of this bundle.",
		    "Bằng chứng không kết thúc ở điểm kiểm soát của hồ sơ.");
	ret = tree_check_inclusion(p.index, c->size, &e->leaf, &p.proof,
	    &c->root);
	if (ret == CAMCA_ECRYPTO)
		return ret;
	if (ret < 0)
		return report_wrong(&v->report, "proof.wrong", name,
		    "The event is not entry %lld of the log: it was altered, "
		    "or the proof was.", "Sự kiện không phải mục %lld của nhật "
		    "ký: sự kiện hoặc bằng chứng đã bị sửa.",
		    (long long)p.index);
	if (i > 0 && p.index <= e[-1].index)
		return report_wrong(&v->report, "proof.order", name,
		    "The event stands in the log before the one that it "
		    "follows.", "Sự kiện đứng trước sự kiện liền trước nó "
		    "trong nhật ký.");
	e->index = p.index;
	return CAMCA_OK;
}

int
verify_proofs(struct verify *v)
{
	size_t i;
	int ret;

	for (i = 0; i < v->nevents; i++)
		if ((ret = log_proof(v, i)) < 0)
			return ret;
	if (files_count(v->f, BUNDLE_PROOF) != v->nevents)
		return report_wrong(&v->report, "proof.extra", "",
		    "There are more proofs than events.",
		    "Số bằng chứng nhiều hơn số sự kiện.");
	report_add(&v->report, REPORT_PROVEN, "proofs", "",
	    "Each event is an entry of the log under that checkpoint, byte by "
	    "byte (the last one is entry %lld).", "Từng sự kiện là một mục của "
	    "nhật ký dưới điểm kiểm soát đó, đúng từng byte (sự kiện cuối là "
	    "mục %lld).", (long long)v->events[v->nevents - 1].index);
	return CAMCA_OK;
}
