/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of a device's events: numbered 1, 2, 3 .. without a gap, each with
 * the hash of the one before. What was taken out of the middle leaves a hole;
 * what was taken off the end does not, and the report says so. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/verify/verify_int.h"

static int
events_device(struct verify *v, const struct event_view *e,
    const struct file *x, size_t i)
{
	if (i == 0 && e->device.n < sizeof v->device) {
		memcpy(v->device, e->device.p, e->device.n);
		v->device[e->device.n] = '\0';
	}
	if (strlen(v->device) == e->device.n &&
	    memcmp(v->device, e->device.p, e->device.n) == 0)
		return CAMCA_OK;
	return report_wrong(&v->report, "events.device", x->name,
	    "The event is of another device than the first one (%s).",
	    "Sự kiện thuộc về thiết bị khác với sự kiện đầu tiên (%s).",
	    v->device);
}

/* The number, and the hash of the event before. */
static int
events_link(struct verify *v, const struct event_view *e,
    const struct file *x, size_t i)
{
	if (e->dev_seq != (int64_t)i + 1)
		return report_wrong(&v->report, "events.number", x->name,
		    "The event says that it is number %lld of its device, and "
		    "stands in the place of number %zu.", "Sự kiện ghi số thứ "
		    "tự %lld của thiết bị nhưng đứng ở vị trí %zu.",
		    (long long)e->dev_seq, i + 1);
	if (i == 0 || memcmp(e->dev_prev, v->events[i - 1].leaf.b,
	    sizeof e->dev_prev) == 0)
		return CAMCA_OK;
	return report_wrong(&v->report, "events.chain", x->name,
	    "The event does not follow the one before: the hash in it is that "
	    "of another one.", "Sự kiện không nối tiếp sự kiện trước: giá trị "
	    "băm ghi trong đó thuộc về sự kiện khác.");
}

static void
events_time(struct verify *v, const struct event_view *e, size_t i)
{
	int64_t back = i > 0 ? v->events[i - 1].time_ms - e->time_ms : 0;

	v->events[i].time_ms = e->time_ms;
	if (back > v->back_ms)
		v->back_ms = back;
}

static int
events_one(struct verify *v, const struct file *x, size_t i)
{
	struct refusal why = { .http = 0 };
	struct event_view e;
	int ret = event_parse(&e, x->p, x->n, &why);

	if (ret < 0)
		return report_refused(&v->report, ret, "events.form", x->name,
		    &why);
	if ((ret = events_device(v, &e, x, i)) < 0 ||
	    (ret = events_link(v, &e, x, i)) < 0 ||
	    (ret = tree_leaf(&v->events[i].leaf, x->p, x->n)) < 0)
		return ret;
	v->events[i].file = x;
	v->events[i].index = -1;
	memcpy(v->events[i].id, e.id, sizeof e.id);
	events_time(v, &e, i);
	if (i == 0)
		v->registered = strcmp(e.type->name, "device.added") == 0 ||
		    strcmp(e.type->name, "device.imported") == 0;
	return verify_fact(v, i, &e);
}

static int
events_id_order(const void *a, const void *b)
{
	return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b,
	    16);
}

/* The same event twice would count twice. */
static int
events_ids(struct verify *v)
{
	const uint8_t **ids = calloc(v->nevents, sizeof *ids);
	char hex[33];
	int ret = CAMCA_OK;
	size_t i;

	if (ids == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < v->nevents; i++)
		ids[i] = v->events[i].id;
	qsort(ids, v->nevents, sizeof *ids, events_id_order);
	for (i = 1; i < v->nevents && ret == CAMCA_OK; i++) {
		if (memcmp(ids[i - 1], ids[i], 16) != 0)
			continue;
		enc_hex(hex, ids[i], 16);
		ret = report_wrong(&v->report, "events.twice", "",
		    "Two events have the same id %s.",
		    "Hai sự kiện có cùng mã %s.", hex);
	}
	free(ids);
	return ret;
}

static int
events_all(struct verify *v)
{
	char name[BUNDLE_NAME_MAX];
	const struct file *x;
	size_t i;
	int ret;

	for (i = 0; i < v->nevents; i++) {
		snprintf(name, sizeof name, "events/%06zu.event", i + 1);
		x = files_find(v->f, name);
		if (x == NULL)
			return report_wrong(&v->report, "events.missing", name,
			    "An event is missing: there are %zu, and none has "
			    "this number.", "Thiếu một sự kiện: có %zu sự kiện "
			    "nhưng không có số này.", v->nevents);
		if ((ret = events_one(v, x, i)) < 0)
			return ret;
	}
	return CAMCA_OK;
}

int
verify_events(struct verify *v)
{
	int ret;

	v->nevents = files_count(v->f, BUNDLE_EVENT);
	if (v->nevents > BUNDLE_EVENTS_MAX)
		return report_wrong(&v->report, "events.many", "",
		    "More than %d events.", "Có hơn %d sự kiện.",
		    BUNDLE_EVENTS_MAX);
	v->events = calloc(v->nevents, sizeof *v->events);
	if (v->events == NULL)
		return CAMCA_ENOMEM;
	if ((ret = events_all(v)) < 0 || (ret = events_ids(v)) < 0)
		return ret;
	report_add(&v->report, REPORT_PROVEN, "events", "",
	    "The %zu events are numbers 1 to %zu of device %s, each bound to "
	    "the one before by its hash: none is missing in between.",
	    "%zu sự kiện mang số từ 1 đến %zu của thiết bị %s, mỗi sự kiện gắn "
	    "với sự kiện trước bằng giá trị băm: không thiếu sự kiện nào ở "
	    "giữa.", v->nevents, v->nevents, v->device);
	return CAMCA_OK;
}
