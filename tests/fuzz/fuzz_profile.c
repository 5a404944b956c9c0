/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as an operator wrote it. */
#include <stdlib.h>
#include <string.h>

#include "ca/issue/csr.h"
#include "ca/issue/profile_int.h"
#include "tests/fuzz/replay.h"

/* What a profile that passed leads to. */
static void
fuzz_use(const struct profile *p)
{
	static const struct profile_fields fields = { .device_id = "cam-1" };
	char out[64];
	struct buf attrs;
	int i, ret;

	for (i = 0; i < PROFILE_ITEMS_MAX && p->subject[i] != NULL; i++) {
		ret = profile_expand(p->subject[i], &fields, out, sizeof out,
		    NULL);
		if (ret < 0 && out[0] != '\0')
			abort();
	}
	buf_init(&attrs, 0);
	if (csrattrs_build(p, &attrs) < 0)
		abort();
	buf_fini(&attrs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct yaml_doc *d = NULL;
	struct profile p;
	int ret;

	memset(&p, 0, sizeof p);
	ret = yaml_open_text(&d, "fuzz", (const char *)data, n);
	if (ret == CAMCA_OK)
		ret = profile_read(d, &p);
	if (ret == CAMCA_OK)
		ret = profile_check(d, &p);
	if (ret == CAMCA_OK)
		fuzz_use(&p);
	else if (yaml_error(d) == NULL)
		abort();
	profile_clear(&p);
	yaml_close(d);
	return 0;
}
