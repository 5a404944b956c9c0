/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a CSV of accounts, and as the text of a password rule: what
 * comes out is sound, and a rule that is read makes passwords that keep it. */
#include <stdlib.h>
#include <string.h>

#include "ca/vault/import.h"
#include "ca/vault/password.h"
#include "tests/fuzz/replay.h"

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
fuzz_csv(const uint8_t *data, size_t size)
{
	struct refusal why = { 0 };
	struct vault_import imp;
	struct buf text;
	size_t i;
	int ret;

	buf_init(&text, 0);
	check(buf_put(&text, data, size) == CAMCA_OK);
	ret = vault_import_parse(&imp, &text, &why);
	check(ret == CAMCA_OK || why.http >= 400);
	for (i = 0; i < imp.n; i++) {
		check(imp.rows[i].line > 1 &&
		    (uint64_t)imp.rows[i].line <= size);
		check(imp.rows[i].role >= 0 && imp.rows[i].role < VAULT_ROLES);
		check(strlen(imp.rows[i].username) < VAULT_USER_MAX);
		check(strlen(imp.rows[i].level) < VAULT_LEVEL_MAX);
		check(imp.rows[i].password[0] != '\0' &&
		    strlen(imp.rows[i].password) <= PASSWORD_STORED_MAX);
	}
	vault_import_free(&imp);
	buf_fini(&text);
}

static void
fuzz_rule(const uint8_t *data, size_t size)
{
	char text[PASSWORD_RULE_TEXT + 8] = "", again[PASSWORD_RULE_TEXT];
	char out[PASSWORD_MAX + 1];
	struct password_rule r;

	memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
	if (password_rule_parse(text, &r) < 0)
		return;
	password_rule_format(&r, again);
	check(strcmp(again, text) == 0);
	check(password_rule_implies(&r, &r));
	if (password_make(&camca_ctx_system, &r, "admin", out, NULL) ==
	    CAMCA_OK)
		check(password_keeps(&r, "admin", out) &&
		    (int64_t)strlen(out) <= r.max);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_csv(data, size);
	fuzz_rule(data, size);
	return 0;
}
