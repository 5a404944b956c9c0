/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/authority/ops.h"

int
op_system_ping(struct op_call *c)
{
	c->result = json_pack("{s:s, s:s, s:b}", "version", CAMCA_VERSION,
	    "node", c->a->conf.node, "initialized", 1);
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	json_set_time(c->result, "time", ctx_now_ms(c->a->ctx));
	return CAMCA_OK;
}

static json_t *
op_args_json(const struct op *op)
{
	static const char *const types[] = { "", "text", "int", "bool",
	    "base64", "list", "object", "text" };
	const struct op_arg *x;
	json_t *list = json_array();

	for (x = op->args; x->type != ARG_END; x++)
		json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:b, s:I, s:s}", "name", x->name, "type",
		    types[x->type], "required", x->required, "max",
		    (json_int_t)x->max, "help", x->help));
	return list;
}

/* "feed": the gate, on status.sock. */
static const char *
op_callers(unsigned roles)
{
	switch (roles) {
	case ROLE_OPERATOR: return "operator";
	case ROLE_GATE: return "gate";
	case ROLE_FEED: return "feed";
	default: return "operator, gate";
	}
}

int
op_system_ops(struct op_call *c)
{
	const struct op *op;
	json_t *list = json_array();

	for (op = op_table; op->name != NULL; op++)
		json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:b, s:s, s:o}", "name", op->name, "who",
		    op_callers(op->callers),
		    "writes", op->writes, "help", op->help, "args",
		    op_args_json(op)));
	c->result = json_pack("{s:o}", "ops", list);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_system_clock_accept(struct op_call *c)
{
	struct event e;
	int ret = clock_accept(c->a);

	if (ret < 0)
		return ret;
	event_init(&e, &c->a->events, "clock.accepted", NULL, c->caller->actor);
	return authority_event(c->a, &e);
}
