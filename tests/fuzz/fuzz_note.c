/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a signed note, as one signature line, as a checkpoint and as a
 * verifier key: refused, or what was read stands in the bytes and is written
 * again with the same spelling. */
#include <stdlib.h>
#include <string.h>

#include "ca/custody/note.h"
#include "tests/fuzz/replay.h"

static const char *const vkeys[] = {
	"log.example/custody+0a748c04+"
	    "AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
	"log.example/custody+48d2598f+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABD7X"
	    "oo7GSO3OXVt+JS9rKq+7RINRFKJLPKqPcQ9kmTvCVxGjTNySKQgLY58Jl3/rfKke"
	    "zOFkm/6orYXHKyBq3n4=",
	"w1.example+c244f014+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",
};
#define KEYS (sizeof vkeys / sizeof *vkeys)

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
fuzz_checkpoint(const char *text, size_t n)
{
	struct checkpoint c;
	struct buf b;

	if (checkpoint_parse(&c, text, n, NULL) < 0)
		return;
	buf_init(&b, 0);
	check(checkpoint_text(&c, &b) == CAMCA_OK);
	check(b.len == n && memcmp(b.data, text, n) == 0);
	buf_fini(&b);
}

static void
fuzz_note(const uint8_t *data, size_t size)
{
	struct note *n = malloc(sizeof *n);
	const char *end = (const char *)data + size;
	struct note_key k;
	int64_t time_s;
	size_t i;

	check(n != NULL);
	if (note_parse(n, data, size, NULL) < 0) {
		free(n);
		return;
	}
	check(n->text == (const char *)data && n->text_len + 1 < size);
	check(n->text[n->text_len - 1] == '\n' && n->nsigs >= 1);
	for (i = 0; i < n->nsigs; i++) {
		check(n->sigs[i].name > n->text + n->text_len);
		check(n->sigs[i].name + n->sigs[i].name_len < end);
		check(n->sigs[i].sig_len <= sizeof n->sigs[i].sig);
	}
	for (i = 0; i < KEYS; i++) {
		check(note_key_parse(&k, vkeys[i], strlen(vkeys[i]), NULL) ==
		    CAMCA_OK);
		(void)!note_check(n, &k, &time_s);
		note_key_fini(&k);
	}
	fuzz_checkpoint(n->text, n->text_len);
	free(n);
}

static void
fuzz_key(const char *p, size_t n)
{
	struct note_key k, again;
	struct buf b;

	if (note_key_parse(&k, p, n, NULL) < 0)
		return;
	buf_init(&b, 0);
	check(note_key_text(&k, &b) == CAMCA_OK && b.len == n);
	check(note_key_parse(&again, buf_str(&b), b.len, NULL) == CAMCA_OK);
	check(memcmp(again.id, k.id, sizeof k.id) == 0);
	note_key_fini(&again);
	note_key_fini(&k);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_sig s;

	fuzz_note(data, size);
	fuzz_checkpoint((const char *)data, size);
	fuzz_key((const char *)data, size);
	if (note_line_parse(&s, (const char *)data, size, NULL) == CAMCA_OK)
		check(s.name + s.name_len < (const char *)data + size);
	return 0;
}
