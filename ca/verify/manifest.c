/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

#define MANIFEST "MANIFEST"
#define HEX_LEN 64

struct manifest_line {
	char hex[HEX_LEN + 1];
	char name[BUNDLE_NAME_MAX];
};

static int
manifest_bad(struct verify *v, size_t line)
{
	return report_wrong(&v->report, "manifest.line", MANIFEST,
	    "Line %zu is not 'SHA-256, two spaces, name of a file', above the "
	    "line before.", "Dòng %zu không có dạng 'SHA-256, hai dấu cách, "
	    "tên tệp' hoặc không theo thứ tự.", line);
}

/* Takes one line off *p. The order is that of the names, each above the one
 * before: no name can be there twice. */
static bool
manifest_take(const char **p, const char *end, struct manifest_line *out)
{
	const char *lf = memchr(*p, '\n', (size_t)(end - *p)), *name;
	size_t i, n;

	if (lf == NULL || lf - *p < HEX_LEN + 3)
		return false;
	for (i = 0; i < HEX_LEN; i++)
		if (strchr("0123456789abcdef", (*p)[i]) == NULL ||
		    (*p)[i] == '\0')
			return false;
	memcpy(out->hex, *p, HEX_LEN);
	out->hex[HEX_LEN] = '\0';
	name = *p + HEX_LEN + 2;
	n = (size_t)(lf - name);
	if (memcmp(*p + HEX_LEN, "  ", 2) != 0 ||
	    bundle_kind(name, n) == BUNDLE_NONE ||
	    bundle_kind(name, n) == BUNDLE_MANIFEST)
		return false;
	memcpy(out->name, name, n);
	out->name[n] = '\0';
	*p = lf + 1;
	return true;
}

static int
manifest_hash(struct verify *v, const struct file *x, const char *hex)
{
	uint8_t hash[32];
	char now[HEX_LEN + 1];

	if (EVP_Digest(x->p, x->n, hash, NULL, EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	enc_hex(now, hash, sizeof hash);
	if (strcmp(now, hex) == 0)
		return CAMCA_OK;
	return report_wrong(&v->report, "manifest.hash", x->name,
	    "The file was altered: MANIFEST has another SHA-256 for it.",
	    "Tệp đã bị sửa: SHA-256 khác với giá trị ghi trong MANIFEST.");
}

static int
manifest_extra(struct verify *v, const struct file *x)
{
	return report_wrong(&v->report, "manifest.extra", x->name,
	    "The file is not in MANIFEST: it was added.",
	    "Tệp không có trong MANIFEST: đã bị thêm vào.");
}

/* The next file of the folder must be that of the line. */
static int
manifest_match(struct verify *v, size_t *at, const struct manifest_line *l)
{
	const struct files *f = v->f;
	const struct file *x = *at < f->n ? &f->list[*at] : NULL;
	int c;

	if (x != NULL && x->kind == BUNDLE_MANIFEST) {
		++*at;
		return manifest_match(v, at, l);
	}
	c = x != NULL ? strcmp(x->name, l->name) : 1;
	if (c < 0)
		return manifest_extra(v, x);
	if (c > 0)
		return report_wrong(&v->report, "manifest.missing", l->name,
		    "The file is in MANIFEST, but not in the bundle.",
		    "Tệp có trong MANIFEST nhưng không có trong hồ sơ.");
	++*at;
	return manifest_hash(v, x, l->hex);
}

/* What every bundle has. */
static int
manifest_needed(struct verify *v)
{
	static const char *const names[] = { "README.txt", "ca-chain.pem",
	    "checkpoint", "policy.tlog", "events/000001.event" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (files_find(v->f, names[i]) == NULL)
			return report_wrong(&v->report, "bundle.missing",
			    names[i], "A bundle without this file is none.",
			    "Hồ sơ phải có tệp này.");
	return CAMCA_OK;
}

int
verify_manifest(struct verify *v)
{
	const struct file *m = files_find(v->f, MANIFEST);
	struct manifest_line l = { .name = "" };
	char before[BUNDLE_NAME_MAX];
	size_t at = 0, line;
	const char *p, *end;
	int ret;

	if (m == NULL)
		return report_wrong(&v->report, "bundle.missing", MANIFEST,
		    "A bundle without this file is none.",
		    "Hồ sơ phải có tệp này.");
	p = (const char *)m->p;
	end = p + m->n;
	for (line = 1; p < end; line++) {
		memcpy(before, l.name, sizeof before);
		if (!manifest_take(&p, end, &l) ||
		    strcmp(before, l.name) >= 0)
			return manifest_bad(v, line);
		if ((ret = manifest_match(v, &at, &l)) < 0)
			return ret;
	}
	if (at < v->f->n && v->f->list[at].kind == BUNDLE_MANIFEST)
		at++;
	if (at < v->f->n)
		return manifest_extra(v, &v->f->list[at]);
	if ((ret = manifest_needed(v)) < 0)
		return ret;
	report_add(&v->report, REPORT_PROVEN, "manifest", "",
	    "The bundle has exactly the %zu files that MANIFEST names, and "
	    "each is as it was when MANIFEST was written.",
	    "Hồ sơ có đúng %zu tệp ghi trong MANIFEST, và từng tệp không thay "
	    "đổi từ khi MANIFEST được lập.", v->f->n - 1);
	return CAMCA_OK;
}
