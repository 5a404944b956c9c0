/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of camca doctor share. */
#ifndef CAMCA_AUTHORITY_DOCTOR_H
#define CAMCA_AUTHORITY_DOCTOR_H

#include "ca/authority/ops.h"

struct doctor {
	struct authority *a;
	json_t *checks;
};

/* One line of the answer; mend is shown where it is not ok. All of it is
 * copied. */
void doctor_say(struct doctor *d, const char *name, bool ok, const char *level,
    const char *detail, const char *mend);
/* Site agents, their jobs, and the passwords of cameras. */
void doctor_cameras(struct doctor *d);

#endif
