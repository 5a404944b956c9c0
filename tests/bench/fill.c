/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the store of an initialised state folder (no camcad running) with
 * devices, each with a certificate, a used secret and three events in the
 * custody log, as years of enrollments would:
 *
 *   fill STATE ROWS */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/custody/append.h"

#define FILL_STEP 2000
#define FILL_DER 760

static const struct event_source src = { &camca_ctx_system, "fill" };

struct fill {
	int64_t from, to, issuer, now;
	struct append *append;
	int64_t left;                  /* events that are not in the log yet */
};

static int
fill_issuer(const struct issuer_row *r, void *arg)
{
	struct fill *f = arg;

	if (strcmp(r->name, "ec") == 0)
		f->issuer = r->id;
	return 0;
}

static int
fill_issuer_tx(struct tx *tx, void *arg)
{
	struct fill *f = arg;
	struct site_row s = { .id = "filled", .name = "filled", .level = 1,
	    .created_ms = f->now };
	int ret = store_issuer_list(tx, fill_issuer, f);

	return ret < 0 ? ret : store_site_insert(tx, &s);
}

static int
fill_imported(struct tx *tx, const struct device_row *d)
{
	struct event e;

	event_init(&e, &src, "device.imported", d->id, "uid:0");
	event_add_hex(&e, "batch", "filled-by-a-bench", 16);
	event_add(&e, "site", "%s", d->site);
	event_add(&e, "kind", "camera");
	event_add(&e, "place", "other");
	event_add(&e, "manufacturer", "%s", d->manufacturer);
	event_add(&e, "model", "%s", d->model);
	event_add(&e, "serial", "%s", d->serial);
	event_add(&e, "firmware", "%s", d->firmware);
	return event_put(tx, &e);
}

static int
fill_secret(struct tx *tx, const struct device_row *d)
{
	struct event e;

	event_init(&e, &src, "secret.made", d->id, "uid:0");
	event_add_time(&e, "expires", d->created_ms);
	return event_put(tx, &e);
}

static int
fill_issued(struct tx *tx, const struct device_row *d,
    const struct cert_row *c)
{
	struct event e;

	event_init(&e, &src, "cert.issued", d->id, "gate");
	event_add_hex(&e, "cert-sha256", c->spki, 32);
	event_add_hex(&e, "serial", c->serial, sizeof c->serial);
	event_add_hex(&e, "issuer-ski", c->serial, sizeof c->serial);
	event_add(&e, "profile", "%s", c->profile);
	event_add_hex(&e, "policy", c->spki, 32);
	event_add_hex(&e, "spki", c->spki, 32);
	event_add(&e, "auth", "secret");
	return event_put(tx, &e);
}

static int
fill_one(struct tx *tx, const struct fill *f, int64_t i)
{
	uint8_t der[FILL_DER];
	struct device_row d = { .created_ms = f->now, .updated_ms = f->now,
	    .state = DEVICE_ENROLLED, .site = "filled" };
	struct cert_row c = { .issuer = f->issuer, .reason = -1,
	    .profile = "camera-ec", .label = "camera", .created_ms = f->now,
	    .not_before_ms = f->now, .not_after_ms = f->now + 31536000000,
	    .der = { der, sizeof der } };
	struct secret_row s = { .created_ms = f->now, .state = SECRET_USED,
	    .expires_ms = f->now, .used_ms = f->now };
	uint8_t sel[5];
	int ret;

	snprintf(d.id, sizeof d.id, "filled-%08" PRId64, i);
	snprintf(d.manufacturer, sizeof d.manufacturer, "Vendor %d", (int)(i % 7));
	snprintf(d.model, sizeof d.model, "Model %d", (int)(i % 50));
	snprintf(d.serial, sizeof d.serial, "SN%012" PRId64, i);
	/* Three versions of each model, 1,050 products in all. */
	snprintf(d.firmware, sizeof d.firmware, "%s",
	    i / 350 % 20 < 7 ? "V5.5.82 build 190909" :
	    i / 350 % 20 < 14 ? "V5.5.800 build 210628" :
	    "V5.6.0 build 220101");
	d.place = i % 10 == 0 ? PLACE_KEY_AREA : PLACE_OTHER;
	if ((ret = store_device_insert(tx, &d)) < 0)
		return ret;
	RAND_bytes(der, sizeof der);
	RAND_bytes(c.spki, sizeof c.spki);
	RAND_bytes(c.serial, sizeof c.serial);
	RAND_bytes(s.hash, sizeof s.hash);
	RAND_bytes(sel, sizeof sel);
	memcpy(s.spki, c.spki, sizeof s.spki);
	snprintf(s.selector, sizeof s.selector, "%02X%02X%02X%02X", sel[0],
	    sel[1], sel[2], sel[3]);
	/* As cert_serial() makes them: four bytes that rise with time. */
	c.serial[0] = 0x10;
	c.serial[1] = (uint8_t)(i >> 18);
	c.serial[2] = (uint8_t)(i >> 10);
	c.serial[3] = (uint8_t)(i >> 2);
	c.device = s.device = d.pk;
	ret = store_secret_insert(tx, &s);
	if (ret == CAMCA_ECONFLICT)
		ret = CAMCA_OK;            /* a selector drawn twice */
	if (ret < 0 || (ret = store_cert_insert(tx, &c)) < 0 ||
	    (ret = fill_imported(tx, &d)) < 0 ||
	    (ret = fill_secret(tx, &d)) < 0)
		return ret;
	return fill_issued(tx, &d, &c);
}

static int
fill_tx(struct tx *tx, void *arg)
{
	struct fill *f = arg;
	int64_t i;
	int ret = CAMCA_OK;

	for (i = f->from; i < f->to && ret == CAMCA_OK; i++)
		ret = fill_one(tx, f, i);
	return ret;
}

static int
fill_log_tx(struct tx *tx, void *arg)
{
	struct fill *f = arg;
	int64_t taken;

	return log_append(tx, f->append, &taken, &f->left, NULL);
}

int
main(int argc, char **argv)
{
	char path[512];
	struct store_conf conf = { .path = path, .readers = 1, .batch_max = 1,
	    .queue_max = 8, .ctx = &camca_ctx_system };
	struct fill f = { .now = ctx_now_ms(&camca_ctx_system) };
	struct refusal why = { 0 };
	struct store *s = NULL;
	int64_t rows;
	int ret;

	if (argc != 3)
		return 2;
	log_setup("fill", LOG_WARN);
	rows = strtoll(argv[2], NULL, 10);
	snprintf(path, sizeof path, "%s/db/camca.sqlite", argv[1]);
	ret = store_open(&s, &conf, false, &why);
	if (ret == CAMCA_OK)
		ret = store_tx(s, DB_WRITE, fill_issuer_tx, &f);
	if (ret == CAMCA_OK)
		ret = append_new(&f.append, &src, APPEND_MAX);
	while (ret == CAMCA_OK && f.to < rows) {
		f.from = f.to;
		f.to = f.from + FILL_STEP < rows ? f.from + FILL_STEP : rows;
		ret = store_tx(s, DB_WRITE, fill_tx, &f);
		do {
			if (ret == CAMCA_OK)
				ret = store_tx(s, DB_WRITE, fill_log_tx, &f);
		} while (ret == CAMCA_OK && f.left > 0);
	}
	append_free(f.append);
	store_close(s);
	if (ret < 0)
		fprintf(stderr, "fill: %s %s\n", camca_strerror(ret), why.detail);
	return ret < 0 ? 1 : 0;
}
