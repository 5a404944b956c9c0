/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle leaves in pages that fit a frame. MANIFEST is the last file: it has
 * the hash of all that went before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/bundle_int.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/custody/reader.h"

/* In base64, with the last file past it and the names, it fits 1 MiB. */
#define PAGE_BYTES (480 * 1024)
#define PAGE_CHUNK (480 * 1024)

struct bundle_out {
	struct bundle *b;
	json_t *list;
	size_t bytes;                  /* in this page */
	struct tx *tx;
	struct reader *reader;
	/* Where this transaction began: it may run again. */
	size_t list_n, manifest_n, bytes_0;
	int64_t after, seq;
};

static int
page_put(struct bundle_out *o, const char *name, int64_t offset,
    const void *p, size_t n, bool more)
{
	json_t *x = json_pack("{s:s, s:I, s:b}", "name", name, "offset",
	    (json_int_t)offset, "more", more);

	if (x == NULL)
		return CAMCA_ENOMEM;
	json_set_base64(x, "data", p, n);
	o->bytes += n + 64;
	return json_array_append_new(o->list, x) == 0 ? CAMCA_OK :
	    CAMCA_ENOMEM;
}

/* A whole file. */
static int
page_file(struct bundle_out *o, const char *name, const void *p, size_t n)
{
	int ret = manifest_add_bytes(&o->b->manifest, name, p, n);

	return ret < 0 ? ret : page_put(o, name, 0, p, n, false);
}

/* ---- events ---- */

static int
page_proof(struct bundle_out *o, const struct log_entry_row *r,
    struct buf *out)
{
	struct bundle *b = o->b;
	struct tlog_proof t = { .index = r->idx,
	    .note = buf_str(&b->checkpoint), .note_len = b->checkpoint.len };
	int ret = tree_inclusion(reader_tiles(o->reader), r->idx, b->cp.size,
	    &t.proof);

	return ret < 0 ? ret : tlog_proof_text(&t, out);
}

static int
page_event(const struct log_entry_row *r, void *arg)
{
	struct bundle_out *o = arg;
	struct bundle *b = o->b;
	char name[BUNDLE_NAME_MAX];
	struct buf proof;
	int ret;

	if (r->idx >= b->cp.size || o->bytes >= PAGE_BYTES)
		return 1;
	if (b->seq >= BUNDLE_EVENTS_MAX)
		return CAMCA_ELIMIT;
	buf_init(&proof, 0);
	ret = page_proof(o, r, &proof);
	snprintf(name, sizeof name, "events/%06d.event", (int)b->seq + 1);
	if (ret == CAMCA_OK)
		ret = page_file(o, name, r->data.p, r->data.n);
	snprintf(name, sizeof name, "events/%06d.tlog-proof", (int)b->seq + 1);
	if (ret == CAMCA_OK)
		ret = page_file(o, name, proof.data, proof.len);
	buf_fini(&proof);
	if (ret < 0)
		return ret;
	b->after = r->idx;
	b->seq++;
	return CAMCA_OK;
}

static int
page_events_tx(struct tx *tx, void *arg)
{
	struct bundle_out *o = arg;
	struct bundle *b = o->b;
	int64_t before;
	int ret;

	while (json_array_size(o->list) > o->list_n)
		json_array_remove(o->list, json_array_size(o->list) - 1);
	b->manifest.n = o->manifest_n;
	o->bytes = o->bytes_0;
	b->after = o->after;
	b->seq = o->seq;
	ret = reader_open(&o->reader, tx);
	while (ret == CAMCA_OK) {
		before = b->after;
		ret = reader_device(tx, b->device, b->after,
		    READER_DEVICE_MAX, page_event, o);
		if (ret == CAMCA_OK && b->after == before)
			break;
	}
	reader_close(o->reader);
	o->reader = NULL;
	return ret > 0 ? CAMCA_OK : ret;
}

static int
page_events(struct bundle_out *o)
{
	struct bundle *b = o->b;
	int ret;

	o->list_n = json_array_size(o->list);
	o->manifest_n = b->manifest.n;
	o->bytes_0 = o->bytes;
	o->after = b->after;
	o->seq = b->seq;
	ret = store_tx(b->a->store, DB_READ, page_events_tx, o);
	if (ret == CAMCA_OK && o->bytes < PAGE_BYTES)
		b->phase = PHASE_CERTS;
	return ret;
}

/* ---- certificates ---- */

struct page_cert {
	const uint8_t *serial;
	struct cert_row row;
};

static int
page_cert_tx(struct tx *tx, void *arg)
{
	struct page_cert *x = arg;

	store_cert_free(&x->row);
	return store_cert_by_serial(tx, x->serial, &x->row);
}

static int
page_cert(struct bundle_out *o, const struct bundle_cert *cert)
{
	struct page_cert x = { .serial = cert->serial };
	char name[BUNDLE_NAME_MAX] = "certs/";
	int ret = store_tx(o->b->a->store, DB_READ, page_cert_tx, &x);
	const unsigned char *p = x.row.der.p;
	AUTO(X509) *c = ret == CAMCA_OK ? d2i_X509(NULL, &p,
	    (long)x.row.der.n) : NULL;
	struct buf pem;

	buf_init(&pem, 0);
	enc_hex(name + 6, cert->serial, STORE_SERIAL_LEN);
	memcpy(name + 6 + 2 * STORE_SERIAL_LEN, ".pem", 5);
	if (ret == CAMCA_OK)
		ret = c != NULL ? bundle_pem(c, &pem) : CAMCA_EDB;
	if (ret == CAMCA_OK)
		ret = page_file(o, name, pem.data, pem.len);
	buf_fini(&pem);
	store_cert_free(&x.row);
	return ret;
}

static int
page_certs(struct bundle_out *o)
{
	struct bundle *b = o->b;
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK && b->next < b->ncerts &&
	    o->bytes < PAGE_BYTES)
		ret = page_cert(o, &b->certs[b->next++]);
	if (ret == CAMCA_OK && b->next == b->ncerts) {
		b->phase = PHASE_FILES;
		b->next = 0;
	}
	return ret;
}

/* ---- what lies ready ---- */

/* The next part of a list, which may have many megabytes. */
static int
page_crl(struct bundle_out *o, const struct bundle_file *f)
{
	struct bundle *b = o->b;
	uint8_t *part = malloc(PAGE_CHUNK);
	size_t n = 0;
	bool more;
	int ret;

	if (part == NULL)
		return CAMCA_ENOMEM;
	ret = crl_file_read(f->crl, b->offset, part, PAGE_CHUNK, &n);
	if (ret == CAMCA_OK && n == 0)
		ret = CAMCA_EIO;
	more = b->offset + (int64_t)n < f->crl->row.size;
	if (ret == CAMCA_OK)
		ret = page_put(o, f->name, b->offset, part, n, more);
	free(part);
	if (ret < 0)
		return ret;
	b->offset += (int64_t)n;
	if (more)
		return CAMCA_OK;
	b->offset = 0;
	b->next++;
	return manifest_add(&b->manifest, f->name, f->crl->row.sha256);
}

static int
page_files(struct bundle_out *o)
{
	struct bundle *b = o->b;
	const struct bundle_file *f;
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK && b->next < b->nfiles &&
	    o->bytes < PAGE_BYTES) {
		f = &b->files[b->next];
		/* A part of a list fills a page of its own. */
		if (f->crl != NULL && o->bytes > 0 &&
		    o->bytes + f->n > PAGE_BYTES)
			return CAMCA_OK;
		if (f->crl != NULL) {
			ret = page_crl(o, f);
		} else {
			ret = page_file(o, f->name, f->p, f->n);
			b->next++;
		}
	}
	if (ret == CAMCA_OK && b->next == b->nfiles) {
		b->phase = PHASE_MANIFEST;
		b->offset = 0;
	}
	return ret;
}

/* Text of up to 17 MB where there are 65,535 events. */
static int
page_manifest(struct bundle_out *o)
{
	struct bundle *b = o->b;
	size_t left, at = (size_t)b->offset;
	struct buf text;
	int ret;

	buf_init(&text, 0);
	ret = manifest_text(&b->manifest, &text);
	if (ret == CAMCA_OK) {
		left = text.len - at;
		if (left > PAGE_CHUNK)
			left = PAGE_CHUNK;
		ret = page_put(o, "MANIFEST", b->offset, text.data + at, left,
		    at + left < text.len);
		b->offset += (int64_t)left;
		if ((size_t)b->offset == text.len)
			b->phase = PHASE_DONE;
	}
	buf_fini(&text);
	return ret;
}

int
bundle_page(struct bundle *b, json_t *list, bool *done_out)
{
	static int (*const phases[])(struct bundle_out *) = {
		[PHASE_EVENTS] = page_events, [PHASE_CERTS] = page_certs,
		[PHASE_FILES] = page_files, [PHASE_MANIFEST] = page_manifest,
	};
	struct bundle_out o = { .b = b, .list = list };
	enum bundle_phase before;
	int ret;

	do {
		before = b->phase;
		/* It may be large: it begins on a page of its own. */
		if (before == PHASE_DONE || (before == PHASE_MANIFEST &&
		    o.bytes > PAGE_BYTES / 8))
			break;
		ret = phases[before](&o);
		if (ret < 0)
			return ret;
	} while (b->phase != before && o.bytes < PAGE_BYTES);
	*done_out = b->phase == PHASE_DONE;
	return CAMCA_OK;
}
