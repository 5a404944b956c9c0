/* SPDX-License-Identifier: Apache-2.0 */
/* Events in a sentence each, for people who read a device's history. */
#ifndef CAMCA_CUSTODY_TELL_H
#define CAMCA_CUSTODY_TELL_H

#include "ca/custody/event.h"

#define TELL_MAX 1024

/* What happened, without time, device and actor: "Certificate renewed (profile
 * camera-ec)". Never empty; cut where it does not fit. Any thread. */
void event_tell(const struct event_view *v, char out[static TELL_MAX]);
/* The sentence's pattern for a type, NULL where there is none: words in braces
 * are keys, a part in brackets is left out where its key is. Constant. */
const char *event_tell_pattern(const char *type);

#endif
