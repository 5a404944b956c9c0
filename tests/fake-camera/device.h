/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the device service. Each is called with the camera locked and
 * returns 0 or a negative camca_err with the fault filled. */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include "tests/fake-camera/soap.h"

int users_get(struct call *c);
int users_create(struct call *c);
int users_set(struct call *c);
int users_delete(struct call *c);
int users_options(struct call *c);
int users_rules(struct call *c);
int users_set_rules(struct call *c);
int users_hashing(struct call *c);

int clock_get(struct call *c);
int clock_set(struct call *c);
int clock_ntp(struct call *c);
int clock_set_ntp(struct call *c);

const char *level_name(enum level level);

#endif
