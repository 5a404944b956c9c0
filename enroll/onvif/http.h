/* SPDX-License-Identifier: Apache-2.0 */
/* One request at a time to one camera, by libcurl: no redirects, no proxies,
 * no cookies, limits on time and size, and TLS that believes a pinned leaf or
 * our own CA and nobody else. Authorization is written by the caller, so that
 * every login is known and counted. */
#ifndef CAMCA_ONVIF_HTTP_H
#define CAMCA_ONVIF_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "enroll/onvif/driver.h"

#define ONVIF_PATH_MAX 256
#define ONVIF_HOST_MAX 254
#define ONVIF_DEVICE_PATH "/onvif/device_service"

/* A checked copy of a cam_link. */
struct onvif_link {
	enum cam_scheme scheme;
	uint16_t port;
	char host[ONVIF_HOST_MAX];
	char path[ONVIF_PATH_MAX];
	char name[ONVIF_HOST_MAX];
	uint8_t leaf_sha256[32];
	bool has_leaf;
	X509_STORE *trust;           /* a reference of our own, or NULL */
};

struct onvif_request {
	const char *path;
	const char *action;          /* SOAP action; NULL: none */
	const char *authorization;   /* field value; NULL: none */
	const void *body;            /* NULL: GET, else POST */
	size_t body_len;
	size_t max_answer;           /* bytes; 0: XML_BYTES_DEFAULT */
	bool changes;                /* state of the camera */
	bool kept;                   /* on an idle connection all the same */
};

struct onvif_answer {
	int status;
	struct buf body;
	struct buf offers;           /* WWW-Authenticate values, one a line */
	bool dropped;                /* with an error: a kept connection was
				      * closed by the camera, which is normal;
				      * a request that changes nothing may be
				      * sent again */
};

struct onvif_http;

/* Checks and copies; out is all zero before. CAMCA_EINVAL for a host, port or
 * path that could not be what they say, and for HTTPS without pin or trust. */
CAMCA_MUST int onvif_link_copy(struct onvif_link *out,
    const struct cam_link *link, struct cam_why *why);
void onvif_link_fini(struct onvif_link *l);
/* Whether s can be the path of a request: from '/', printable, no '#'. */
bool onvif_path_ok(const char *s);

/* link and env are borrowed until onvif_http_free. */
CAMCA_MUST int onvif_http_new(struct onvif_http **out,
    const struct onvif_link *link, const struct cam_env *env);
void onvif_http_free(struct onvif_http *h);
/* Sends and receives. Any status is CAMCA_OK. CAMCA_EUNKNOWN where
 * request->changes and bytes of it may have arrived without a whole answer;
 * why->code tells timeout from broken connection all the same. The caller
 * calls onvif_answer_fini in any case. One thread at a time. */
CAMCA_MUST int onvif_http_exchange(struct onvif_http *h,
    const struct onvif_request *request, struct onvif_answer *out,
    struct cam_why *why);
void onvif_answer_init(struct onvif_answer *a);
void onvif_answer_fini(struct onvif_answer *a);

/* libcurl with memory that is overwritten when it is freed: request bodies
 * hold passwords. A program calls it before any other use of libcurl and
 * before threads; onvif_http_new does where nobody has. */
CAMCA_MUST int onvif_http_global(void);

#endif
