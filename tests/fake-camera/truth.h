/* SPDX-License-Identifier: Apache-2.0 */
/* What a camera really holds, passwords and all, as JSON. */
#ifndef FAKE_TRUTH_H
#define FAKE_TRUTH_H

#include <jansson.h>

#include "tests/fake-camera/camera.h"

/* The camera is locked by the caller. NULL without memory. */
json_t *truth_short(struct camera *cam);
json_t *truth_whole(struct camera *cam);
json_t *truth_messages(const struct camera *cam);

#endif
