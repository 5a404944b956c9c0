/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a camera answers. The first one says to what: a letter for
 * a call of the driver, '@' for WWW-Authenticate fields, '#' for a datagram of
 * discovery, '$' for the head of an RTSP reply. Refused, or what was read keeps the promises of driver.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/discovery.h"
#include "enroll/onvif/rtsp.h"
#include "enroll/onvif/trouble.h"
#include "tests/fuzz/replay.h"

struct answer {
	const uint8_t *p;
	size_t n;
	int64_t now_ms;
	unsigned left;               /* requests that are still answered */
};

static void
check(int ok)
{
	if (!ok)
		abort();
}

static int64_t
fuzz_now(void *arg)
{
	return ((struct answer *)arg)->now_ms;
}

static int
fuzz_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 7, n);
	return CAMCA_OK;
}

static int
fuzz_wait(void *arg, int64_t ms)
{
	((struct answer *)arg)->now_ms += ms;
	return 0;
}

static int
fuzz_exchange(void *arg, const struct onvif_request *q,
    struct onvif_answer *out, struct cam_why *why)
{
	struct answer *a = arg;

	onvif_answer_init(out);
	out->body.max = q->max_answer;
	if (a->left == 0)
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE, "gone");
	a->left--;
	out->status = 200;
	if (buf_put(&out->body, a->p, a->n) < 0)
		return cam_fail(why, CAMCA_ELIMIT, CAM_MALFORMED, "large");
	return CAMCA_OK;
}

/* ---- what every answer that is taken keeps ---- */

static void
fuzz_text(const char *s, size_t room)
{
	size_t n = strnlen(s, room), i;

	check(n < room);
	for (i = 0; i < n; i++)
		check((unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
}

static void
fuzz_id(const char *s)
{
	fuzz_text(s, CAM_ID_MAX);
	check(s[0] != '\0' && !isdigit((unsigned char)s[0]));
	check(strpbrk(s, " <>&\"'/:") == NULL);
}

static void
fuzz_why(int ret, const struct cam_why *why)
{
	fuzz_text(why->text, sizeof why->text);
	check(ret == CAMCA_OK || (ret < 0 && why->code != CAM_NONE &&
	    why->text[0] != '\0'));
}

static int
fuzz_lists(struct camera *c, char which, struct cam_why *why)
{
	struct cam_accounts accounts;
	struct cam_keys keys;
	struct cam_certs certs;
	size_t i;
	int ret;

	switch (which) {
	case 'a':
		ret = cam_onvif.accounts(c, &accounts, why);
		for (i = 0; i < accounts.n; i++)
			fuzz_text(accounts.v[i].user, CAM_USER_MAX);
		cam_accounts_fini(&accounts);
		return ret;
	case 'b':
		ret = cam_onvif.keys(c, &keys, why);
		for (i = 0; i < keys.n; i++)
			fuzz_id(keys.v[i].id);
		cam_keys_fini(&keys);
		return ret;
	default:
		ret = cam_onvif.certs(c, &certs, why);
		for (i = 0; i < certs.n; i++) {
			fuzz_id(certs.v[i].id);
			check(certs.v[i].der_len > 0);
		}
		cam_certs_fini(&certs);
		return ret;
	}
}

static int
fuzz_more_lists(struct camera *c, char which, struct cam_why *why)
{
	struct cam_paths paths;
	struct cam_crls crls;
	struct cam_ids ids;
	size_t i, j;
	int ret;

	switch (which) {
	case 'd':
		ret = cam_onvif.paths(c, &paths, why);
		for (i = 0; i < paths.n; i++)
			for (j = 0; j < paths.v[i].n; j++)
				fuzz_id(paths.v[i].cert[j]);
		cam_paths_fini(&paths);
		return ret;
	case 'e':
		ret = cam_onvif.crls(c, &crls, why);
		for (i = 0; i < crls.n; i++)
			fuzz_id(crls.v[i].id);
		cam_crls_fini(&crls);
		return ret;
	default:
		ret = which == 'f' ? cam_onvif.assigned(c, &ids, why) :
		    which == 'g' ? cam_onvif.policies(c, &ids, why) :
		    cam_onvif.policies_assigned(c, &ids, why);
		for (i = 0; i < ids.n; i++)
			fuzz_id(ids.v[i]);
		cam_ids_fini(&ids);
		return ret;
	}
}

static int
fuzz_facts(struct camera *c, char which, struct cam_why *why)
{
	struct cam_time time;
	struct cam_identity id;
	struct cam_caps caps;
	struct cam_password_rule rule;
	struct cam_protocols protocols;
	bool flag;
	int ret;

	switch (which) {
	case 'i':
		return cam_onvif.time_get(c, &time, why);
	case 'j':
		ret = cam_onvif.identify(c, &id, why);
		if (ret == CAMCA_OK)
			fuzz_text(id.serial, sizeof id.serial);
		return ret;
	case 'k':
	case 'l':
		/* Both answers are the same bytes: one of them at a time. */
		c->services_known = which == 'k';
		return cam_onvif.caps(c, &caps, why);
	case 'm':
		return cam_onvif.password_rule(c, &rule, why);
	case 'n':
		ret = cam_onvif.protocols(c, &protocols, why);
		check(protocols.n <= CAM_PROTOCOLS_MAX);
		return ret;
	case 'o':
		return cam_onvif.discoverable(c, &flag, why);
	default:
		return cam_onvif.client_auth(c, &flag, why);
	}
}

static int
fuzz_changes(struct camera *c, char which, struct cam_why *why)
{
	static const uint8_t der[] = { 0x30, 0 };
	const struct cam_upload upload = { der, sizeof der, "x", true };
	const struct cam_csr_ask ask = { .key_id = "k", .common_name = "c" };
	const char *const ids[] = { "c1" };
	struct cam_uploaded up;
	char id[CAM_ID_MAX] = "none";
	int64_t ms;
	struct buf b;
	int ret;

	switch (which) {
	case 'q':
		ret = cam_onvif.key_create(c, CAM_RSA, 2048, "a", id, &ms,
		    why);
		break;
	case 'r':
		return cam_onvif.key_wait(c, "k", 20000, why);
	case 's':
		buf_init(&b, 0);
		ret = cam_onvif.csr(c, &ask, &b, why);
		check((ret == CAMCA_OK) == (b.len > 0));
		buf_fini(&b);
		return ret;
	case 't':
		ret = cam_onvif.cert_upload(c, &upload, &up, why);
		memcpy(id, up.cert_id, sizeof id);
		break;
	case 'u':
		ret = cam_onvif.path_create(c, ids, 1, "a", id, why);
		break;
	case 'v':
		ret = cam_onvif.crl_upload(c, der, sizeof der, "a", id, why);
		break;
	case 'w':
		ret = cam_onvif.policy_create(c, ids, 1, "a", id, why);
		break;
	case 'x':
		return cam_onvif.account_password(c, "admin", "n", why);
	case 'y':
		return cam_onvif.policy_assign(c, "p", why);
	default:
		return cam_onvif.reboot(c, why);
	}
	if (ret == CAMCA_OK)
		fuzz_id(id);
	return ret;
}

static void
fuzz_call(char which, const uint8_t *p, size_t n)
{
	struct answer a = { p, n, INT64_C(1790000000000), 40 };
	struct camca_ctx ctx = { fuzz_now, fuzz_random, &a };
	struct camera c;
	struct cam_why why;
	int ret;

	memset(&c, 0, sizeof c);
	c.env.ctx = &ctx;
	c.env.wait = fuzz_wait;
	c.env.arg = &a;
	c.exchange = fuzz_exchange;
	c.exchange_arg = &a;
	c.has_security = c.services_known = true;
	memcpy(c.link.path, "/d", 3);
	memcpy(c.security_path, "/s", 3);
	memset(&why, 0, sizeof why);
	if (which <= 'c')
		ret = fuzz_lists(&c, which, &why);
	else if (which <= 'h')
		ret = fuzz_more_lists(&c, which, &why);
	else if (which <= 'p')
		ret = fuzz_facts(&c, which, &why);
	else
		ret = fuzz_changes(&c, which, &why);
	fuzz_why(ret, &why);
	check(c.security_path[0] == '/' && onvif_path_ok(c.security_path));
}

/* ---- what is not XML, or not asked for ---- */

static void
fuzz_offers(const uint8_t *p, size_t n)
{
	const struct digest_use use = { "POST", "/", "u", "p", 1, "00" };
	struct auth_offers o;
	char *s = malloc(n + 1);
	struct buf b;

	check(s != NULL);
	memcpy(s, p, n);
	s[n] = '\0';
	auth_read_offers(&o, s);
	buf_init(&b, 8192);
	if (o.digest && digest_answer(&b, &o.best, &use) == CAMCA_OK)
		check(strpbrk(buf_str(&b), "\r\n") == NULL);
	buf_fini(&b);
	free(s);
}

static void
fuzz_datagram(const uint8_t *p, size_t n)
{
	static const char *const ids[] = { "urn:uuid:a" };
	struct discovery d = { NULL, 0, 0 };
	size_t i;

	(void)!discovery_read(&d, p, n, "10.0.0.1", ids, 1);
	for (i = 0; i < d.n; i++) {
		check(d.v[i].endpoint[0] != '\0');
		fuzz_text(d.v[i].name, sizeof d.v[i].name);
		fuzz_text(d.v[i].xaddrs, sizeof d.v[i].xaddrs);
	}
	discovery_fini(&d);
}

static void
fuzz_rtsp(const char *p, size_t n)
{
	struct auth_offers offers;
	struct rtsp_reply r;

	if (rtsp_reply_read(&r, p, n) == CAMCA_OK) {
		check(r.status >= 100 && r.status <= 999 && r.cseq >= -1 &&
		    r.body_len <= RTSP_BODY_MAX &&
		    strlen(buf_str(&r.offers)) == r.offers.len);
		auth_read_offers(&offers, buf_str(&r.offers));
	}
	rtsp_reply_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == '@')
		fuzz_offers(data + 1, size - 1);
	else if (data[0] == '#')
		fuzz_datagram(data + 1, size - 1);
	else if (data[0] == '$')
		fuzz_rtsp((const char *)data + 1, size - 1);
	else if (data[0] >= 'a' && data[0] <= 'z')
		fuzz_call((char)data[0], data + 1, size - 1);
	return 0;
}
