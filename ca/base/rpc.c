/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/rpc.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ca/base/frame.h"

struct rpc {
	int fd;
	json_int_t next_id;
	struct buf in;
};

int
rpc_open(struct rpc **out, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct rpc *r;
	int ret;

	if ((size_t)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path) >=
	    sizeof sa.sun_path)
		return CAMCA_ELIMIT;
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return CAMCA_ENOMEM;
	buf_init(&r->in, FRAME_MAX);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->fd < 0 ||
	    connect(r->fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		ret = errno == EACCES ? CAMCA_EPERM : CAMCA_EIO;
		rpc_close(r);
		return ret;
	}
	*out = r;
	return CAMCA_OK;
}

void
rpc_close(struct rpc *r)
{
	if (r == NULL)
		return;
	if (r->fd >= 0)
		close(r->fd);
	buf_cleanse(&r->in);
	free(r);
}

void
rpc_interrupt(struct rpc *r)
{
	shutdown(r->fd, SHUT_RDWR);
}

static const struct {
	int http;
	int err;
} by_http[] = {
	{ 202, CAMCA_EPENDING }, { 400, CAMCA_EINVAL }, { 401, CAMCA_EAUTH },
	{ 403, CAMCA_EPOLICY }, { 404, CAMCA_ENOENT }, { 409, CAMCA_ECONFLICT },
	{ 413, CAMCA_ELIMIT }, { 429, CAMCA_EBUSY }, { 503, CAMCA_EBUSY },
};

int
rpc_refusal(json_t *error, struct refusal *why)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *detail = json_string_value(json_object_get(error, "detail"));
	int http = (int)json_integer_value(json_object_get(error, "http"));
	int err = CAMCA_EPROTO;
	json_int_t wait = json_integer_value(json_object_get(error,
	    "retry_after"));
	size_t i;

	for (i = 0; i < sizeof by_http / sizeof by_http[0]; i++)
		if (by_http[i].http == http)
			err = by_http[i].err;
	if (http < 200 || http > 599)
		http = 500;
	refuse(why, err, http, code != NULL ? code : "system.internal", "%s",
	    detail != NULL ? detail : "No detail given.");
	if (why != NULL)
		why->retry_after_s = wait < 0 ? 0 : wait > INT_MAX ? INT_MAX :
		    (int)wait;
	return err;
}

/* A late or half-read answer must never be taken for that of the next call:
 * the connection ends here. Closed by rpc_close() alone: another thread may be
 * in rpc_interrupt(). */
static int
rpc_lost(struct rpc *r, struct refusal *why, int err)
{
	shutdown(r->fd, SHUT_RDWR);
	return refuse(why, err, 503, "system.authority-unreachable",
	    "The authority does not answer.");
}

static int
rpc_send(struct rpc *r, const char *op, json_t *args)
{
	json_t *call;
	char *text;
	int ret;

	call = json_pack("{s:I, s:s, s:o}", "id", ++r->next_id, "op", op,
	    "args", args != NULL ? args : json_object());
	if (call == NULL)
		return CAMCA_ENOMEM;
	text = json_dumps(call, JSON_COMPACT);
	json_decref(call);
	if (text == NULL)
		return CAMCA_ENOMEM;
	ret = frame_write(r->fd, text, strlen(text));
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	return ret;
}

int
rpc_call(struct rpc *r, const char *op, json_t *args, int timeout_ms,
    json_t **result_out, struct refusal *why)
{
	json_t *answer, *error;
	int ret;

	ret = rpc_send(r, op, args);
	if (ret < 0)
		return ret == CAMCA_EIO ? rpc_lost(r, why, ret) :
		    refuse_default(why, ret);
	ret = frame_read(r->fd, &r->in, timeout_ms);
	if (ret < 0)
		return rpc_lost(r, why, ret);
	answer = json_loadb((const char *)r->in.data, r->in.len, 0, NULL);
	if (answer == NULL ||
	    json_integer_value(json_object_get(answer, "id")) != r->next_id) {
		json_decref(answer);
		return rpc_lost(r, why, CAMCA_EPROTO);
	}
	error = json_object_get(answer, "error");
	if (error != NULL) {
		ret = rpc_refusal(error, why);
	} else {
		*result_out = json_incref(json_object_get(answer, "result"));
		ret = *result_out != NULL ? CAMCA_OK :
		    rpc_lost(r, why, CAMCA_EPROTO);
	}
	json_decref(answer);
	return ret;
}
