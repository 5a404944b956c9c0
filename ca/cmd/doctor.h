/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAMCA_CMD_DOCTOR_H
#define CAMCA_CMD_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/cmd/cmd.h"

enum doctor_level { DOCTOR_FINE, DOCTOR_WARN, DOCTOR_ERROR };

/* Appends {"name","ok","level","detail","mend"}, as system.doctor gives. */
void doctor_add(json_t *checks, const char *name, enum doctor_level level,
    const char *detail, const char *mend);
/* Judges the end of a certificate and says it in text. */
enum doctor_level doctor_cert_level(int64_t not_after_s, int64_t now_s,
    char *text, size_t len);
/* False where a check of level "error" is not ok. */
bool doctor_healthy(const json_t *checks);

#endif
