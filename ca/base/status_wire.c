/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/status_wire.h"

#include <endian.h>
#include <string.h>

#define WIRE_AT_ISSUER 20
#define WIRE_AT_STATUS 24
#define WIRE_AT_REASON 25
#define WIRE_AT_ZERO 26
#define WIRE_AT_REVOKED 28
#define WIRE_AT_NOT_AFTER 36
#define WIRE_AT_REV_SEQ 44
#define WIRE_REASON_MAX 10      /* aACompromise, RFC 5280 5.3.1 */

static void
wire_put64(uint8_t *out, int64_t v)
{
	uint64_t be = htobe64((uint64_t)v);

	memcpy(out, &be, sizeof be);
}

static int64_t
wire_get64(const uint8_t *in)
{
	uint64_t be;

	memcpy(&be, in, sizeof be);
	return (int64_t)be64toh(be);
}

void
status_wire_put(uint8_t out[static STATUS_WIRE_LEN],
    const struct status_wire *r)
{
	uint32_t issuer = htobe32(r->issuer);

	memset(out, 0, STATUS_WIRE_LEN);
	memcpy(out, r->serial, sizeof r->serial);
	memcpy(out + WIRE_AT_ISSUER, &issuer, sizeof issuer);
	out[WIRE_AT_STATUS] = r->status;
	out[WIRE_AT_REASON] = r->reason;
	wire_put64(out + WIRE_AT_REVOKED, r->revoked_s);
	wire_put64(out + WIRE_AT_NOT_AFTER, r->not_after_s);
	wire_put64(out + WIRE_AT_REV_SEQ, r->rev_seq);
}

static int
wire_check(const struct status_wire *r)
{
	if (r->status > STATUS_WIRE_REVOKED || r->revoked_s < 0 ||
	    r->not_after_s < 0 || r->rev_seq < 0)
		return CAMCA_EINVAL;
	if (r->reason > WIRE_REASON_MAX &&
	    r->reason != STATUS_WIRE_NO_REASON)
		return CAMCA_EINVAL;
	if (r->status == STATUS_WIRE_GOOD)
		return r->reason == STATUS_WIRE_NO_REASON &&
		    r->revoked_s == 0 ? CAMCA_OK : CAMCA_EINVAL;
	return r->rev_seq > 0 ? CAMCA_OK : CAMCA_EINVAL;
}

int
status_wire_get(struct status_wire *out,
    const uint8_t in[static STATUS_WIRE_LEN])
{
	uint32_t issuer;

	memcpy(out->serial, in, sizeof out->serial);
	memcpy(&issuer, in + WIRE_AT_ISSUER, sizeof issuer);
	out->issuer = be32toh(issuer);
	out->status = in[WIRE_AT_STATUS];
	out->reason = in[WIRE_AT_REASON];
	if (in[WIRE_AT_ZERO] != 0 || in[WIRE_AT_ZERO + 1] != 0)
		return CAMCA_EINVAL;
	out->revoked_s = wire_get64(in + WIRE_AT_REVOKED);
	out->not_after_s = wire_get64(in + WIRE_AT_NOT_AFTER);
	out->rev_seq = wire_get64(in + WIRE_AT_REV_SEQ);
	return wire_check(out);
}
