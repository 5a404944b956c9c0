/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what an agent says: refused, or an object whose observation is
 * judged within its bounds; and a password in it is found wherever it is. */
#include <stdlib.h>
#include <string.h>

#include "ca/job/body.h"
#include "ca/job/guard.h"
#include "ca/job/observe.h"
#include "tests/fuzz/replay.h"

static const struct body_key keys[] = {
	{ "job", BODY_INT, false, INT64_MAX },
	{ "step", BODY_TEXT, false, 32 },
	{ "observation", BODY_OBJECT, false, 0 },
	{ .type = BODY_END },
};

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
fuzz_observe(const json_t *o)
{
	static const struct device_row dev = { .id = "cam-1",
	    .manufacturer = "Acme", .model = "M1", .serial = "SN1" };
	static const char *const users[] = { "admin" };
	static const uint8_t certs[1][STORE_HASH_LEN];
	char key[FINDING_KEY_MAX];
	struct findings found;
	struct job_rules rules;
	struct observe_facts f = { .dev = &dev, .rules = &rules,
	    .enrolled = true, .certs = certs, .ncerts = 1, .users = users,
	    .nusers = 1, .firmware = "1.0" };
	size_t i;

	job_rules_shipped(&rules);
	f.level = &rules.levels[0];
	observe_judge(o, &f, &found);
	check(found.n <= FINDINGS_MAX);
	for (i = 0; i < found.n; i++) {
		check(strncmp(found.list[i].code, "camera.", 7) == 0);
		check(strlen(found.list[i].read) < FINDING_TEXT_MAX);
		check(strlen(found.list[i].declared) < FINDING_TEXT_MAX);
		finding_key(&found.list[i], key);
		check(finding_in(key, key));
	}
}

static void
fuzz_guard(json_t *o, const uint8_t *data, size_t size)
{
	static struct guard *g;
	char text[64];
	size_t n = size < 40 ? size : 40;
	json_t *s;

	if (g == NULL)
		check(guard_new(&g, &camca_ctx_system) == CAMCA_OK);
	guard_forget(g, 1);
	check(guard_add(g, 1, "aPassword-of-ours", 1) == CAMCA_OK);
	(void)guard_finds(g, 1, o);
	/* Behind any text, and before any other. */
	memcpy(text, data, n);
	text[n] = '\0';
	memcpy(text + strlen(text), "aPassword-of-ours", 18);
	s = json_string_nocheck(text);
	check(s != NULL && json_object_set_new_nocheck(o, text, s) == 0);
	check(guard_finds(g, 1, o));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal why = { 0 };
	char *text = malloc(size + 1);
	json_t *o = NULL;

	check(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (body_parse(text, &o, &why) == CAMCA_OK) {
		if (body_check(o, keys, "The body", &why) < 0)
			check(why.http == 400);
		fuzz_observe(o);
		if (json_is_object(json_object_get(o, "observation")))
			fuzz_observe(json_object_get(o, "observation"));
		fuzz_guard(o, data, size);
	} else {
		check(why.http == 400);
	}
	json_decref(o);
	free(text);
	return 0;
}
