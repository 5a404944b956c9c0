/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms of HTTP and RTSP Digest (core specification 22.12 and later):
 * a camera tells which ones it could use, and only its challenges tell which
 * ones it does use. */
#include <string.h>

#include "enroll/onvif/camera.h"

int
onvif_digests(struct camera *c, struct cam_digests *out, struct cam_why *why)
{
	struct auth_offers offers;
	int ret;

	memset(out, 0, sizeof *out);
	memset(&offers, 0, sizeof offers);
	ret = onvif_learn(c, &offers, why);
	if (ret < 0)
		return ret;
	out->md5 = offers.has_md5;
	out->sha256 = offers.has_sha256;
	return CAMCA_OK;
}

int
onvif_sha256_set(struct camera *c, bool on, struct cam_why *why)
{
	int ret;

	/* Back: the login of this very request must be the one that works. */
	if (!on && !c->avoid_sha256) {
		c->avoid_sha256 = true;
		c->auth = ONVIF_AUTH_UNKNOWN;
	}
	ret = onvif_call1(c, ONVIF_DEVICE_CALL("SetHashingAlgorithm",
	    CALL_CHANGES), "tds:Algorithm", !on ? "MD5" : c->comma ?
	    "MD5,SHA-256" : "MD5 SHA-256", NULL, why);
	if (on && ret == CAMCA_OK)
		c->avoid_sha256 = false;
	/* Its nonces may be gone, and its offers are others. */
	c->auth = ONVIF_AUTH_UNKNOWN;
	return ret;
}
