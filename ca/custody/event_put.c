/* SPDX-License-Identifier: Apache-2.0 */
/* The one part of events that needs a store: who only reads them (the verifier
 * of a bundle) links none. */
#include "ca/custody/event.h"

#include <stdio.h>
#include <string.h>

int
event_put(struct tx *tx, const struct event *e)
{
	char body[EVENT_BODY_MAX];
	struct event_row row = { .time_ms = e->time_ms };
	int ret;

	row.body.p = (uint8_t *)body;
	ret = event_format(e, body, &row.body.n);
	if (ret < 0)
		return ret;
	memcpy(row.id, e->id, sizeof row.id);
	snprintf(row.device, sizeof row.device, "%s", e->device);
	return store_outbox_put(tx, &row);
}
