/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/refusal.h"

static const char *const cam_trouble_names[CAM_TROUBLES] = {
	[CAM_NONE] = "",
	[CAM_UNREACHABLE] = "camera.unreachable",
	[CAM_TIMEOUT] = "camera.timeout",
	[CAM_AUTH] = "camera.auth",
	[CAM_LOCKED] = "camera.locked",
	[CAM_BUDGET] = "camera.budget",
	[CAM_MALFORMED] = "camera.malformed",
	[CAM_UNSUPPORTED] = "camera.unsupported",
	[CAM_FULL] = "camera.full",
	[CAM_DUPLICATE] = "camera.duplicate",
	[CAM_IN_USE] = "camera.in-use",
	[CAM_WEAK_PASSWORD] = "camera.weak-password",
	[CAM_NO_SUCH] = "camera.no-such",
	[CAM_FIXED_USER] = "camera.fixed-user",
	[CAM_KEY_CORRUPT] = "camera.key-corrupt",
	[CAM_KEY_STUCK] = "camera.key-stuck",
	[CAM_TLS] = "camera.tls",
	[CAM_CLOCK] = "camera.clock",
	[CAM_REFUSED] = "camera.refused",
	[CAM_STOPPED] = "camera.stopped",
	[CAM_MEMORY] = "camera.memory",
	[CAM_INTERNAL] = "camera.internal",
};

const char *
cam_trouble_name(enum cam_trouble t)
{
	return (unsigned)t < CAM_TROUBLES ? cam_trouble_names[t] :
	    cam_trouble_names[CAM_INTERNAL];
}

void
cam_why_clear(struct cam_why *why)
{
	if (why != NULL)
		memset(why, 0, sizeof *why);
}

int
cam_fail(struct cam_why *why, int err, enum cam_trouble code,
    const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return err;
	why->code = code;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	refusal_sanitize(why->text);
	return err;
}

int
cam_fail_plain(struct cam_why *why, int err)
{
	switch (err) {
	case CAMCA_ENOMEM:
		return cam_fail(why, err, CAM_MEMORY, "Out of memory.");
	case CAMCA_EINVAL:
		return cam_fail(why, err, CAM_INTERNAL, "A value cannot be "
		    "sent to a camera: too long, or characters that XML does "
		    "not have.");
	default:
		return cam_fail(why, err, CAM_INTERNAL, "Internal: %s.",
		    camca_strerror(err));
	}
}
