/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the store of an initialised state folder (no camcad running) with
 * devices, each with a certificate, a used secret and three events, as years
 * of enrollments would:
 *
 *   fill STATE ROWS */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/store/store.h"

#define FILL_STEP 2000
#define FILL_DER 760
#define FILL_EVENT 420

struct fill {
	int64_t from, to, issuer, now;
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
fill_event(struct tx *tx, const char *type, const char *device, int64_t now)
{
	uint8_t body[FILL_EVENT];
	struct event_row e = { .time_ms = now, .body = { body, sizeof body } };

	RAND_bytes(e.id, sizeof e.id);
	memset(body, 'x', sizeof body);
	snprintf(e.type, sizeof e.type, "%s", type);
	snprintf(e.device, sizeof e.device, "%s", device);
	return store_outbox_put(tx, &e);
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
	    (ret = fill_event(tx, "device.imported", d.id, f->now)) < 0 ||
	    (ret = fill_event(tx, "secret.made", d.id, f->now)) < 0)
		return ret;
	return fill_event(tx, "cert.issued", d.id, f->now);
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
	while (ret == CAMCA_OK && f.to < rows) {
		f.from = f.to;
		f.to = f.from + FILL_STEP < rows ? f.from + FILL_STEP : rows;
		ret = store_tx(s, DB_WRITE, fill_tx, &f);
	}
	store_close(s);
	if (ret < 0)
		fprintf(stderr, "fill: %s %s\n", camca_strerror(ret), why.detail);
	return ret < 0 ? 1 : 0;
}
