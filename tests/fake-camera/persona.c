/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "tests/fake-camera/persona.h"

static const struct persona personas[] = {
	{ .name = "default", .model = "Default-1", .hardware_id = "HW-D1",
	    .md5 = true, .token = true, .window_s = 300,
	    .ec = true, .rsa_lengths = "2048 3072 4096",
	    .keys = 8, .certs = 8, .paths = 4, .crls = 2, .policies = 2,
	    .factory_stored = true, .https_at_start = true,
	    .client_auth = true, .max_users = 8, .max_name = 32,
	    .max_password = 64, .min_len = 8 },
	{ .name = "modern", .model = "Modern-26", .hardware_id = "HW-M26",
	    .md5 = true, .sha256 = true, .both_refused = true, .opaque = true,
	    .locks = true, .window_s = 300,
	    .ec = true, .rsa_lengths = "3072 4096",
	    .keys = 16, .certs = 16, .paths = 16, .crls = 4, .policies = 4,
	    .auto_delete_key = true, .no_key_sharing = true,
	    .factory_stored = true, .https_at_start = true,
	    .client_auth = true, .max_users = 16, .max_name = 64,
	    .max_password = 64, .min_len = 10, .min_upper = 1, .min_digit = 1,
	    .min_special = 1, .complexity = true },
	/* Of 2023: SHA-256 is there, and off. */
	{ .name = "md5first", .model = "Md5-First", .hardware_id = "HW-F23",
	    .md5 = true, .sha256 = true, .sha256_off = true, .window_s = 300,
	    .ec = true, .rsa_lengths = "2048 3072",
	    .keys = 16, .certs = 16, .paths = 4, .crls = 2, .policies = 2,
	    .factory_stored = true, .https_at_start = true,
	    .client_auth = true, .max_users = 8, .max_name = 32,
	    .max_password = 64, .min_len = 8 },
	/* The least that the standard asks of a keystore. */
	{ .name = "rsa4", .model = "Rsa-4", .hardware_id = "HW-R4",
	    .md5 = true, .token = true, .locks = true, .window_s = 300,
	    .rsa_lengths = "2048 3072", .old_spelling = true,
	    .keys = 4, .certs = 4, .paths = 2, .crls = 1, .policies = 1,
	    .max_users = 4, .max_name = 16, .max_password = 28,
	    .min_len = 8 },
	/* A power cut took its clock; only the old kind of login. */
	{ .name = "lateclock", .model = "Late-Clock", .hardware_id = "HW-L2",
	    .token = true, .window_s = 5, .ec = true,
	    .rsa_lengths = "2048 3072",
	    .keys = 16, .certs = 16, .paths = 4, .crls = 2, .policies = 2,
	    .factory_stored = true, .https_at_start = true,
	    .max_users = 8, .max_name = 32, .max_password = 32, .min_len = 8,
	    .clock_offset_s = -2 * 365 * 86400LL },
};

const struct persona *
persona_at(unsigned i)
{
	return i < sizeof personas / sizeof personas[0] ? &personas[i] : NULL;
}

const struct persona *
persona_find(const char *name)
{
	const struct persona *p;
	unsigned i;

	for (i = 0; (p = persona_at(i)) != NULL; i++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}
