/* SPDX-License-Identifier: Apache-2.0 */
/* One frame in, one answer out: find the operation, check who calls and what
 * with, run it, turn its outcome into JSON. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/authority.h"
#include "ca/base/frame.h"
#include "ca/base/json_memory.h"
#include "ca/base/log.h"

static const struct op *
dispatch_find(const char *name)
{
	const struct op *op;

	for (op = op_table; op->name != NULL; op++)
		if (strcmp(op->name, name) == 0)
			return op;
	return NULL;
}

static const struct op_arg *
dispatch_arg(const struct op *op, const char *name)
{
	const struct op_arg *x;

	for (x = op->args; x->type != ARG_END; x++)
		if (strcmp(x->name, name) == 0)
			return x;
	return NULL;
}

static bool
dispatch_value_ok(const struct op_arg *x, json_t *v)
{
	switch (x->type) {
	case ARG_TEXT:
	case ARG_WORDS:
	case ARG_BASE64:
		return json_is_string(v) &&
		    (int64_t)json_string_length(v) <= x->max &&
		    memchr(json_string_value(v), '\0',
		    json_string_length(v)) == NULL;
	case ARG_INT:
		return json_is_integer(v) && json_integer_value(v) >= 0 &&
		    json_integer_value(v) <= x->max;
	case ARG_BOOL:
		return json_is_boolean(v);
	case ARG_LIST:
		return json_is_array(v) &&
		    (int64_t)json_array_size(v) <= x->max;
	case ARG_OBJECT:
		return json_is_object(v);
	default:
		return false;
	}
}

static bool
dispatch_blank(json_t *v)
{
	const char *s = json_string_value(v);

	return s[strspn(s, " \t\r\n")] == '\0';
}

static int
dispatch_check_args(struct op_call *c)
{
	const struct op_arg *x;
	const char *name;
	json_t *v;

	json_object_foreach(c->args, name, v) {
		x = dispatch_arg(c->op, name);
		if (x == NULL)
			return refuse(&c->why, CAMCA_EINVAL, 400,
			    "request.argument", "%s takes no argument '%s'.",
			    c->op->name, name);
		if (!dispatch_value_ok(x, v))
			return refuse(&c->why, CAMCA_EINVAL, 400,
			    "request.argument",
			    "Argument '%s' of %s has a wrong type or is too "
			    "large (most: %lld).", name, c->op->name,
			    (long long)x->max);
		if (x->type == ARG_WORDS && dispatch_blank(v))
			return refuse(&c->why, CAMCA_EINVAL, 400,
			    "request.argument", "%s needs words for '%s': "
			    "they stand in the record.", c->op->name, name);
	}
	for (x = c->op->args; x->type != ARG_END; x++)
		if (x->required && json_object_get(c->args, x->name) == NULL)
			return refuse(&c->why, CAMCA_EINVAL, 400,
			    "request.argument", "%s needs argument '%s'.",
			    c->op->name, x->name);
	return CAMCA_OK;
}

/* Operators' refusals are events too; those of EST and of agents are written,
 * and logged, where the device is known (op_est.c, agent_call.c), once it is
 * called. */
static void
dispatch_note(struct op_call *c, bool called)
{
	if (called && (strncmp(c->op->name, "est.", 4) == 0 ||
	    (strncmp(c->op->name, "agent.", 6) == 0 &&
	    c->op->callers == ROLE_GATE)))
		return;
	/* What a stranger asks the gate for and does not exist must not fill
	 * the log of the authority. */
	log_msg(called && !c->op->writes && c->why.http == 404 &&
	    c->caller->roles == ROLE_GATE ? LOG_INFO : LOG_NOTE, c->op->name,
	    "refused for %s: %s [%s]", c->caller->actor, c->why.detail,
	    c->why.code);
	/* Who asks for what is not his is on record, also if he only reads. A
	 * gate in other hands could ask for wrong things without end. */
	if ((!called && strcmp(c->why.code, "auth.not-permitted") == 0) ||
	    (c->op->writes && c->why.http < 500 &&
	    c->caller->roles == ROLE_GATE))
		authority_refused_stranger(c->a, "request.refused",
		    c->caller->actor, c->op->name, NULL, &c->why);
	else if (c->op->writes && c->why.http < 500)
		authority_refused(c->a, "request.refused", NULL,
		    c->caller->actor, c->op->name, NULL, &c->why);
}

/* What the settings give to nobody through the gate, a gate in an attacker's
 * hands does not get either. */
static int
dispatch_check_caller(struct op_call *c)
{
	unsigned roles = c->caller->roles;
	bool off = c->a->conf.custody_access == ACCESS_OFF;

	if ((roles & ROLE_GATE) != 0 && !off)
		roles |= ROLE_LOG;
	if ((c->op->callers & roles) != 0)
		return CAMCA_OK;
	return refuse(&c->why, CAMCA_EPERM, 403, "auth.not-permitted",
	    "%s may not call %s%s.", c->caller->actor, c->op->name,
	    (roles & ROLE_GATE) != 0 && (c->op->callers & ROLE_LOG) != 0 ?
	    ": the settings say 'custody: access: off'" : "");
}

static void
dispatch_run(struct op_call *c, json_t *call)
{
	json_t *args = json_object_get(call, "args");
	const char *name = json_string_value(json_object_get(call, "op"));
	json_t *empty = NULL;
	bool called;
	int ret;

	c->op = name != NULL ? dispatch_find(name) : NULL;
	if (c->op == NULL) {
		refuse(&c->why, CAMCA_ENOENT, 404, "request.no-such-operation",
		    "There is no operation '%.64s'.", name != NULL ? name : "");
		return;
	}
	if (args == NULL && (args = empty = json_object()) == NULL) {
		refuse_default(&c->why, CAMCA_ENOMEM);
		return;
	}
	c->args = args;
	ret = dispatch_check_caller(c);
	if (ret == CAMCA_OK && !json_is_object(args))
		ret = refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "'args' must be an object.");
	if (ret == CAMCA_OK)
		ret = dispatch_check_args(c);
	ERR_clear_error();
	called = ret == CAMCA_OK;
	if (called)
		ret = c->op->handler(c);
	if (ret < 0) {
		if (c->why.http == 0)
			log_msg(LOG_ERROR, name, "failed: %s",
			    camca_strerror(ret));
		refuse_default(&c->why, ret);
		if (c->why.http != 202)
			dispatch_note(c, called);
	} else {
		/* Done is done, whatever stood in the way on the way there. */
		c->why.http = 0;
		if (c->result == NULL)
			c->result = json_object();
	}
	json_decref(empty);
}

static json_t *
dispatch_error(const struct refusal *why)
{
	json_t *e = json_pack("{s:s, s:i, s:s}", "code", why->code, "http",
	    why->http, "detail", why->detail);

	if (e != NULL && why->retry_after_s > 0)
		json_object_set_new(e, "retry_after",
		    json_integer(why->retry_after_s));
	return e;
}

static char *
dispatch_answer(const struct op_call *c, json_int_t id)
{
	json_t *answer = c->why.http != 0 ?
	    json_pack("{s:I, s:o}", "id", id, "error", dispatch_error(&c->why)) :
	    json_pack("{s:I, s:O}", "id", id, "result", c->result);
	char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	/* Members that jansson has left out without a word. */
	if (json_memory_missed() && text != NULL) {
		OPENSSL_cleanse(text, strlen(text));
		free(text);
		text = NULL;
	}
	return text;
}

char *
dispatch(struct authority *a, const struct caller *caller,
    struct session *session, const uint8_t *payload, size_t n, size_t *len_out)
{
	struct op_call c = { .a = a, .caller = caller, .session = session };
	json_t *call = NULL;
	json_int_t id = 0;
	char *text;
	int ret;

	ret = json_memory_parse(payload, n, &call);
	if (ret == CAMCA_ENOMEM) {
		refuse_default(&c.why, ret);
	} else if (json_is_object(call)) {
		id = json_integer_value(json_object_get(call, "id"));
		dispatch_run(&c, call);
		/* An answer without a member that belongs there is none. */
		if (json_memory_missed() && c.why.http == 0)
			refuse_default(&c.why, CAMCA_ENOMEM);
	} else {
		refuse(&c.why, CAMCA_EINVAL, 400, "request.malformed",
		    "The frame is not one JSON object.");
	}
	text = dispatch_answer(&c, id);
	/* A frame cannot carry it. An answer of its own, for whoever shares the
	 * connection must not lose it: anybody may ask the gate for a CRL. */
	if (text != NULL && strlen(text) > FRAME_MAX) {
		log_msg(LOG_ERROR, c.op != NULL ? c.op->name : "-",
		    "the answer has %zu bytes: too large", strlen(text));
		refuse(&c.why, CAMCA_ELIMIT, 503, "system.answer-too-large",
		    "The answer is larger than %u bytes.", FRAME_MAX);
		free(text);
		text = dispatch_answer(&c, id);
	}
	json_decref(c.result);
	json_decref(call);
	*len_out = text != NULL ? strlen(text) : 0;
	return text;
}
