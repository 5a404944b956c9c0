/* SPDX-License-Identifier: Apache-2.0 */
/* device.reach: where a camera that speaks no EST is reached. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/base/enc.h"

struct reach_set {
	struct op_call *c;
	struct reach_row row;
	bool keep_leaf;                /* none was given */
};

/* A name or an address: what could stand in the host of a URL and no more, as
 * the agent takes it. With a port behind it a name would be taken for an IPv6
 * address that nobody answers at. */
static bool
reach_host_ok(const char *s)
{
	size_t n = strlen(s);
	uint8_t v6[16];
	size_t i;

	if (n == 0 || n >= STORE_HOST_MAX || s[0] == '-' || s[0] == '.')
		return false;
	if (strchr(s, ':') != NULL)
		return inet_pton(AF_INET6, s, v6) == 1;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr(".-_", s[i]) == NULL)
			return false;
	return true;
}

static bool
reach_path_ok(const char *s)
{
	size_t i;

	if (s[0] != '\0' && s[0] != '/')
		return false;
	for (i = 0; s[i] != '\0'; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("\\#\"<>", s[i]) !=
		    NULL)
			return false;
	return i < sizeof ((struct reach_row *)0)->path;
}

static int
reach_args(struct reach_set *x)
{
	struct op_call *c = x->c;
	const char *host = arg_text(c, "host"), *path = arg_text(c, "path");
	const char *driver = arg_text(c, "driver");
	const char *leaf = arg_text(c, "tls_sha256");

	if (!reach_host_ok(host))
		return refuse(&c->why, CAMCA_EINVAL, 400, "reach.host",
		    "A host is a DNS name, an IPv4 or an IPv6 address, without "
		    "a port, brackets or an interface.");
	if (path != NULL && !reach_path_ok(path))
		return refuse(&c->why, CAMCA_EINVAL, 400, "reach.path",
		    "A path begins with '/' and has no blanks, quotes or any "
		    "of \\ # < >.");
	if (driver != NULL && strcmp(driver, "onvif") != 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "reach.driver",
		    "The driver is onvif.");
	snprintf(x->row.driver, sizeof x->row.driver, "onvif");
	snprintf(x->row.host, sizeof x->row.host, "%s", host);
	snprintf(x->row.path, sizeof x->row.path, "%s", path != NULL ? path :
	    "");
	x->row.http_port = arg_int(c, "http_port", 80);
	x->row.https_port = arg_int(c, "https_port", 443);
	if (x->row.http_port == 0 && x->row.https_port == 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "reach.port",
		    "One of the two ports is needed.");
	x->keep_leaf = leaf == NULL;
	if (leaf != NULL && dec_hex(x->row.tls_sha256,
	    sizeof x->row.tls_sha256, leaf) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "reach.tls",
		    "The SHA-256 of a certificate has 64 hex digits.");
	return CAMCA_OK;
}

static int
reach_tx(struct tx *tx, void *arg)
{
	struct reach_set *x = arg;
	static const uint8_t none[STORE_HASH_LEN];
	struct reach_row before;
	struct device_row d;
	struct event e;
	int ret = store_device_get(tx, arg_text(x->c, "id"), &d);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", arg_text(x->c, "id"));
	if (ret < 0)
		return ret;
	if (d.kind != DEVICE_CAMERA)
		return refuse(&x->c->why, CAMCA_EINVAL, 400, "job.device",
		    "'%s' is no camera.", d.id);
	x->row.device = d.pk;
	ret = store_reach_get(tx, d.pk, &before);
	/* What is expected there moves with the camera to its new address. */
	if (ret == CAMCA_OK && x->keep_leaf)
		memcpy(x->row.tls_sha256, before.tls_sha256,
		    sizeof before.tls_sha256);
	if ((ret < 0 && ret != CAMCA_ENOENT) ||
	    (ret = store_reach_put(tx, &x->row)) < 0)
		return ret;
	/* The address stays out of the log (event_types.h). */
	event_init(&e, &x->c->a->events, "device.reach", d.id,
	    x->c->caller->actor);
	event_add(&e, "driver", "%s", x->row.driver);
	if (memcmp(x->row.tls_sha256, none, sizeof none) != 0)
		event_add_hex(&e, "tls-sha256", x->row.tls_sha256,
		    sizeof x->row.tls_sha256);
	return event_put(tx, &e);
}

int
op_device_reach(struct op_call *c)
{
	struct reach_set x = { .c = c };
	int ret;

	if ((ret = reach_args(&x)) < 0 ||
	    (ret = authority_now(c->a, &x.row.updated_ms, &c->why)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, reach_tx, &x)) < 0)
		return ret;
	c->result = json_pack("{s:s, s:o}", "device", arg_text(c, "id"),
	    "reach", reach_json(&x.row));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
