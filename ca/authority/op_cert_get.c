/* SPDX-License-Identifier: Apache-2.0 */
/* An issued certificate for everyone who knows its serial number. */
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/base/enc.h"

struct cert_get {
	uint8_t serial[STORE_SERIAL_LEN];
	struct cert_row row;
};

static int
cert_get_tx(struct tx *tx, void *arg)
{
	struct cert_get *g = arg;

	store_cert_free(&g->row);
	memset(&g->row, 0, sizeof g->row);
	return store_cert_by_serial(tx, g->serial, &g->row);
}

int
op_cert_get(struct op_call *c)
{
	struct cert_get g = { 0 };
	int ret;

	if (dec_hex(g.serial, sizeof g.serial, arg_text(c, "serial")) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "cert.serial",
		    "A serial number has 40 hex digits.");
	ret = store_tx(c->a->store, DB_READ, cert_get_tx, &g);
	if (ret == CAMCA_ENOENT)
		refuse(&c->why, ret, 404, "cert.unknown",
		    "There is no certificate with this serial number.");
	if (ret == CAMCA_OK) {
		c->result = json_object();
		json_set_base64(c->result, "der", g.row.der.p, g.row.der.n);
	}
	store_cert_free(&g.row);
	return ret == CAMCA_OK && c->result == NULL ? CAMCA_ENOMEM : ret;
}
