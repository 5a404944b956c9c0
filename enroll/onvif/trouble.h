/* SPDX-License-Identifier: Apache-2.0 */
/* Saying what went wrong with a camera. */
#ifndef CAMCA_ONVIF_TROUBLE_H
#define CAMCA_ONVIF_TROUBLE_H

#include "enroll/onvif/driver.h"

/* Fills why (may be NULL): code, text; http and fault stay as they are.
 * Returns err, so that a failure is one line. Control characters and what is
 * not UTF-8 become '?'. No secrets in the arguments. Any thread. */
int cam_fail(struct cam_why *why, int err, enum cam_trouble code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same for the errors that need no words: ENOMEM, EINVAL, ELIMIT,
 * ECRYPTO. err is given back. */
int cam_fail_plain(struct cam_why *why, int err);
/* Empties why (may be NULL). */
void cam_why_clear(struct cam_why *why);

#endif
