/* SPDX-License-Identifier: Apache-2.0 */
/* custody_tamper FOLDER: meddles with a good bundle in every way that comes to
 * mind, in memory, and looks that the verifier rejects each and says why.
 *   flip      every bit of every file, MANIFEST as it was
 *   repair    a bit of each third byte, MANIFEST made anew: all but README.txt
 *   repair-all  the same with every bit of every byte (minutes)
 *   files     each file removed, others added; MANIFEST as it was and anew
 *   events    events dropped, swapped, doubled; numbers closed up again
 *   time      milliseconds of one verification
 *   pack      the folder as one block on standard output
 * ONLY=NAME: bits of files whose names begin so. VERBOSE=1: each reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/enc.h"
#include "ca/custody/bundle.h"
#include "ca/verify/verify.h"

static struct files good;
static unsigned long tried, failed;

/* ---- helpers ---- */

static void
die(const char *what)
{
	fprintf(stderr, "custody_tamper: %s\n", what);
	exit(2);
}

static void
copy_all(struct files *out)
{
	size_t i;

	memset(out, 0, sizeof *out);
	for (i = 0; i < good.n; i++)
		if (files_add(out, good.list[i].name,
		    strlen(good.list[i].name), good.list[i].p,
		    good.list[i].n, NULL) < 0)
			die("copy");
	if (files_done(out, NULL) < 0)
		die("copy");
}

static struct file *
find(struct files *f, const char *name)
{
	return (struct file *)(uintptr_t)files_find(f, name);
}

static void
put(struct files *f, const char *name, const void *p, size_t n)
{
	struct refusal why;

	if (files_add(f, name, strlen(name), p, n, &why) < 0)
		die(why.detail);
	if (files_done(f, &why) < 0)
		die(why.detail);
}

static void
drop(struct files *f, const char *name)
{
	struct file *x = find(f, name);
	size_t i = x != NULL ? (size_t)(x - f->list) : f->n;

	if (x == NULL)
		die(name);
	free(x->p);
	memmove(x, x + 1, (f->n - i - 1) * sizeof *x);
	f->n--;
}

static void
swap(struct files *f, const char *a, const char *b)
{
	struct file *x = find(f, a), *y = find(f, b);
	uint8_t *p;
	size_t n;

	if (x == NULL || y == NULL)
		die(a);
	p = x->p, n = x->n;
	x->p = y->p, x->n = y->n;
	y->p = p, y->n = n;
}

/* A MANIFEST that fits again. */
static void
repair(struct files *f)
{
	struct manifest m = { .list = NULL };
	struct buf text;
	size_t i;

	buf_init(&text, 0);
	for (i = 0; i < f->n; i++)
		if (f->list[i].kind != BUNDLE_MANIFEST && manifest_add_bytes(
		    &m, f->list[i].name, f->list[i].p, f->list[i].n) < 0)
			die("manifest");
	if (manifest_text(&m, &text) < 0)
		die("manifest");
	if (find(f, "MANIFEST") != NULL)
		drop(f, "MANIFEST");
	put(f, "MANIFEST", text.data, text.len);
	buf_fini(&text);
	manifest_fini(&m);
}

/* ---- judging ---- */

/* Of a certificate in a token that its path does not need nothing depends: what
 * it holds is not found wrong, but the reader hears that it was not looked at. */
static bool told;

static bool
says(const struct report *r, const char *code)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->items[i].code, code) == 0)
			return true;
	return false;
}

static int
verdict(const struct files *f, char *text, size_t size)
{
	struct verify_conf conf = { .lang = REPORT_EN };
	const struct report *r;
	struct verify *v;
	int ret;

	if (verify_new(&v, &conf) < 0)
		die("memory");
	ret = verify_run(v, f);
	r = verify_report(v);
	told = ret == 0 && says(r, "stamp.unneeded");
	if (ret == 0)
		snprintf(text, size, "accepted");
	else if (ret != CAMCA_EPOLICY || !r->wrong || r->n == 0)
		snprintf(text, size, "no reason (%d)", ret);
	else
		snprintf(text, size, "%s: %s", r->items[r->n - 1].code,
		    r->items[r->n - 1].text);
	/* A reason is a sentence. */
	if (ret == CAMCA_EPOLICY && (!r->wrong ||
	    strlen(r->items[r->n - 1].text) < 10))
		ret = CAMCA_EINVAL;
	verify_free(v);
	return ret;
}

static void
must_reject(const struct files *f, const char *what)
{
	char text[1024];
	int ret = verdict(f, text, sizeof text);

	tried++;
	if (ret == CAMCA_EPOLICY || told) {
		if (getenv("VERBOSE") != NULL)
			printf("    %s: %s\n", what, text);
		return;
	}
	failed++;
	printf("    NOT REJECTED: %s: %s\n", what, text);
}

static void
must_reject_both(struct files *f, const char *what)
{
	char name[256];

	must_reject(f, what);
	repair(f);
	snprintf(name, sizeof name, "%s, MANIFEST anew", what);
	must_reject(f, name);
}

/* ---- bits ---- */

/* Writes the hash that x has now into MANIFEST. */
static void
repair_one(struct files *f, const struct file *x)
{
	struct file *m = find(f, "MANIFEST");
	char line[BUNDLE_NAME_MAX + 8];
	uint8_t hash[32];
	char hex[65], *at;

	snprintf(line, sizeof line, "  %s\n", x->name);
	at = strstr((char *)m->p, line);
	if (at == NULL || EVP_Digest(x->p, x->n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		die("manifest");
	enc_hex(hex, hash, sizeof hash);
	memcpy(at - 64, hex, 64);
}

static void
flip_bit(struct files *f, struct file *x, size_t i, int bit, bool anew)
{
	char what[160];

	x->p[i] ^= (uint8_t)(1 << bit);
	if (anew)
		repair_one(f, x);
	snprintf(what, sizeof what, "%s, byte %zu, bit %d", x->name, i, bit);
	must_reject(f, what);
	x->p[i] ^= (uint8_t)(1 << bit);
	if (anew)
		repair_one(f, x);
}

/* The same checkpoint ends each proof: with MANIFEST anew once is enough. */
static size_t
flip_end(const struct file *x, bool anew)
{
	const uint8_t *blank;

	if (!anew || x->kind != BUNDLE_PROOF ||
	    strstr(x->name, "000001") != NULL)
		return x->n;
	blank = memmem(x->p, x->n, "\n\n", 2);
	return blank != NULL ? (size_t)(blank - x->p) + 2 : x->n;
}

static void
flips(bool anew, bool all)
{
	const char *only = getenv("ONLY");
	struct files f;
	struct file *x;
	size_t i, j;
	int bit;

	copy_all(&f);
	for (i = 0; i < f.n; i++) {
		x = &f.list[i];
		if (only != NULL && strncmp(x->name, only, strlen(only)) != 0)
			continue;
		/* Words for people: nothing holds them but MANIFEST. */
		if (anew && (x->kind == BUNDLE_README ||
		    x->kind == BUNDLE_MANIFEST))
			continue;
		/* RFC 3161: status "granted" or, a bit further, "granted with
		 * modifications"; it is not signed. */
		for (j = anew && x->kind == BUNDLE_STAMP ? 9 : 0;
		    j < flip_end(x, anew); j++)
			for (bit = 0; bit < 8; bit++)
				if (all || (j % 3 == 0 &&
				    (size_t)bit == j / 3 % 8))
					flip_bit(&f, x, j, bit, anew);
	}
	files_fini(&f);
}

/* ---- files ---- */

static void
removals(void)
{
	struct files f;
	char what[160];
	size_t i;

	for (i = 0; i < good.n; i++) {
		copy_all(&f);
		drop(&f, good.list[i].name);
		snprintf(what, sizeof what, "%s removed", good.list[i].name);
		if (good.list[i].kind == BUNDLE_MANIFEST)
			must_reject(&f, what);
		else
			must_reject_both(&f, what);
		files_fini(&f);
	}
}

static void
addition(const char *name, const char *from)
{
	struct file *x = find(&good, from);
	struct files f;
	char what[160];

	if (x == NULL)
		return;
	copy_all(&f);
	put(&f, name, x->p, x->n);
	snprintf(what, sizeof what, "%s added", name);
	must_reject_both(&f, what);
	files_fini(&f);
}

static const char *
first(enum bundle_kind kind)
{
	size_t i = files_next(&good, kind, 0);

	return i < good.n ? good.list[i].name : "";
}

static void
additions(void)
{
	char name[BUNDLE_NAME_MAX];
	size_t n = files_count(&good, BUNDLE_EVENT);

	snprintf(name, sizeof name, "events/%06zu.event", n + 1);
	addition(name, "events/000001.event");
	addition("events/999999.event", "events/000001.event");
	snprintf(name, sizeof name, "events/%06zu.tlog-proof", n + 1);
	addition(name, "events/000001.tlog-proof");
	addition("certs/00000000000000000000000000000000000000aa.pem",
	    first(BUNDLE_CERT));
	addition("crl/00000000000000000000000000000000000000aa.crl",
	    first(BUNDLE_CRL));
	addition("ocsp/00000000000000000000000000000000000000aa.der",
	    first(BUNDLE_OCSP));
	addition("timestamps/nobody.pem", "ca-chain.pem");
	addition("timestamps/nobody.tsr", first(BUNDLE_OCSP));
}

static bool
same(const struct file *a, const struct file *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* Each file with nothing in it, with another of its kind in its place. */
static void
exchanges(void)
{
	struct files f;
	char what[240];
	size_t i, j;

	for (i = 0; i < good.n; i++) {
		if (good.list[i].kind == BUNDLE_MANIFEST ||
		    good.list[i].kind == BUNDLE_README)
			continue;
		copy_all(&f);
		find(&f, good.list[i].name)->n = 0;
		snprintf(what, sizeof what, "%s emptied", good.list[i].name);
		must_reject_both(&f, what);
		files_fini(&f);
		for (j = i + 1; j < good.n; j++) {
			/* A TSA's name is no more than a label. */
			if (good.list[j].kind != good.list[i].kind ||
			    good.list[i].kind == BUNDLE_STAMP ||
			    same(&good.list[i], &good.list[j]))
				continue;
			copy_all(&f);
			swap(&f, good.list[i].name, good.list[j].name);
			snprintf(what, sizeof what, "%s and %s exchanged",
			    good.list[i].name, good.list[j].name);
			must_reject_both(&f, what);
			files_fini(&f);
		}
	}
}

/* ---- events ---- */

static void
event_names(size_t i, char *event, char *proof)
{
	snprintf(event, BUNDLE_NAME_MAX, "events/%06zu.event", i);
	snprintf(proof, BUNDLE_NAME_MAX, "events/%06zu.tlog-proof", i);
}

/* Event i goes; with close those behind it move up by one. */
static void
event_gone(size_t i, size_t n, bool close)
{
	char e[BUNDLE_NAME_MAX], p[BUNDLE_NAME_MAX];
	char e2[BUNDLE_NAME_MAX], p2[BUNDLE_NAME_MAX], what[120];
	struct files f;
	size_t j;

	copy_all(&f);
	for (j = i; close && j < n; j++) {
		event_names(j, e, p);
		event_names(j + 1, e2, p2);
		swap(&f, e, e2);
		swap(&f, p, p2);
	}
	event_names(close ? n : i, e, p);
	drop(&f, e);
	drop(&f, p);
	snprintf(what, sizeof what, "event %zu of %zu gone%s", i, n,
	    close ? ", those behind it moved up" : "");
	must_reject_both(&f, what);
	files_fini(&f);
}

static void
events_swapped(size_t i, size_t j)
{
	char e[BUNDLE_NAME_MAX], p[BUNDLE_NAME_MAX];
	char e2[BUNDLE_NAME_MAX], p2[BUNDLE_NAME_MAX], what[120];
	struct files f;

	copy_all(&f);
	event_names(i, e, p);
	event_names(j, e2, p2);
	swap(&f, e, e2);
	swap(&f, p, p2);
	snprintf(what, sizeof what, "events %zu and %zu swapped", i, j);
	must_reject_both(&f, what);
	files_fini(&f);
}

static void
events(void)
{
	size_t n = files_count(&good, BUNDLE_EVENT), i, j;

	for (i = 1; i <= n; i++) {
		if (i < n)
			event_gone(i, n, false);
		event_gone(i, n, true);
		for (j = i + 1; j <= n; j++)
			events_swapped(i, j);
	}
}

/* ---- */

static void
measure(void)
{
	struct timespec a, b;
	char text[1024];
	int i;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < 20; i++)
		if (verdict(&good, text, sizeof text) < 0)
			die(text);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.3f\n", ((double)(b.tv_sec - a.tv_sec) * 1e3 +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e6) / 20);
}

static void
pack(void)
{
	size_t i, n;

	for (i = 0; i < good.n; i++) {
		n = good.list[i].n;
		putchar((int)strlen(good.list[i].name));
		fputs(good.list[i].name, stdout);
		putchar((int)(n >> 24));
		putchar((int)(n >> 16 & 0xff));
		putchar((int)(n >> 8 & 0xff));
		putchar((int)(n & 0xff));
		fwrite(good.list[i].p, 1, n, stdout);
	}
}

int
main(int argc, char **argv)
{
	struct refusal why = { .http = 0 };
	char text[1024];

	if (argc != 3)
		die("usage: custody_tamper FOLDER WHAT");
	if (files_read(&good, argv[1], &why) < 0)
		die(why.detail);
	if (verdict(&good, text, sizeof text) < 0)
		die(text);
	if (strcmp(argv[2], "flip") == 0)
		flips(false, true);
	else if (strncmp(argv[2], "repair", 6) == 0)
		flips(true, strcmp(argv[2], "repair-all") == 0);
	else if (strcmp(argv[2], "files") == 0)
		removals(), additions(), exchanges();
	else if (strcmp(argv[2], "events") == 0)
		events();
	else if (strcmp(argv[2], "time") == 0)
		measure();
	else if (strcmp(argv[2], "pack") == 0)
		pack();
	else
		die("no such thing");
	files_fini(&good);
	if (tried > 0)
		printf("%lu tried, %lu not rejected\n", tried, failed);
	return failed > 0;
}
