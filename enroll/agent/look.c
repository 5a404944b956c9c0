/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/look.h"

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/base/refusal.h"
#include "enroll/onvif/discovery.h"
#include "enroll/onvif/driver.h"

#define LOOK_HOST_MAX 254
#define LOOK_HTTP 80
#define LOOK_HTTPS 443

static int
look_wait(void *arg, int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)arg;
	(void)nanosleep(&t, NULL);
	return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port"; *port 0 where it is not said. */
static int
look_parse(const char *s, char host[static LOOK_HOST_MAX], uint16_t *port)
{
	const char *colon = strrchr(s, ':'), *end = s + strlen(s);
	char *stop;
	long n = 0;

	if (*s == '[') {
		end = strchr(s, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return CAMCA_EINVAL;
		colon = end[1] == ':' ? end + 1 : NULL;
		s++;
	} else if (colon != NULL) {
		end = colon;
	}
	if (colon != NULL) {
		n = strtol(colon + 1, &stop, 10);
		if (*stop != '\0' || n < 1 || n > 65535)
			return CAMCA_EINVAL;
	}
	if (end == s || (size_t)(end - s) >= LOOK_HOST_MAX)
		return CAMCA_EINVAL;
	memcpy(host, s, (size_t)(end - s));
	host[end - s] = '\0';
	*port = (uint16_t)n;
	return CAMCA_OK;
}

static void
look_name(const char *word, const X509_NAME *name)
{
	AUTO(BIO) *b = BIO_new(BIO_s_mem());
	char text[512];
	int n;

	if (b == NULL || X509_NAME_print_ex(b, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
		return;
	n = BIO_read(b, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	refusal_sanitize(text);
	printf("%s: %s\n", word, text);
}

static void
look_tls(const struct cam_driver *d, struct camera *cam, uint16_t port)
{
	struct cam_served s = { 0 };
	struct cam_why why = { 0 };
	char hex[65];

	if (d->served(cam, port, &s, &why) < 0 || s.n == 0) {
		printf("tls: none on port %u (%s)\n", port, why.text);
		return;
	}
	enc_hex(hex, s.sha256, 32);
	printf("tls: port %u, version 1.%d\nleaf-sha256: %s\n", port,
	    (s.version & 0xff) - 1, hex);
	look_name("leaf-subject", X509_get_subject_name(s.chain[0]));
	look_name("leaf-issuer", X509_get_issuer_name(s.chain[0]));
	cam_served_fini(&s);
}

static void
look_caps(const struct cam_driver *d, struct camera *cam)
{
	struct cam_why why = { 0 };
	struct cam_caps c;
	size_t i;

	memset(&c, 0, sizeof c);
	if (d->caps(cam, &c, &why) < 0) {
		printf("capabilities: %s\n", why.text);
		return;
	}
	printf("keystore: %s\n", c.keystore ? "yes" : "no: its certificate "
	    "cannot be installed by an agent");
	printf("key-types:%s%s%s", c.p256 ? " P-256" : "",
	    c.p384 ? " P-384" : "", c.rsa ? " RSA" : "");
	for (i = 0; i < CAM_RSA_LENGTHS && c.rsa_bits[i] != 0; i++)
		printf("%s%u", i == 0 ? " (" : " ", c.rsa_bits[i]);
	printf("%s\n", i > 0 ? ")" : "");
	printf("slots: keys %d, certificates %d, paths %d, CRLs %d (-1: not "
	    "told)\n", c.max_keys, c.max_certs, c.max_paths, c.max_crls);
}

int
look_at(const char *where)
{
	static const struct cam_env env = { .ctx = &camca_ctx_system,
	    .wait = look_wait, .connect_ms = 5000, .answer_ms = 15000,
	    .login_budget = 1 };
	const struct cam_driver *d = &cam_onvif;
	char host[LOOK_HOST_MAX];
	struct cam_link link = { .scheme = CAM_HTTP, .host = host };
	struct cam_why why = { 0 };
	struct camera *cam = NULL;
	struct cam_time t = { .utc_ms = 0 };
	char at[CTX_TIME_LEN];
	uint16_t port;
	int ret = look_parse(where, host, &port);

	if (ret < 0) {
		log_msg(LOG_ERROR, where, "is no HOST[:PORT]");
		return ret;
	}
	link.port = port != 0 ? port : LOOK_HTTP;
	ret = d->open(&cam, &link, &env, &why);
	if (ret == CAMCA_OK)
		ret = d->time_get(cam, &t, &why);
	if (ret == CAMCA_OK) {
		ctx_time_format(at, t.utc_ms);
		printf("clock: %s (%+lld s)\n", at,
		    (long long)(t.offset_ms / 1000));
		look_caps(d, cam);
		look_tls(d, cam, port != 0 ? port : LOOK_HTTPS);
	} else {
		log_msg(LOG_ERROR, where, "%s [%s]", why.text,
		    cam_trouble_name(why.code));
	}
	d->close(cam);
	return ret;
}

int
look_around(long listen_ms)
{
	struct discovery_ask ask = { .listen_ms = listen_ms,
	    .ctx = &camca_ctx_system };
	struct discovery d = { 0 };
	struct cam_why why = { 0 };
	size_t i;
	int ret = discovery_run(&ask, &d, &why);

	if (ret < 0) {
		log_msg(LOG_ERROR, NULL, "%s", why.text);
		return ret;
	}
	printf("address\thardware\tserial\tmac\tendpoint\n");
	for (i = 0; i < d.n; i++) {
		struct discovery_hit *h = &d.v[i];

		refusal_sanitize(h->hardware);
		refusal_sanitize(h->serial);
		refusal_sanitize(h->mac);
		refusal_sanitize(h->endpoint);
		printf("%s\t%s\t%s\t%s\t%s\n", h->from, h->hardware, h->serial,
		    h->mac, h->endpoint);
	}
	discovery_fini(&d);
	return CAMCA_OK;
}
