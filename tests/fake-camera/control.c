/* SPDX-License-Identifier: Apache-2.0 */
/* The control port: the truth about the cameras, and their faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake-camera/http.h"
#include "tests/fake-camera/server.h"
#include "tests/fake-camera/store.h"
#include "tests/fake-camera/truth.h"

static json_t *
control_error(int *status, int code, const char *text)
{
	*status = code;
	return json_pack("{s:s}", "error", text);
}

static json_t *
control_list(struct fleet *f)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < f->n; i++) {
		pthread_mutex_lock(&f->cam[i]->lock);
		json_array_append_new(list, truth_short(f->cam[i]));
		pthread_mutex_unlock(&f->cam[i]->lock);
	}
	return list;
}

static bool
control_integer(const json_t *body, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(body, key);

	if (!json_is_integer(v))
		return false;
	*out = json_integer_value(v);
	return true;
}

/* {"offset_s"}: what the camera believes; {"advance_s"}: time passes for its
 * clock and its timers. */
static json_t *
control_clock(struct camera *cam, const json_t *body, int *status)
{
	int64_t s;
	bool any = false;

	if (control_integer(body, "offset_s", &s)) {
		cam->offset_ms = s * 1000;
		any = true;
	}
	if (control_integer(body, "advance_s", &s) && s >= 0) {
		cam->advance_ms += s * 1000;
		any = true;
	}
	return any ? json_object() : control_error(status, 400,
	    "\"offset_s\" or \"advance_s\" is due");
}

static json_t *
control_power(struct camera *cam, const json_t *body, int *status)
{
	int64_t ms;

	if (!control_integer(body, "off_ms", &ms))
		return control_error(status, 400, "\"off_ms\" is due; 0 "
		    "brings power back, -1 leaves it off");
	if (ms == 0)
		cam->off = false;
	else
		camera_cut(cam, ms);
	return json_object();
}

/* What an operator at the camera does behind everybody's back. */
static json_t *
control_user(struct camera *cam, const json_t *body, int *status)
{
	const char *name, *password = NULL;
	struct user *u;

	if (json_unpack((json_t *)(uintptr_t)body, "{s:s, s?:s}", "user",
	    &name, "password", &password) != 0)
		return control_error(status, 400, "\"user\" is due");
	u = NULL;
	for (unsigned i = 0; i < CAM_USERS; i++)
		if (strcmp(cam->users[i].name, name) == 0 || (u == NULL &&
		    password != NULL && cam->users[i].name[0] == '\0'))
			u = &cam->users[i];
	if (u == NULL)
		return control_error(status, 404, "no such user");
	if (password == NULL) {
		memset(u, 0, sizeof *u);
		return json_object();
	}
	if (u->name[0] == '\0')
		u->level = LEVEL_ADMIN;
	snprintf(u->name, sizeof u->name, "%s", name);
	snprintf(u->password, sizeof u->password, "%s", password);
	snprintf(u->other, sizeof u->other, "%s", password);
	u->late_at = 0;
	return json_object();
}

static json_t *
control_post(struct camera *cam, const char *verb, const json_t *body,
    int *status)
{
	const char *wrong;

	if (strcmp(verb, "fault") == 0) {
		wrong = fault_set(cam, body);
		return wrong != NULL ? control_error(status, 400, wrong) :
		    json_object();
	}
	if (strcmp(verb, "clear") == 0) {
		fault_clear(cam, json_string_value(json_object_get(body,
		    "fault")));
		return json_object();
	}
	if (strcmp(verb, "clock") == 0)
		return control_clock(cam, body, status);
	if (strcmp(verb, "power") == 0)
		return control_power(cam, body, status);
	if (strcmp(verb, "user") == 0)
		return control_user(cam, body, status);
	if (strcmp(verb, "reset") == 0) {
		fault_clear(cam, NULL);
		camera_reset(cam, true);
		return json_object();
	}
	return control_error(status, 404, "no such thing to do");
}

static json_t *
control_get(struct camera *cam, const char *verb, int *status)
{
	if (verb[0] == '\0')
		return truth_whole(cam);
	if (strcmp(verb, "messages") == 0)
		return truth_messages(cam);
	return control_error(status, 404, "no such thing to see");
}

/* /cameras/N or /cameras/N/VERB; N may be "all" where something is done. */
static json_t *
control_camera(struct fleet *f, const struct http_request *rq,
    const json_t *body, int *status)
{
	const char *s = rq->target + 9;
	bool post = strcmp(rq->method, "POST") == 0, all;
	json_t *out = NULL;
	unsigned long n, i;
	char *end;

	all = post && strncmp(s, "all/", 4) == 0;
	n = all ? 0 : strtoul(s, &end, 10);
	if (all)
		end = (char *)(uintptr_t)s + 3;
	if (end == s || (*end != '/' && *end != '\0') || n >= f->n)
		return control_error(status, 404, "no such camera");
	if (*end == '/')
		end++;
	for (i = n; i < f->n && (i == n || all) && *status == 200; i++) {
		json_decref(out);
		pthread_mutex_lock(&f->cam[i]->lock);
		out = post ? control_post(f->cam[i], end, body, status) :
		    control_get(f->cam[i], end, status);
		pthread_mutex_unlock(&f->cam[i]->lock);
	}
	return out;
}

static json_t *
control_route(struct fleet *f, const struct http_request *rq, int *status)
{
	json_t *body = NULL, *out;
	json_error_t e;

	if (rq->body.len > 0 && ((body = json_loadb(buf_str(&rq->body),
	    rq->body.len, 0, &e)) == NULL || !json_is_object(body))) {
		json_decref(body);
		return control_error(status, 400, "the body is not a JSON "
		    "object");
	}
	if (strcmp(rq->target, "/faults") == 0)
		out = fault_catalogue();
	else if (strcmp(rq->target, "/cameras") == 0)
		out = control_list(f);
	else if (strncmp(rq->target, "/cameras/", 9) == 0)
		out = control_camera(f, rq, body, status);
	else
		out = control_error(status, 404, "no such address");
	json_decref(body);
	return out;
}

void
control_handle(struct fleet *f, const struct http_request *rq, int *status,
    char **body)
{
	json_t *out;

	*status = 200;
	out = control_route(f, rq, status);
	*body = out != NULL ? json_dumps(out, JSON_COMPACT) : NULL;
	if (*body == NULL)
		*status = 500;
	json_decref(out);
}
