/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

/* ---- for people ---- */

static void
print_items(FILE *f, const struct report *r, enum report_kind kind,
    const char *title, char mark)
{
	const struct report_item *it;
	bool titled = false;
	size_t i;

	for (i = 0; i < r->n; i++) {
		it = &r->items[i];
		if (it->kind != kind)
			continue;
		if (!titled)
			fprintf(f, "\n%s\n", title);
		titled = true;
		if (kind == REPORT_WRONG && it->file[0] != '\0')
			fprintf(f, "  %c %s: %s\n", mark, it->file, it->text);
		else
			fprintf(f, "  %c %s\n", mark, it->text);
	}
}

static const char *
print_status(const struct report *r, enum verify_status status)
{
	return status == VERIFY_GOOD ? report_word(r, "good", "hợp lệ") :
	    status == VERIFY_HOLD ? report_word(r, "on hold", "tạm ngừng") :
	    report_word(r, "revoked", "đã thu hồi");
}

/* How a certificate stood, in a sentence. */
static void
print_standing(FILE *f, const struct report *r,
    const struct verify_standing *s)
{
	char when[CTX_TIME_LEN];

	if (s->status != VERIFY_GOOD) {
		ctx_time_format(when, s->since_ms);
		fprintf(f, "%s (%s) %s %s", print_status(r, s->status),
		    verify_reason_name(s->reason), report_word(r, "since",
		    "từ"), when);
	} else if (s->before || s->after) {
		fputs(s->before ? report_word(r, "not valid yet",
		    "chưa đến hạn hiệu lực") : report_word(r, "ended",
		    "đã hết hạn"), f);
	} else {
		fputs(report_word(r, "in force", "đang có hiệu lực"), f);
	}
	if (s->disowned) {
		ctx_time_format(when, s->invalidity_ms);
		fprintf(f, "; %s %zu: %s %s", report_word(r,
		    "but said later, by event", "nhưng về sau theo sự kiện"),
		    s->disowned_event + 1, report_word(r,
		    "its key was not to be trusted from", "khóa không còn đáng "
		    "tin từ"), when);
	}
	fputc('\n', f);
}

static void
print_as_of(FILE *f, const struct verify *v)
{
	const struct report *r = &v->report;
	int64_t ms = v->conf.as_of_ms;
	size_t held = verify_held_at(v, ms), i;
	struct verify_standing s;
	char when[CTX_TIME_LEN];

	ctx_time_format(when, ms);
	fprintf(f, "\n%s %s (%s: %s)\n", report_word(r, "At", "Tại thời điểm"),
	    when, report_word(r, "device", "thiết bị"),
	    verify_state_at(v, ms));
	if (held < v->ncerts)
		fprintf(f, "  > %s %s\n", report_word(r, "The device held "
		    "certificate", "Thiết bị giữ chứng thư"),
		    v->certs[held].serial);
	else
		fprintf(f, "  > %s\n", report_word(r, "The device held no "
		    "certificate in force.", "Thiết bị không giữ chứng thư nào "
		    "đang có hiệu lực."));
	for (i = 0; i < v->ncerts; i++) {
		verify_standing_at(v, i, ms, &s);
		if (!s.issued)
			continue;
		fprintf(f, "    %s  ", v->certs[i].serial);
		print_standing(f, r, &s);
	}
	if (ms > v->events[v->nevents - 1].time_ms)
		fprintf(f, "    %s\n", report_word(r, "(The last event of the "
		    "bundle is older: later ones may say otherwise.)",
		    "(Sự kiện cuối của hồ sơ cũ hơn: sự kiện sau có thể nói "
		    "khác.)"));
}

void
verify_print(FILE *f, const struct verify *v, const char *title)
{
	const struct report *r = &v->report;

	fprintf(f, "%s\n", title);
	print_items(f, r, REPORT_WRONG, report_word(r, "WRONG, the first thing "
	    "found:", "SAI, điểm đầu tiên phát hiện:"), '!');
	if (r->wrong) {
		print_items(f, r, REPORT_PROVEN, report_word(r, "What held "
		    "until then:", "Những gì đúng trước đó:"), '+');
		fprintf(f, "\n%s\n", report_word(r, "Result: NOT OK. Do not "
		    "rely on this bundle.", "Kết quả: KHÔNG ĐẠT. Không dùng hồ "
		    "sơ này làm bằng chứng."));
		return;
	}
	print_items(f, r, REPORT_PROVEN, report_word(r, "Proven:",
	    "Đã chứng minh:"), '+');
	print_items(f, r, REPORT_OPEN, report_word(r, "Not proven, or for you "
	    "to compare:", "Chưa chứng minh, hoặc bạn cần đối chiếu:"), '-');
	if (v->conf.as_of)
		print_as_of(f, v);
	fprintf(f, "\n%s\n", report_word(r, "Result: OK.",
	    "Kết quả: ĐẠT."));
}

/* ---- for programs ---- */

static void
json_items(FILE *f, const struct report *r, enum report_kind kind,
    const char *name)
{
	const char *comma = "";
	size_t i;

	fprintf(f, ",\"%s\":[", name);
	for (i = 0; i < r->n; i++) {
		if (r->items[i].kind != kind)
			continue;
		fprintf(f, "%s{\"code\":", comma);
		report_json_text(f, r->items[i].code);
		fputs(",\"file\":", f);
		report_json_text(f, r->items[i].file);
		fputs(",\"text\":", f);
		report_json_text(f, r->items[i].text);
		fputc('}', f);
		comma = ",";
	}
	fputc(']', f);
}

static void
json_time(FILE *f, const char *name, int64_t ms)
{
	char when[CTX_TIME_LEN];

	ctx_time_format(when, ms);
	fprintf(f, ",\"%s\":\"%s\"", name, when);
}

static const char *
json_status(enum verify_status s)
{
	return s == VERIFY_GOOD ? "good" : s == VERIFY_HOLD ? "hold" :
	    "revoked";
}

static void
json_certs(FILE *f, const struct verify *v)
{
	const struct verify_cert *c;
	size_t i;

	fputs(",\"certificates\":[", f);
	for (i = 0; i < v->ncerts; i++) {
		c = &v->certs[i];
		fprintf(f, "%s{\"serial\":\"%s\",\"event\":%zu,"
		    "\"status\":\"%s\",\"reason\":\"%s\"", i > 0 ? "," : "",
		    c->serial, c->event + 1, json_status(c->status),
		    verify_reason_name(c->reason));
		json_time(f, "issued", c->issued_ms);
		json_time(f, "not_before", c->not_before_ms);
		json_time(f, "not_after", c->not_after_ms);
		if (c->status != VERIFY_GOOD)
			json_time(f, "since", c->since_ms);
		fputc('}', f);
	}
	fputc(']', f);
}

static void
json_standing(FILE *f, const struct verify *v, size_t i,
    const struct verify_standing *s)
{
	fprintf(f, "{\"serial\":\"%s\",\"in_force\":%s,\"status\":\"%s\","
	    "\"reason\":\"%s\",\"ended\":%s,\"disowned_later\":%s",
	    v->certs[i].serial, verify_in_force(s) ? "true" : "false",
	    json_status(s->status), verify_reason_name(s->reason),
	    s->after ? "true" : "false", s->disowned ? "true" : "false");
	if (s->status != VERIFY_GOOD)
		json_time(f, "since", s->since_ms);
	if (s->disowned)
		json_time(f, "invalid_from", s->invalidity_ms);
	fputc('}', f);
}

static void
json_as_of(FILE *f, const struct verify *v)
{
	int64_t ms = v->conf.as_of_ms;
	size_t held = verify_held_at(v, ms), i;
	struct verify_standing s;
	const char *comma = "";

	fprintf(f, ",\"as_of\":{\"state\":\"%s\",\"held\":",
	    verify_state_at(v, ms));
	if (held < v->ncerts)
		fprintf(f, "\"%s\"", v->certs[held].serial);
	else
		fputs("null", f);
	json_time(f, "time", ms);
	fputs(",\"certificates\":[", f);
	for (i = 0; i < v->ncerts; i++) {
		verify_standing_at(v, i, ms, &s);
		if (!s.issued)
			continue;
		fputs(comma, f);
		json_standing(f, v, i, &s);
		comma = ",";
	}
	fputs("]}", f);
}

static void
json_record(FILE *f, const struct verify *v)
{
	const struct checkpoint *c = &v->verdict.checkpoint;
	char root[2 * TREE_HASH_LEN + 1];

	enc_hex(root, c->root.b, sizeof c->root.b);
	fprintf(f, ",\"device\":\"%s\",\"events\":%zu,\"origin\":", v->device,
	    v->nevents);
	report_json_text(f, c->origin);
	fprintf(f, ",\"size\":%lld,\"root\":\"%s\",\"witnesses\":%d,"
	    "\"timestamps\":%zu", (long long)c->size, root,
	    v->verdict.witnesses, v->nstamps);
	json_time(f, "first", v->events[0].time_ms);
	json_time(f, "last", v->events[v->nevents - 1].time_ms);
	json_certs(f, v);
	if (v->conf.as_of)
		json_as_of(f, v);
}

void
verify_print_json(FILE *f, const struct verify *v, const char *title)
{
	const struct report *r = &v->report;

	fputs("{\"bundle\":", f);
	report_json_text(f, title);
	fprintf(f, ",\"result\":\"%s\"", r->wrong ? "wrong" : "ok");
	json_items(f, r, REPORT_WRONG, "wrong");
	json_items(f, r, REPORT_PROVEN, "proven");
	json_items(f, r, REPORT_OPEN, "open");
	/* What did not hold is not told as if it were so. */
	if (!r->wrong)
		json_record(f, v);
	fputs("}\n", f);
}
