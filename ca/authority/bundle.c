/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/authority/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "ca/authority/bundle_int.h"
#include "ca/custody/anchor.h"
#include "ca/custody/signer.h"

#define BUNDLE_TRIES 4
#define BUNDLE_STAMP_MS 15000
#define BUNDLE_SIGN_MS 5000

/* ---- taking what fits together ---- */

/* A stamp is made of the newest checkpoint, and the bundle must end in it. */
static int
bundle_stamp(struct op_call *c, int64_t *size_out)
{
	int ret = signer_now(c->a->signer, -1, BUNDLE_SIGN_MS, &c->why);

	return ret < 0 ? ret : anchor_timestamp(c->a->anchor, BUNDLE_STAMP_MS,
	    size_out, &c->why);
}

static int
bundle_texts(struct bundle *b)
{
	struct bundle_about about = { .device = b->device,
	    .origin = b->cp.origin, .size = b->cp.size,
	    .made_ms = b->made_ms };
	struct buf readme;
	int ret;

	buf_init(&readme, 0);
	ret = bundle_readme(&about, &readme);
	if (ret == CAMCA_OK)
		ret = bundle_put(b, "README.txt", readme.data, readme.len);
	buf_fini(&readme);
	if (ret == CAMCA_OK)
		ret = bundle_put(b, "policy.tlog", b->policy.data,
		    b->policy.len);
	return ret < 0 ? ret : bundle_put(b, "checkpoint", b->checkpoint.data,
	    b->checkpoint.len);
}

static int
bundle_stamped(struct op_call *c, struct bundle *b, bool wanted)
{
	size_t n = 0;
	int ret = bundle_stamps(b, &n);

	if (ret == CAMCA_OK && wanted && n == 0)
		ret = refuse(&c->why, CAMCA_EBUSY, 503, "custody.timestamp",
		    "No time-stamp over the checkpoint of this bundle is "
		    "there.");
	return ret;
}

/* Once around: what was taken first may not fit what was taken last. */
static int
bundle_try(struct op_call *c, struct bundle *b, bool timestamp,
    bool *moved_out)
{
	int64_t size = -1;
	int ret;

	bundle_clear(b);
	authority_cas_put(b->a, b->cas);
	b->cas = authority_cas(b->a);
	if (timestamp && (ret = bundle_stamp(c, &size)) < 0)
		return ret;
	if ((ret = bundle_pin(c, b, size)) < 0 ||
	    (ret = bundle_status(c, b)) < 0 ||
	    (ret = bundle_texts(b)) < 0 ||
	    (ret = bundle_stamped(c, b, timestamp)) < 0)
		return ret;
	return bundle_moved(b, moved_out);
}

int
bundle_make(struct op_call *c, const char *device, bool timestamp,
    struct bundle **out)
{
	struct bundle *b = calloc(1, sizeof *b);
	bool moved = true;
	int i, ret = CAMCA_OK;

	if (b == NULL)
		return CAMCA_ENOMEM;
	b->a = c->a;
	b->cas = authority_cas(c->a);
	b->after = -1;
	snprintf(b->device, sizeof b->device, "%s", device);
	for (i = 0; i < BUNDLE_TRIES && ret == CAMCA_OK && moved; i++)
		ret = bundle_try(c, b, timestamp, &moved);
	if (ret == CAMCA_OK && moved)
		ret = refuse(&c->why, CAMCA_EBUSY, 503, "custody.behind",
		    "Things happen to %s all the time: try again.", b->device);
	if (ret < 0) {
		bundle_free(b);
		return ret;
	}
	*out = b;
	return CAMCA_OK;
}

void
bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	bundle_clear(b);
	manifest_fini(&b->manifest);
	buf_fini(&b->policy);
	buf_fini(&b->checkpoint);
	authority_cas_put(b->a, b->cas);
	free(b);
}

const char *
bundle_device(const struct bundle *b)
{
	return b->device;
}

const char *
bundle_origin(const struct bundle *b)
{
	return b->cp.origin;
}

int64_t
bundle_size(const struct bundle *b)
{
	return b->cp.size;
}
