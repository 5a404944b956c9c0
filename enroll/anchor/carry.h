/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request: carried out as it is told, and nothing beside it. No
 * redirects, no proxy but the one of the settings, no more bytes than were
 * asked for, TLS verified. */
#ifndef CAMCA_ANCHOR_CARRY_H
#define CAMCA_ANCHOR_CARRY_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/config.h"

#define CARRY_ID_MAX 65
#define CARRY_URL_MAX 512
#define CARRY_TYPE_MAX 128
#define CARRY_BYTES_MAX (64 * 1024)      /* of an answer */
#define CARRY_BODY_MAX (256 * 1024)      /* of a request */
#define CARRY_TIMEOUT_MAX_MS 30000
#define CARRY_ERROR_MAX 200

struct carry_job {
	char id[CARRY_ID_MAX];
	char url[CARRY_URL_MAX];
	bool get;                      /* GET, without a body; else POST */
	char type[CARRY_TYPE_MAX];     /* Content-Type of the body */
	size_t max_bytes;
	long timeout_ms;
	struct buf body;
};
/* From what custody.anchor answers. CAMCA_ENOENT: there is no work in it;
 * CAMCA_EPROTO: not as agreed; CAMCA_ENOMEM. Free with carry_job_fini. */
CAMCA_MUST int carry_job_parse(struct carry_job *out, const json_t *answer);
void carry_job_fini(struct carry_job *j);

struct carry_result {
	char error[CARRY_ERROR_MAX];   /* not "": there was no HTTP answer */
	int status;
	char type[CARRY_TYPE_MAX];
	struct buf body;
};
void carry_result_fini(struct carry_result *r);
/* Arguments of custody.anchored; NULL without memory. */
json_t *carry_result_json(const struct carry_job *j,
    const struct carry_result *r);

struct carry;                          /* keeps connections for the next time */
/* conf outlives it; *stopping ends a transfer. CAMCA_ENOMEM. One thread at a
 * time. */
CAMCA_MUST int carry_new(struct carry **out, const struct config *conf,
    const atomic_bool *stopping);
void carry_free(struct carry *c);      /* NULL is fine */
/* Fills *out, also where it fails. */
void carry_run(struct carry *c, const struct carry_job *j,
    struct carry_result *out);

#endif
