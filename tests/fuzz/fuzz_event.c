/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an event: refused, or read so that writing it again gives the
 * same bytes. And any bytes as a value: the event that has it can be read. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/custody/event.h"
#include "tests/fuzz/replay.h"

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
rewrite(const struct event_view *v, struct buf *b)
{
	char hex[65], when[CTX_TIME_LEN];
	size_t i;

	enc_hex(hex, v->id, sizeof v->id);
	ctx_time_format(when, v->time_ms);
	check(buf_printf(b, EVENT_HEADER "id %s\ntime %s\ntype %s\n"
	    "device %.*s\n", hex, when, v->type->name, (int)v->device.n,
	    v->device.p) == 0);
	enc_hex(hex, v->dev_prev, sizeof v->dev_prev);
	if (v->dev_seq != 0)
		check(buf_printf(b, "dev-seq %lld\ndev-prev %s\n",
		    (long long)v->dev_seq, v->has_prev ? hex : "-") == 0);
	check(buf_printf(b, "actor %.*s\n", (int)v->actor.n,
	    v->actor.p) == 0);
	for (i = 0; i < v->nfields; i++)
		check(buf_printf(b, "%.*s %.*s\n", (int)v->fields[i].key.n,
		    v->fields[i].key.p, (int)v->fields[i].value.n,
		    v->fields[i].value.p) == 0);
	check(buf_printf(b, "node %.*s\n", (int)v->node.n, v->node.p) == 0);
}

static void
fuzz_parse(const uint8_t *data, size_t size)
{
	struct event_view v;
	struct buf b;

	if (event_parse(&v, data, size, NULL) < 0)
		return;
	buf_init(&b, 0);
	rewrite(&v, &b);
	check(b.len == size && memcmp(b.data, data, size) == 0);
	buf_fini(&b);
}

static void
fuzz_value(const uint8_t *data, size_t size)
{
	static const struct event_source src = { &camca_ctx_system, "n1" };
	char text[2048], out[EVENT_BODY_MAX];
	struct event_view v;
	struct event e;
	size_t n = size < sizeof text - 1 ? size : sizeof text - 1;

	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	event_init(&e, &src, "request.refused", text, text);
	event_add(&e, "rule", "%s", text);
	event_add(&e, "http", "%d", 400);
	event_add(&e, "reason", "%s", text);
	check(event_format(&e, out, &n) == CAMCA_OK);
	check(event_parse(&v, out, n, NULL) == CAMCA_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_parse(data, size);
	fuzz_value(data, size);
	return 0;
}
