/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/base/buf.h"
#include "ca/base/file.h"
#include "ca/issue/profile.h"

#define DAY INT64_C(86400000)

static const char base[] =
	"version: 1\n"
	"label: camera\n"
	"default: true\n"
	"issuer: ec\n"
	"kind: camera\n"
	"keys: [p256, rsa]\n"
	"validity: 1y\n"
	"key_usage: [digital_signature]\n"
	"extended_key_usage: [client_auth]\n"
	"subject:\n"
	"  - CN={device.id}\n"
	"subject_alt_names:\n"
	"  - dns:{device.id}.example\n"
	"enrollment:\n"
	"  auth: [secret, idevid]\n"
	"  pop: optional\n"
	"renewal:\n"
	"  window: 120d\n";

struct place {
	char dir[64];
	char error[1024];
	struct profile_set set;
};

static void
place_init(struct place *p)
{
	memset(p, 0, sizeof *p);
	snprintf(p->dir, sizeof p->dir, "/tmp/camca-profile-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
}

static void
place_put(const struct place *p, const char *name, const char *text)
{
	char path[256];

	assert_int_equal(file_join(path, sizeof path, p->dir, name), 0);
	assert_int_equal(file_replace(path, text, strlen(text), 0600), 0);
}

static void
place_remove(const struct place *p, const char *name)
{
	char path[256];

	assert_int_equal(file_join(path, sizeof path, p->dir, name), 0);
	unlink(path);
}

static int
place_load(struct place *p)
{
	profile_set_free(&p->set);
	return profile_set_load(&p->set, p->dir, p->error, sizeof p->error);
}

static void
place_fini(struct place *p)
{
	profile_set_free(&p->set);
	rmdir(p->dir);
}

/* base with the first `from` replaced by `to`; appended where from is "". */
static void
edit(struct buf *out, const char *from, const char *to)
{
	const char *at = from[0] != '\0' ? strstr(base, from) :
	    base + strlen(base);

	assert_non_null(at);
	buf_reset(out);
	assert_int_equal(buf_put(out, base, (size_t)(at - base)), 0);
	assert_int_equal(buf_puts(out, to), 0);
	assert_int_equal(buf_puts(out, at + strlen(from)), 0);
}

static void
test_values(void **state)
{
	const struct profile *p;
	struct place at;

	(void)state;
	place_init(&at);
	place_put(&at, "camera-ec.yaml", base);
	place_put(&at, ".hidden.yaml", "no profile");
	place_put(&at, "README", "no profile");
	if (place_load(&at) < 0)
		fail_msg("%s", at.error);
	assert_int_equal(at.set.n, 1);
	p = profile_by_name(&at.set, "camera-ec");
	assert_non_null(p);
	assert_ptr_equal(p, profile_by_label(&at.set, NULL));
	assert_ptr_equal(p, profile_by_label(&at.set, ""));
	assert_ptr_equal(p, profile_by_label(&at.set, "camera"));
	assert_null(profile_by_label(&at.set, "Camera"));
	assert_null(profile_by_name(&at.set, "camera"));
	assert_int_equal(p->version, 1);
	assert_string_equal(p->issuer, "ec");
	assert_int_equal(p->kind, 0);
	assert_int_equal(p->keys, 1u << KEY_P256 | 1u << KEY_RSA);
	assert_int_equal(p->validity_ms, 365 * DAY);
	assert_int_equal(p->key_usage, KU_DIGITAL_SIGNATURE);
	assert_int_equal(p->eku_nids[0], NID_client_auth);
	assert_int_equal(p->eku_nids[1], 0);
	assert_string_equal(p->subject[0], "CN={device.id}");
	assert_null(p->subject[1]);
	assert_string_equal(p->san[0], "dns:{device.id}.example");
	assert_int_equal(p->auth, AUTH_SECRET | AUTH_IDEVID);
	assert_int_equal(p->renew_window_ms, 120 * DAY);
	/* what camca-profile(5) says of keys that are left out */
	assert_int_equal(p->rsa_min_bits, 2048);
	assert_int_equal(p->rsa_max_bits, 4096);
	assert_true(p->cdp && p->aia && p->cte_header && p->pop_require_ems);
	assert_false(p->approval || p->rfc7894 || p->rekey_required ||
	    p->change_subject || p->renew_by_secret ||
	    p->csr_subject_must_match || p->challenge_may_be_other);
	assert_int_equal(p->approval_ttl_ms, 7 * DAY);
	assert_int_equal(p->retry_after_s, 60);
	assert_int_equal(p->same_window_ms, 3600000);
	assert_int_equal(p->csrattrs, CSRATTRS_BOTH);
	assert_int_equal(p->base64, BASE64_AUTO);
	assert_int_equal(p->early, EARLY_REFUSE);
	assert_int_equal(p->expired_grace_ms, 0);
	assert_int_equal(p->supersede_after_ms, 0);
	place_remove(&at, "camera-ec.yaml");
	place_remove(&at, ".hidden.yaml");
	place_remove(&at, "README");
	place_fini(&at);
}

static const struct {
	const char *from, *to, *why;
} mistakes[] = {
	{ "", "color: red\n", "p.yaml:19: unknown key 'color'" },
	{ "  pop: optional\n", "  pop: optional\n  popp: x\n",
	    "p.yaml:17: unknown key 'popp'" },
	{ "  window: 120d\n", "  window: 120d\n  windows: 1d\n",
	    "p.yaml:19: unknown key 'windows'" },
	{ "version: 1\n", "", "key 'version' is missing" },
	{ "version: 1", "version: 0", "p.yaml:1: 'version' must lie in" },
	{ "issuer: ec\n", "", "key 'issuer' is missing" },
	{ "issuer: ec", "issuer: ../ec", "p.yaml:4: 'issuer' must be" },
	{ "kind: camera", "kind: printer", "p.yaml:5: 'printer' is not one" },
	{ "kind: camera\n", "", "key 'kind' is missing" },
	{ "keys: [p256, rsa]\n", "", "key 'keys' is missing" },
	{ "[p256, rsa]", "[]", "p.yaml:6: 'keys' is empty" },
	{ "[p256, rsa]", "[p192]", "p.yaml:6: 'p192' is not one of" },
	{ "[p256, rsa]", "[p256, p256]", "p.yaml:6: 'p256' is listed twice" },
	{ "[p256, rsa]", "p256", "p.yaml:6: 'keys' must be a list" },
	{ "[p256, rsa]", "[rsa]\nrsa_min_bits: 1024",
	    "p.yaml:7: 'rsa_min_bits' must lie in" },
	{ "[p256, rsa]", "[rsa]\nrsa_min_bits: 4096\nrsa_max_bits: 3072",
	    "p.yaml:8: 'rsa_max_bits' is less" },
	{ "[p256, rsa]", "[p256]\nrsa_min_bits: 2048",
	    "p.yaml:7: unknown key 'rsa_min_bits'" },
	{ "validity: 1y", "validity: 1m", "p.yaml:7: 'validity' must lie" },
	{ "validity: 1y", "validity: 11y", "p.yaml:7: 'validity' must lie" },
	{ "validity: 1y", "validity: 365", "p.yaml:7: 'validity' must be" },
	{ "[digital_signature]", "[key_cert_sign]",
	    "p.yaml:8: 'key_cert_sign' is not one of" },
	{ "[digital_signature]", "[crl_sign]", "is not one of" },
	{ "[digital_signature]", "[digital_signature, key_encipherment]",
	    "p.yaml:8: encipherment is for RSA" },
	{ "[digital_signature]", "[key_agreement]",
	    "p.yaml:8: key_agreement is for EC" },
	{ "[client_auth]", "[client_auth, cmc_ra]",
	    "p.yaml:9: cmc_ra is not for cameras" },
	{ "[client_auth]", "[ocsp_signing]",
	    "p.yaml:9: ocsp_signing is for kind authority" },
	{ "[client_auth]", "[any]", "p.yaml:9: 'any' is not one of" },
	{ "CN={device.id}", "CN={device.name}", "unknown variable" },
	{ "CN={device.id}", "CN={device.id", "a '{' without its '}'" },
	{ "CN={device.id}", "CN=device.id}", "a '}' without its '{'" },
	{ "CN={device.id}", "CN={{device.id}}", "unknown variable" },
	{ "CN={device.id}", "CN=", "p.yaml:11: 'CN=' is no item" },
	{ "CN={device.id}", "'{device.id}'", "is no item of 'subject'" },
	{ "CN={device.id}", "X={device.id}", "is no item of 'subject'" },
	{ "CN={device.id}", "cn={device.id}", "is no item of 'subject'" },
	{ "CN={device.id}", "[a]", "an item of 'subject' must be a text" },
	{ "dns:{device.id}.example", "dirname:{device.id}",
	    "is no item of 'subject_alt_names'" },
	{ "dns:{device.id}.example", "'dns:'", "is no item of" },
	{ "dns:{device.id}.example", "dns: x", "must be a text" },
	{ "  auth: [secret, idevid]\n", "", "key 'auth' is missing" },
	{ "[secret, idevid]", "[none]", "p.yaml:15: 'none' is not one of" },
	{ "  pop: optional\n", "", "key 'pop' is missing" },
	{ "pop: optional", "pop: maybe", "p.yaml:16: 'maybe' is not one" },
	{ "pop: optional", "pop: require\n  challenge_may_be_other: true",
	    "exclude each other" },
	{ "pop: optional", "pop: off\n  approval: yes",
	    "p.yaml:17: 'approval' must be true or false" },
	{ "pop: optional", "pop: off\n  retry_after: 0s",
	    "p.yaml:17: 'retry_after' must lie" },
	{ "pop: optional", "pop: off\n  same_window: 30d\n",
	    NULL },
	{ "pop: optional", "pop: off\n  base64: raw",
	    "p.yaml:17: 'raw' is not one of" },
	{ "renewal:\n  window: 120d\n", "", "key 'renewal' is missing" },
	{ "window: 120d", "window: 2y", "'window' is longer than" },
	{ "window: 120d", "window: 1d\n  early: later", "is not one of" },
	{ "window: 120d", "window: 1d\n  supersede_after: 1y",
	    "'supersede_after' is not shorter" },
	{ "[secret, idevid]\n  pop: optional\nrenewal:",
	    "[idevid]\n  pop: optional\nrenewal:\n  by_secret: true",
	    "'by_secret' needs 'secret'" },
	{ "label: camera", "label: a/b", "p.yaml:2: 'label' must be" },
	{ "label: camera", "label: ..", "p.yaml:2: 'label' must be" },
	{ "label: camera", "label: 'a b'", "p.yaml:2: 'label' must be" },
	{ "label: camera", "label: cacerts",
	    "p.yaml:2: the label 'cacerts' is the name" },
	{ "label: camera", "label: simpleenroll", "RFC 7030 3.2.2" },
	{ "label: camera", "label: simplereenroll", "RFC 7030 3.2.2" },
	{ "label: camera", "label: fullcmc", "RFC 7030 3.2.2" },
	{ "label: camera", "label: serverkeygen", "RFC 7030 3.2.2" },
	{ "label: camera", "label: CSRattrs", "RFC 7030 3.2.2" },
	{ "label: camera", "label: simpleenroll2", NULL },
	{ "label: camera\n", "", NULL },
	{ "label: camera\ndefault: true\n", "",
	    "neither a label nor the default" },
	{ "default: true\n", "", "no profile has 'default: true'" },
	{ "subject:\n  - CN={device.id}\n", "", NULL },
	{ "label: camera", "label: camera\nlabel: camera",
	    "p.yaml:3: key 'label' is given twice" },
	{ "version: 1", "version: &a 1\nlabels: *a", "p.yaml:1: anchors" },
	{ "version: 1", "version: [1", "p.yaml:" },
	{ "version: 1", "%", "p.yaml:" },
};

/* Each mistake is told by file, line and rule; NULL is no mistake. */
static void
test_mistakes(void **state)
{
	struct place at;
	struct buf text;
	size_t i;
	int ret;

	(void)state;
	place_init(&at);
	buf_init(&text, 0);
	for (i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		edit(&text, mistakes[i].from, mistakes[i].to);
		place_put(&at, "p.yaml", buf_str(&text));
		ret = place_load(&at);
		if (mistakes[i].why == NULL) {
			if (ret < 0)
				fail_msg("%s", at.error);
			continue;
		}
		assert_int_equal(ret, CAMCA_EINVAL);
		assert_null(at.set.list);
		assert_int_equal(at.set.n, 0);
		if (strstr(at.error, mistakes[i].why) == NULL ||
		    memcmp(at.error, at.dir, strlen(at.dir)) != 0)
			fail_msg("'%s' is not '%s'", at.error,
			    mistakes[i].why);
	}
	buf_fini(&text);
	place_remove(&at, "p.yaml");
	place_fini(&at);
}

/* The same window must be shorter than the certificate's life, and a device of
 * its own must be named by an item that is always there. */
static void
test_names_the_device(void **state)
{
	struct place at;
	struct buf text;

	(void)state;
	place_init(&at);
	buf_init(&text, 0);
	edit(&text, "  - CN={device.id}\nsubject_alt_names:\n"
	    "  - dns:{device.id}.example\n", "  - CN=camera\n"
	    "  - '?serialNumber={device.serial}'\n  - O={site.name}\n");
	place_put(&at, "p.yaml", buf_str(&text));
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "names the device"));
	edit(&text, "validity: 1y", "validity: 1h");
	place_put(&at, "p.yaml", buf_str(&text));
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	buf_fini(&text);
	place_remove(&at, "p.yaml");
	place_fini(&at);
}

static void
test_many_items(void **state)
{
	struct place at;
	struct buf text, items;
	int i;

	(void)state;
	place_init(&at);
	buf_init(&text, 0);
	buf_init(&items, 0);
	for (i = 0; i < PROFILE_ITEMS_MAX - 1; i++)
		assert_int_equal(buf_puts(&items, "  - CN={device.id}\n"), 0);
	edit(&text, "  - CN={device.id}\n", buf_str(&items));
	place_put(&at, "p.yaml", buf_str(&text));
	assert_int_equal(place_load(&at), 0);
	assert_non_null(at.set.list[0].subject[PROFILE_ITEMS_MAX - 2]);
	assert_null(at.set.list[0].subject[PROFILE_ITEMS_MAX - 1]);
	assert_int_equal(buf_puts(&items, "  - CN={device.id}\n"), 0);
	edit(&text, "  - CN={device.id}\n", buf_str(&items));
	place_put(&at, "p.yaml", buf_str(&text));
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "more than 15 items"));
	buf_fini(&items);
	buf_fini(&text);
	place_remove(&at, "p.yaml");
	place_fini(&at);
}

/* Rules between files. */
static void
test_set(void **state)
{
	struct place at;
	struct buf text;

	(void)state;
	place_init(&at);
	buf_init(&text, 0);
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "no profile has 'default: true'"));
	place_put(&at, "a.yaml", base);
	place_put(&at, "b.yaml", base);
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "a and b have the same label"));
	edit(&text, "label: camera", "label: other");
	place_put(&at, "b.yaml", buf_str(&text));
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "a and b are both the default"));
	edit(&text, "label: camera\ndefault: true", "label: other");
	place_put(&at, "b.yaml", buf_str(&text));
	assert_int_equal(place_load(&at), 0);
	assert_string_equal(profile_by_label(&at.set, "other")->name, "b");
	assert_string_equal(profile_by_label(&at.set, NULL)->name, "a");
	place_put(&at, "b c.yaml", base);
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "b c.yaml: the name of a profile"));
	place_remove(&at, "a.yaml");
	place_remove(&at, "b.yaml");
	place_remove(&at, "b c.yaml");
	place_fini(&at);
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, ": No such file"));
	buf_fini(&text);
	profile_set_free(NULL);
}

/* The authority's own certificates are not to be had through EST. */
static void
test_authority(void **state)
{
	static const char text[] = "version: 1\nissuer: ec\nkind: authority\n"
	    "keys: [p256]\nvalidity: 90d\nkey_usage: [digital_signature]\n"
	    "extended_key_usage: [server_auth, cmc_ra]\n"
	    "subject:\n  - CN={device.id}\n";
	struct place at;
	struct buf more;

	(void)state;
	place_init(&at);
	buf_init(&more, 0);
	place_put(&at, "p.yaml", base);
	place_put(&at, "gate.yaml", text);
	if (place_load(&at) < 0)
		fail_msg("%s", at.error);
	assert_int_equal(profile_by_name(&at.set, "gate")->kind, -1);
	assert_int_equal(profile_by_name(&at.set, "gate")->auth, 0);
	assert_string_equal(profile_by_label(&at.set, "")->name, "p");
	assert_int_equal(buf_printf(&more, "%slabel: gate\n", text), 0);
	place_put(&at, "gate.yaml", buf_str(&more));
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "kind authority has no label"));
	buf_reset(&more);
	assert_int_equal(buf_printf(&more, "%senrollment:\n  auth: [secret]\n",
	    text), 0);
	place_put(&at, "gate.yaml", buf_str(&more));
	assert_int_equal(place_load(&at), CAMCA_EINVAL);
	assert_non_null(strstr(at.error, "unknown key 'enrollment'"));
	buf_fini(&more);
	place_remove(&at, "p.yaml");
	place_remove(&at, "gate.yaml");
	place_fini(&at);
}

static bool
has_eku(const struct profile *p, int nid)
{
	int i;

	for (i = 0; p->eku_nids[i] != 0; i++)
		if (p->eku_nids[i] == nid)
			return true;
	return false;
}

static void
test_shipped(void **state)
{
	const struct profile *p;
	struct profile_set set;
	char error[512];

	(void)state;
	if (profile_set_load(&set, "policies/profiles", error,
	    sizeof error) < 0)
		fail_msg("%s", error);
	p = profile_by_label(&set, NULL);
	assert_string_equal(p->name, "camera-ec");
	assert_ptr_equal(p, profile_by_label(&set, "camera"));
	assert_int_equal(p->keys, 1u << KEY_P256 | 1u << KEY_P384 |
	    1u << KEY_RSA);
	p = profile_by_label(&set, "rsa");
	assert_string_equal(p->issuer, "rsa");
	assert_int_equal(p->key_usage, KU_DIGITAL_SIGNATURE |
	    KU_KEY_ENCIPHERMENT);
	p = profile_by_label(&set, "strict");
	assert_int_equal(p->pop, POP_REQUIRE);
	assert_true(p->approval && p->rekey_required);
	assert_int_equal(p->auth & (AUTH_SECRET | AUTH_RA), 0);
	p = profile_by_label(&set, "ra");
	assert_true(p->kind == 1 && has_eku(p, NID_cmcRA));
	assert_false(has_eku(p, NID_server_auth));
	p = profile_by_name(&set, "gate-server");
	assert_true(p->kind == -1 && !p->cdp && has_eku(p, NID_cmcRA) &&
	    has_eku(p, NID_server_auth));
	assert_string_equal(p->label, "");
	profile_set_free(&set);
	/* RFC 7030 3.6.1 */
	assert_string_equal(OBJ_nid2sn(NID_cmcRA), "cmcRA");
}

static void
expands(const char *item, const struct profile_fields *f, int want,
    const char *text)
{
	struct refusal why = { 0 };
	char out[24];

	memset(out, 'x', sizeof out);
	assert_int_equal(profile_expand(item, f, out, sizeof out, &why), want);
	assert_string_equal(out, text);
	if (want != 0 && want != CAMCA_ENOENT)
		assert_true(why.http >= 400);
}

static void
test_expand(void **state)
{
	struct profile_fields f = { .device_id = "cam-1", .device_serial = "",
		.site_id = "hn", .device_model = "{site.id}" };
	struct refusal why = { 0 };
	char out[8];

	(void)state;
	expands("CN={device.id}", &f, 0, "CN=cam-1");
	expands("?CN={device.id}", &f, 0, "CN=cam-1");
	expands("dns:{device.id}.{site.id}.x", &f, 0, "dns:cam-1.hn.x");
	expands("O=plain", &f, 0, "O=plain");
	expands("", &f, 0, "");
	/* a value is text, not a template */
	expands("O={device.model}", &f, 0, "O={site.id}");
	expands("?serialNumber={device.serial}", &f, CAMCA_ENOENT, "");
	expands("?O={site.name}", &f, CAMCA_ENOENT, "");
	expands("serialNumber={device.serial}", &f, CAMCA_EPOLICY, "");
	expands("O={site.nam}", &f, CAMCA_EPOLICY, "");
	expands("?O={site.id", &f, CAMCA_EPOLICY, "");
	/* 23 bytes fit, 24 do not */
	expands("O={site.id}=123456789012345678", &f, 0,
	    "O=hn=123456789012345678");
	expands("O={site.id}=1234567890123456789", &f, CAMCA_ELIMIT, "");
	f.device_serial = "123456789012345678901234";
	expands("{device.serial}", &f, CAMCA_ELIMIT, "");
	assert_int_equal(profile_expand("CN={device.mac}", &f, out, sizeof out,
	    &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "profile.field-empty");
	assert_int_equal(why.http, 403);
	assert_int_equal(profile_expand("x", &f, out, 0, NULL), CAMCA_ELIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_names_the_device),
		cmocka_unit_test(test_many_items),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
