/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle that holds does not prove, and what its reader has to compare
 * by himself. */
#include <openssl/evp.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

static int
open_hash(const void *p, size_t n, char out[static 65])
{
	uint8_t hash[32];

	if (EVP_Digest(p, n, hash, NULL, EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	enc_hex(out, hash, sizeof hash);
	return CAMCA_OK;
}

/* One key of the policy that came with the bundle. */
static int
open_key(struct verify *v, const struct note_key *k, bool log)
{
	char hex[65];
	struct buf text;
	int ret;

	buf_init(&text, 0);
	ret = note_key_text(k, &text);
	if (ret == CAMCA_OK)
		ret = open_hash(text.data, text.len, hex);
	buf_fini(&text);
	if (ret < 0)
		return ret;
	report_add(&v->report, REPORT_OPEN, log ? "key.log" : "key.witness",
	    "policy.tlog", "Key of the %s %s (%s): SHA-256 of its text is %s.",
	    "Khóa của %s %s (%s): SHA-256 của dòng khóa là %s.",
	    report_word(&v->report, log ? "log" : "witness", log ? "nhật ký" :
	    "nhân chứng"), k->name, k->alg == NOTE_ECDSA ? "ECDSA" : "Ed25519",
	    hex);
	return CAMCA_OK;
}

static int
open_keys(struct verify *v)
{
	const char *name, *url;
	size_t i;
	int ret;

	if (v->given != NULL)
		return CAMCA_OK;
	report_add(&v->report, REPORT_OPEN, "policy.own", "policy.tlog",
	    "The keys of the log and of its witnesses come from the bundle "
	    "itself: compare them with those that were published, or use "
	    "--policy.", "Khóa của nhật ký và nhân chứng lấy từ chính hồ sơ: "
	    "hãy đối chiếu với khóa đã công bố hoặc dùng --policy.");
	for (i = 0; i < tlog_policy_logs(v->own); i++)
		if ((ret = open_key(v, tlog_policy_log(v->own, i), true)) < 0)
			return ret;
	for (i = 0; i < tlog_policy_witnesses(v->own); i++)
		if ((ret = open_key(v, tlog_policy_witness(v->own, i, &name,
		    &url), false)) < 0)
			return ret;
	return CAMCA_OK;
}

static int
open_roots(struct verify *v)
{
	char hex[65];
	X509 *c;
	int i;

	for (i = 0; v->conf.trust == NULL && i < sk_X509_num(v->chain); i++) {
		c = sk_X509_value(v->chain, i);
		if (!verify_self_signed(c))
			continue;
		if (verify_fingerprint(c, hex) < 0)
			return CAMCA_ECRYPTO;
		report_add(&v->report, REPORT_OPEN, "root.own", "ca-chain.pem",
		    "The root certificate comes from the bundle itself: "
		    "compare sha256:%s with what was published, or use "
		    "--trust.", "Chứng thư gốc lấy từ chính hồ sơ: hãy đối "
		    "chiếu sha256:%s với giá trị đã công bố hoặc dùng "
		    "--trust.", hex);
	}
	return CAMCA_OK;
}

static void
open_times(struct verify *v)
{
	if (v->nstamps == 0)
		report_add(&v->report, REPORT_OPEN, "stamp.none", "",
		    "There is no time-stamp of a third party: the times are "
		    "those of the authority's own clock.", "Không có dấu thời "
		    "gian của bên thứ ba: thời gian chỉ theo đồng hồ của hệ "
		    "thống cấp chứng thư.");
	else if (v->conf.tsa == NULL)
		report_add(&v->report, REPORT_OPEN, "stamp.own", "",
		    "The certificates of the time-stamps come from the bundle "
		    "itself: compare them, or use --tsa.", "Chứng thư của dấu "
		    "thời gian lấy từ chính hồ sơ: hãy đối chiếu hoặc dùng "
		    "--tsa.");
	if (v->back_ms > VERIFY_SKEW_MS)
		report_add(&v->report, REPORT_OPEN, "events.clock", "",
		    "The clock of the authority was set back by %lld seconds "
		    "between two events: their order is proven, times before "
		    "that step are not exact.", "Đồng hồ của hệ thống bị chỉnh "
		    "lùi %lld giây giữa hai sự kiện: thứ tự được chứng minh, "
		    "thời gian trước đó không chính xác.",
		    (long long)(v->back_ms / 1000));
}

/* A list of revoked certificates is silent about those that have ended (RFC
 * 5280 3.3): a revocation that was taken off the end shows nowhere. */
static void
open_ended(struct verify *v)
{
	const struct verify_cert *c;
	size_t i, n = 0;

	for (i = 0; i < v->ncerts; i++) {
		c = &v->certs[i];
		n += !c->listed && c->not_after_ms <= c->crl_ms;
	}
	if (n > 0)
		report_add(&v->report, REPORT_OPEN, "crl.ended", "",
		    "%zu certificates had ended when the CRLs were made, which "
		    "do not name such ones any longer: that they were not "
		    "revoked later is what the events here say alone.",
		    "%zu chứng thư đã hết hạn khi lập CRL nên CRL không còn "
		    "ghi: việc chúng không bị thu hồi về sau chỉ dựa vào các "
		    "sự kiện trong hồ sơ.", n);
}

int
verify_open(struct verify *v)
{
	int ret;

	/* After the last event that is here, not after the checkpoint: what was
	 * taken off the end leaves no gap. */
	report_add(&v->report, REPORT_OPEN, "later", "",
	    "There may be later events of this device, after entry %lld of "
	    "the log, the last one here: a newer bundle, or the log itself, "
	    "has them.", "Có thể còn sự kiện của thiết bị sau mục %lld của "
	    "nhật ký, là sự kiện cuối trong hồ sơ: hồ sơ mới hơn hoặc chính "
	    "nhật ký sẽ có.", (long long)v->events[v->nevents - 1].index);
	/* Who makes the log forget a device gets a second chain of it. */
	if (!v->registered)
		report_add(&v->report, REPORT_OPEN, "events.begin", "",
		    "The first event here is not the registration of the "
		    "device: the log may have an earlier record of it.",
		    "Sự kiện đầu tiên không phải là việc đăng ký thiết bị: "
		    "nhật ký có thể còn hồ sơ trước đó của thiết bị.");
	report_add(&v->report, REPORT_OPEN, "truth", "",
	    "It is proven what was recorded, and that it was not changed "
	    "since; not that what was recorded is true.", "Điều được chứng "
	    "minh là nội dung đã ghi và việc nó không bị sửa từ đó; không phải "
	    "là nội dung ấy đúng sự thật.");
	open_ended(v);
	open_times(v);
	ret = open_keys(v);
	return ret < 0 ? ret : open_roots(v);
}
