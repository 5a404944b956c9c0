/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle shows beside the events: certificates, the path to the root, and
 * what CRLs and OCSP say of them now. */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/bundle_int.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/uptime.h"
#include "ca/status/publisher.h"

#define STATUS_CRL_WAIT_MS 10000
#define STATUS_CRL_STEP_MS 50
#define STATUS_FILES_MAX (BUNDLE_CERTS_MAX + 64)

/* ---- files ---- */

static int
status_room(struct bundle *b, const char *name, struct bundle_file **out)
{
	size_t cap = b->files_cap > 0 ? 2 * b->files_cap : 16;
	struct bundle_file *list;

	if (b->nfiles >= STATUS_FILES_MAX)
		return CAMCA_ELIMIT;
	if (b->nfiles == b->files_cap) {
		list = realloc(b->files, cap * sizeof *list);
		if (list == NULL)
			return CAMCA_ENOMEM;
		b->files = list;
		b->files_cap = cap;
	}
	*out = &b->files[b->nfiles];
	memset(*out, 0, sizeof **out);
	if ((size_t)snprintf((*out)->name, sizeof (*out)->name, "%s", name) >=
	    sizeof (*out)->name ||
	    bundle_kind(name, strlen(name)) == BUNDLE_NONE)
		return CAMCA_EINVAL;
	return CAMCA_OK;
}

int
bundle_put(struct bundle *b, const char *name, const void *p, size_t n)
{
	struct bundle_file *f;
	int ret = status_room(b, name, &f);

	if (ret < 0)
		return ret;
	f->p = malloc(n + 1);
	if (f->p == NULL)
		return CAMCA_ENOMEM;
	if (n > 0)
		memcpy(f->p, p, n);
	f->n = n;
	b->nfiles++;
	return CAMCA_OK;
}

static int
bundle_put_crl(struct bundle *b, const char *name, struct crl_file *crl)
{
	struct bundle_file *f;
	int ret = status_room(b, name, &f);

	if (ret < 0) {
		crl_file_free(crl);
		return ret;
	}
	f->crl = crl;
	f->n = (size_t)crl->row.size;
	b->nfiles++;
	return CAMCA_OK;
}

void
bundle_clear(struct bundle *b)
{
	size_t i;

	for (i = 0; i < b->nfiles; i++) {
		free(b->files[i].p);
		if (b->files[i].crl != NULL)
			crl_file_free(b->files[i].crl);
	}
	free(b->files);
	free(b->certs);
	b->files = NULL;
	b->certs = NULL;
	b->nfiles = b->files_cap = b->ncerts = b->nchain = 0;
}

int
bundle_pem(X509 *x, struct buf *out)
{
	AUTO(BIO) *mem = BIO_new(BIO_s_mem());
	char *data;
	long n;

	if (mem == NULL || PEM_write_bio_X509(mem, x) != 1)
		return CAMCA_ENOMEM;
	n = BIO_get_mem_data(mem, &data);
	return n > 0 ? buf_put(out, data, (size_t)n) : CAMCA_ECRYPTO;
}

/* ---- certificates and the path ---- */

struct status_certs {
	struct bundle *b;
	struct buf *rows;              /* struct bundle_cert, one after another */
};

static int
status_cert_row(const struct cert_row *r, void *arg)
{
	struct status_certs *x = arg;
	struct bundle_cert c = { .issuer = r->issuer, .status = r->status,
	    .reason = r->reason, .revoked_ms = r->revoked_ms,
	    .not_after_ms = r->not_after_ms, .rev_seq = r->rev_seq };

	memcpy(c.serial, r->serial, sizeof c.serial);
	return buf_put(x->rows, &c, sizeof c);
}

static int
status_certs_tx(struct tx *tx, void *arg)
{
	struct status_certs *x = arg;

	buf_reset(x->rows);
	return store_cert_list(tx, x->b->pk, 0, 0, BUNDLE_CERTS_MAX + 1,
	    status_cert_row, x);
}

static int
status_certs(struct op_call *c, struct bundle *b)
{
	struct buf rows;
	struct status_certs x = { b, &rows };
	int ret;

	buf_init(&rows, (BUNDLE_CERTS_MAX + 1) * sizeof *b->certs);
	ret = store_tx(b->a->store, DB_READ, status_certs_tx, &x);
	if (ret == CAMCA_OK && rows.len > BUNDLE_CERTS_MAX * sizeof *b->certs)
		ret = refuse(&c->why, CAMCA_ELIMIT, 413, "custody.bundle",
		    "%s has more than %d certificates.", b->device,
		    BUNDLE_CERTS_MAX);
	if (ret == CAMCA_OK) {
		b->ncerts = rows.len / sizeof *b->certs;
		b->certs = malloc(rows.len + 1);
		if (b->certs == NULL)
			ret = CAMCA_ENOMEM;
		else if (rows.len > 0)
			memcpy(b->certs, rows.data, rows.len);
	}
	buf_fini(&rows);
	return ret;
}

/* Index of a CA in b->chain, b->nchain where it is not there. */
static size_t
bundle_chain_at(const struct bundle *b, int64_t issuer)
{
	size_t i;

	for (i = 0; i < b->nchain; i++)
		if (b->chain[i]->row.id == issuer)
			break;
	return i;
}

/* A CA and those above it. */
static int
status_chain_add(struct bundle *b, int64_t issuer)
{
	const struct ca *ca;

	for (; issuer != 0; issuer = ca->row.parent) {
		if (bundle_chain_at(b, issuer) < b->nchain)
			return CAMCA_OK;
		ca = ca_by_id(b->cas, issuer);
		if (ca == NULL)
			return CAMCA_EDB;
		if (b->nchain >= BUNDLE_CAS_MAX)
			return CAMCA_ELIMIT;
		b->chain[b->nchain++] = ca;
	}
	return CAMCA_OK;
}

static int
status_chain(struct bundle *b)
{
	const struct ca *root = ca_root(b->cas);
	struct buf pem;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < b->ncerts && ret == CAMCA_OK; i++)
		ret = status_chain_add(b, b->certs[i].issuer);
	/* A device that never had one: there is a root all the same. */
	if (ret == CAMCA_OK && b->ncerts == 0)
		ret = root != NULL ? status_chain_add(b, root->row.id) :
		    CAMCA_EDB;
	buf_init(&pem, 0);
	for (i = 0; i < b->nchain && ret == CAMCA_OK; i++)
		ret = bundle_pem(b->chain[i]->cert, &pem);
	if (ret == CAMCA_OK)
		ret = bundle_put(b, "ca-chain.pem", pem.data, pem.len);
	buf_fini(&pem);
	return ret;
}

/* ---- CRLs ---- */

/* A list that holds every change of these certificates. */
static int
status_crl_wait(struct op_call *c, struct bundle *b, const struct ca *ca,
    int64_t rev_seq, struct crl_file **out)
{
	int64_t until = uptime_ms() + STATUS_CRL_WAIT_MS, seen;
	struct crl_file *f;
	int ret;

	for (;;) {
		f = b->a->publisher != NULL ? publisher_get(b->a->publisher,
		    ca->row.ski, 0) : NULL;
		if (f != NULL && f->row.rev_seq >= rev_seq) {
			*out = f;
			return CAMCA_OK;
		}
		crl_file_free(f);
		if (uptime_ms() >= until)
			return refuse(&c->why, CAMCA_EBUSY, 503,
			    "custody.crl", "The CRL of CA %s does not hold "
			    "the newest change yet.", ca->row.name);
		if ((ret = store_commits_wait(b->a->store, -1, 0,
		    &seen)) < 0 || (ret = store_commits_wait(b->a->store,
		    seen, STATUS_CRL_STEP_MS, &seen)) < 0)
			return ret;
	}
}

static int
status_crl(struct op_call *c, struct bundle *b, size_t k)
{
	const struct ca *ca = b->chain[k];
	char name[BUNDLE_NAME_MAX] = "crl/";
	struct crl_file *f = NULL;
	int64_t rev_seq = 0;
	size_t i;
	int ret;

	for (i = 0; i < b->ncerts; i++)
		if (b->certs[i].issuer == ca->row.id &&
		    b->certs[i].rev_seq > rev_seq)
			rev_seq = b->certs[i].rev_seq;
	ret = status_crl_wait(c, b, ca, rev_seq, &f);
	if (ret < 0)
		return ret;
	/* A list has whole seconds. */
	b->crl_ms[k] = f->row.this_update_ms / 1000 * 1000;
	enc_hex(name + 4, ca->row.ski, sizeof ca->row.ski);
	memcpy(name + 4 + 2 * sizeof ca->row.ski, ".crl", 5);
	return bundle_put_crl(b, name, f);
}

/* ---- OCSP ---- */

struct status_der {
	const struct bundle_cert *cert;
	struct cert_row row;
};

static int
status_der_tx(struct tx *tx, void *arg)
{
	struct status_der *x = arg;

	store_cert_free(&x->row);
	return store_cert_by_serial(tx, x->cert->serial, &x->row);
}

static int
status_ocsp_put(struct op_call *c, struct bundle *b, const struct ca *ca,
    const struct status_der *x)
{
	const unsigned char *p = x->row.der.p;
	AUTO(X509) *cert = d2i_X509(NULL, &p, (long)x->row.der.n);
	char name[BUNDLE_NAME_MAX] = "ocsp/";
	struct buf der;
	int ret;

	if (cert == NULL)
		return CAMCA_EDB;
	enc_hex(name + 5, x->cert->serial, sizeof x->cert->serial);
	memcpy(name + 5 + 2 * sizeof x->cert->serial, ".der", 5);
	buf_init(&der, 0);
	ret = bundle_ocsp(c, ca, cert, x->cert, b->made_ms, &der);
	if (ret == CAMCA_OK)
		ret = bundle_put(b, name, der.data, der.len);
	buf_fini(&der);
	return ret;
}

/* Of one that the CRL may have dropped nobody asks (RFC 5280 3.3). */
static int
status_ocsp(struct op_call *c, struct bundle *b, size_t i)
{
	struct status_der x = { .cert = &b->certs[i] };
	size_t k = bundle_chain_at(b, x.cert->issuer);
	int ret;

	if (x.cert->not_after_ms <= b->crl_ms[k])
		return CAMCA_OK;
	ret = store_tx(b->a->store, DB_READ, status_der_tx, &x);
	if (ret == CAMCA_OK)
		ret = status_ocsp_put(c, b, b->chain[k], &x);
	store_cert_free(&x.row);
	return ret;
}

int
bundle_status(struct op_call *c, struct bundle *b)
{
	size_t i;
	int ret;

	if ((ret = authority_now(b->a, &b->made_ms, &c->why)) < 0 ||
	    (ret = status_certs(c, b)) < 0 || (ret = status_chain(b)) < 0)
		return ret;
	for (i = 0; b->ncerts > 0 && i < b->nchain; i++)
		if ((ret = status_crl(c, b, i)) < 0)
			return ret;
	for (i = 0; i < b->ncerts; i++)
		if ((ret = status_ocsp(c, b, i)) < 0)
			return ret;
	return CAMCA_OK;
}
