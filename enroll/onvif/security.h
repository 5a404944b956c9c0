/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes that several operations of the Security service share. */
#ifndef CAMCA_ONVIF_SECURITY_H
#define CAMCA_ONVIF_SECURITY_H

#include "enroll/onvif/camera.h"

/* A list of IDs: all children of that name (in tas). The answer of call,
 * which has an empty request, is read into out. */
CAMCA_MUST int security_ids(struct camera *c, const struct onvif_call *call,
    const char *name, struct cam_ids *out, struct cam_why *why);
/* Sends w, and reads the one ID of that name from the answer. */
CAMCA_MUST int security_new_id(struct camera *c, const struct onvif_call *call,
    const struct xml_out *w, const char *name,
    char id_out[static CAM_ID_MAX], struct cam_why *why);

#endif
