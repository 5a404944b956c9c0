/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the files of a bundle. Hashes and signatures would end nearly
 * every try at once, so MANIFEST is made anew, and the later steps are also run
 * on what the first ones would have refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/custody/bundle.h"
#include "ca/verify/verify_int.h"
#include "tests/fuzz/replay.h"

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
print(const struct verify *v)
{
	static FILE *null;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	check(null != NULL);
	verify_print(null, v, "bundle");
	verify_print_json(null, v, "bundle");
}

/* A verdict is a reason or none, and never both. */
static void
whole(const struct files *f, enum report_lang lang)
{
	struct verify_conf conf = { .lang = lang, .as_of = true,
	    .as_of_ms = 1795343792123 };
	const struct report *r;
	struct verify *v;
	int ret;

	check(verify_new(&v, &conf) == 0);
	ret = verify_run(v, f);
	r = verify_report(v);
	check(ret == 0 || ret == CAMCA_EPOLICY);
	check(r->wrong == (ret == CAMCA_EPOLICY));
	check(!r->wrong || r->items[r->n - 1].kind == REPORT_WRONG);
	print(v);
	verify_free(v);
}

/* Takes back what was found: the next step is tried all the same. */
static void
forget(struct verify *v)
{
	v->report.wrong = false;
	v->report.n = 0;
}

static void
steps(const struct files *f)
{
	struct verify_conf conf = { .lang = REPORT_EN };
	struct verify *v;

	check(verify_new(&v, &conf) == 0);
	v->f = f;
	v->checkpoint = files_find(f, "checkpoint");
	if (verify_manifest(v) == 0 && verify_events(v) == 0) {
		v->text_len = v->checkpoint->n;
		(void)!verify_stamps(v);
		forget(v);
		if (verify_certs(v) == 0) {
			(void)!verify_crls(v);
			forget(v);
			(void)!verify_ocsp(v);
		}
	}
	verify_free(v);
}

static void
repair(struct files *f)
{
	struct manifest m = { .list = NULL };
	struct buf text;
	size_t i;

	buf_init(&text, 0);
	for (i = 0; i < f->n; i++) {
		if (f->list[i].kind == BUNDLE_MANIFEST)
			continue;
		check(manifest_add_bytes(&m, f->list[i].name, f->list[i].p,
		    f->list[i].n) == 0);
	}
	check(manifest_text(&m, &text) == 0);
	for (i = 0; i < f->n; i++)
		if (f->list[i].kind == BUNDLE_MANIFEST) {
			free(f->list[i].p);
			f->list[i].p = (uint8_t *)strdup(buf_str(&text));
			f->list[i].n = text.len;
			check(f->list[i].p != NULL);
		}
	buf_fini(&text);
	manifest_fini(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct files f = { .list = NULL };
	struct refusal why = { .http = 0 };
	int ret = files_unpack(&f, data, size, &why);

	check(ret == 0 || why.http == 400 || why.http == 413);
	if (ret == 0) {
		whole(&f, REPORT_EN);
		repair(&f);
		whole(&f, REPORT_VI);
		steps(&f);
	}
	files_fini(&f);
	return 0;
}
