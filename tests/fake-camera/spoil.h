/* SPDX-License-Identifier: Apache-2.0 */
/* Where the faults that any operation can have strike. The camera is locked
 * by the callers. */
#ifndef FAKE_SPOIL_H
#define FAKE_SPOIL_H

#include <libxml/tree.h>

#include "tests/fake-camera/soap.h"

/* How long a restart takes, and where bodies are written; set once at the
 * start. dir may be NULL. */
void spoil_setup(int64_t boot_ms, const char *dir);
int64_t spoil_boot_ms(void);
/* Before the operation; false where it must not run. */
bool spoil_before(struct camera *cam, const char *op,
    struct soap_answer *out);
/* After it, whether it failed or not. */
void spoil_after(struct camera *cam, const char *op, struct soap_answer *out);
/* The answer as a whole: keeps it, writes it down, damages it. */
void spoil_answer(struct camera *cam, const xmlNode *request, bool tls,
    struct soap_answer *out);

#endif
