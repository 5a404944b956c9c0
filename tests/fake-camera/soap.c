/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/fake-camera/http.h"
#include "tests/fake-camera/shape.h"
#include "tests/fake-camera/soap.h"
#include "tests/fake-camera/spoil.h"

int
soap_sender(struct call *c, const char *code, const char *sub,
    const char *text)
{
	c->fault.value = "Sender";
	snprintf(c->fault.code, sizeof c->fault.code, "%s", code);
	snprintf(c->fault.sub, sizeof c->fault.sub, "%s", sub);
	snprintf(c->fault.text, sizeof c->fault.text, "%s", text);
	return CAMCA_EINVAL;
}

int
soap_receiver(struct call *c, const char *code, const char *sub,
    const char *text)
{
	int ret = soap_sender(c, code, sub, text);

	c->fault.value = "Receiver";
	return ret;
}

const char *
soap_operation(unsigned i)
{
	unsigned n;

	for (n = 0; device_operations[n].name != NULL; n++)
		if (i == n)
			return device_operations[n].name;
	i -= n;
	for (n = 0; security_operations[n].name != NULL; n++)
		if (i == n)
			return security_operations[n].name;
	return NULL;
}

static const struct operation *
soap_find(const char *name, bool tas, unsigned *number)
{
	const struct operation *list = tas ? security_operations :
	    device_operations;
	unsigned i, base = 0;

	if (tas)
		while (device_operations[base].name != NULL)
			base++;
	for (i = 0; list[i].name != NULL; i++)
		if (strcmp(list[i].name, name) == 0) {
			*number = base + i;
			return &list[i];
		}
	return NULL;
}

/* ---- answers ---- */

static void
soap_open(struct xo *x)
{
	xo_puts(x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<env:Envelope xmlns:env=\"" NS_ENV "\" xmlns:ter=\"" NS_TER
	    "\"><env:Body>");
}

static void
soap_close(struct xo *x)
{
	xo_puts(x, "</env:Body></env:Envelope>\n");
}

static void
soap_fault(struct camera *cam, const struct soap_fault *f,
    struct soap_answer *out)
{
	struct xo *x = &out->body;

	soap_open(x);
	xo_printf(x, "<env:Fault><env:Code><env:Value>env:%s</env:Value>",
	    f->value);
	if (f->code[0] != '\0')
		xo_printf(x, "<env:Subcode><env:Value>ter:%s</env:Value>",
		    f->code);
	if (f->sub[0] != '\0')
		xo_printf(x, "<env:Subcode><env:Value>ter:%s</env:Value>"
		    "</env:Subcode>", f->sub);
	xo_printf(x, "%s</env:Code><env:Reason><env:Text xml:lang=\"en\">",
	    f->code[0] != '\0' ? "</env:Subcode>" : "");
	xo_escape(x, f->text);
	xo_puts(x, "</env:Text></env:Reason></env:Fault>");
	soap_close(x);
	/* SOAP 1.2 part 2, table 20. */
	out->status = strcmp(f->value, "Sender") == 0 ? 400 : 500;
	if (fault_hit(cam, CF_STATUS_200, NULL))
		out->status = 200;
	else if (fault_hit(cam, CF_STATUS_400, NULL))
		out->status = 400;
	else if (fault_hit(cam, CF_STATUS_500, NULL))
		out->status = 500;
}

/* ---- the envelope ---- */

struct parts {
	const xmlNode *body;     /* the operation */
	const xmlNode *security;
	const char *value;       /* of the fault, where it is no Sender */
};

static bool
soap_true(const xmlNode *n, const char *attribute)
{
	xmlChar *v = xmlGetNsProp((xmlNode *)(uintptr_t)n,
	    (const xmlChar *)attribute, (const xmlChar *)NS_ENV);
	bool yes = v != NULL && (strcmp((char *)v, "true") == 0 ||
	    strcmp((char *)v, "1") == 0);

	xmlFree(v);
	return yes;
}

/* What has to be understood and is not is refused (SOAP 1.2, 5.2.3). */
static const char *
soap_header(const xmlNode *header, struct parts *p, char *action, size_t len)
{
	const xmlNode *h;

	for (h = xml_first(header); h != NULL; h = xml_next(h)) {
		if (xml_is(h, NS_WSSE, "Security")) {
			if (p->security != NULL)
				return "two Security headers";
			p->security = h;
		} else if (xml_is(h, NS_WSA, "Action"))
			xml_text(h, action, len);
		else if (soap_true(h, "mustUnderstand")) {
			p->value = "MustUnderstand";
			return "a header that is not understood";
		}
	}
	return NULL;
}

static const char *
soap_parts(const xmlDoc *doc, struct parts *p, char *action, size_t len)
{
	const xmlNode *env = xmlDocGetRootElement(doc);
	const xmlNode *n;
	const char *wrong;

	memset(p, 0, sizeof *p);
	if (!xml_is(env, NS_ENV, "Envelope")) {
		p->value = "VersionMismatch";
		return "not a SOAP 1.2 envelope";
	}
	n = xml_first(env);
	if (xml_is(n, NS_ENV, "Header")) {
		if ((wrong = soap_header(n, p, action, len)) != NULL)
			return wrong;
		n = xml_next(n);
	}
	if (!xml_is(n, NS_ENV, "Body") || xml_next(n) != NULL)
		return "the envelope has other children than Header and Body";
	p->body = xml_first(n);
	if (p->body == NULL || xml_next(p->body) != NULL)
		return "the body has not one child";
	return NULL;
}

/* action="..." of the media type, or SOAPAction; what is given must fit. */
static const char *
soap_action(const struct http_request *rq, const char *ns, const char *name,
    const char *wsa)
{
	const char *type = http_field(rq, "Content-Type");
	const char *given = http_field(rq, "SOAPAction"), *p;
	char want[200];
	size_t n;

	snprintf(want, sizeof want, "%s/%s", ns, name);
	if (wsa[0] != '\0' && strcmp(wsa, want) != 0)
		return "wsa:Action is that of another operation";
	if (given != NULL && strcmp(given, "\"\"") != 0 && *given != '\0') {
		n = strlen(want);
		p = *given == '"' ? given + 1 : given;
		if (strncmp(p, want, n) != 0 || (p[n] != '\0' && p[n] != '"'))
			return "SOAPAction is that of another operation";
	}
	p = type != NULL ? strstr(type, "action=") : NULL;
	if (p != NULL) {
		p += p[7] == '"' ? 8 : 7;
		n = strlen(want);
		if (strncmp(p, want, n) != 0 || strchr("\"; ", p[n]) == NULL)
			return "action is that of another operation";
	}
	return NULL;
}

/* ---- access ---- */

/* 401 with challenges where HTTP logins are taken, a fault otherwise. */
static void
soap_denied(struct call *c, const struct auth *a, bool http,
    struct soap_answer *out)
{
	struct camera *cam = c->cam;
	bool basic = fault_on(cam, CF_BASIC_DIGEST);

	soap_sender(c, "NotAuthorized", "", a->why != NULL ? a->why :
	    "sender not authorized");
	soap_fault(cam, &c->fault, out);
	if (a->result == AUTH_LOCKED && fault_hit(cam, CF_LOCK_TOLD, NULL)) {
		out->status = (int)fault_value(cam, CF_LOCK_TOLD);
		return;
	}
	if (!http)
		return;
	out->status = 401;
	auth_challenge(cam, a->result == AUTH_STALE, basic, out->challenge);
}

static bool
soap_digest(const struct camera *cam)
{
	if (fault_on(cam, CF_TOKEN_ONLY))
		return false;
	return cam->persona->md5 || cam->persona->sha256 ||
	    fault_on(cam, CF_DIGEST_ONLY) || fault_on(cam, CF_BASIC_DIGEST);
}

static void
soap_login(struct call *c, const struct http_request *rq,
    const xmlNode *security, const char *tls_user, struct auth *a)
{
	struct camera *cam = c->cam;
	const char *field = http_field(rq, "Authorization");
	bool digest = soap_digest(cam);
	bool token = (cam->persona->token || fault_on(cam, CF_TOKEN_ONLY)) &&
	    !fault_on(cam, CF_DIGEST_ONLY);

	memset(a, 0, sizeof *a);
	if (tls_user[0] != '\0' && cam->cn_maps) {
		a->user = auth_find(cam, tls_user);
		a->result = a->user != NULL ? AUTH_GOOD : AUTH_BAD;
		return;
	}
	if (field != NULL && security != NULL && cam->persona->both_refused) {
		a->result = AUTH_BAD;
		a->why = "logins on both layers";
		cam->refused_auth++;
		return;
	}
	if (digest && field != NULL)
		auth_http(cam, field, rq->method, rq->target, SURFACE_ONVIF,
		    fault_on(cam, CF_BASIC_DIGEST), a);
	else if (token && security != NULL)
		auth_token(cam, security, a);
	else if (field != NULL || security != NULL) {
		a->result = AUTH_BAD;
		a->why = "a kind of login that this camera does not take";
		cam->refused_auth++;
	}
}

static bool
soap_may(enum level level, enum access access)
{
	if (access == ACC_READ_SYSTEM)
		return level >= LEVEL_USER;
	return level == LEVEL_ADMIN;
}

/* True where the operation may run. */
static bool
soap_access(struct call *c, enum access access, const struct http_request *rq,
    const xmlNode *security, const char *tls_user, struct soap_answer *out)
{
	struct auth a;
	bool http = soap_digest(c->cam);

	if (access == ACC_PRE_AUTH)
		return true;
	soap_login(c, rq, security, tls_user, &a);
	if (a.result != AUTH_GOOD) {
		soap_denied(c, &a, http, out);
		return false;
	}
	c->user = a.user->name;
	if (soap_may(a.user->level, access))
		return true;
	soap_sender(c, "NotAuthorized", "", "the user's level does not reach");
	soap_fault(c->cam, &c->fault, out);
	if (http)
		out->status = 403;
	return false;
}

/* ---- one call ---- */

static void
soap_run(struct call *c, const struct operation *op, struct soap_answer *out)
{
	const char *prefix = c->tas ? "tas" : "tds";
	struct xo children;
	int ret;

	xo_init(&children);
	c->out = &children;
	ret = op->run(c);
	if (ret == 0 && children.err != 0)
		ret = soap_receiver(c, "Action", "", "out of memory");
	if (ret < 0)
		soap_fault(c->cam, &c->fault, out);
	else {
		soap_open(&out->body);
		xo_printf(&out->body, "<%s:%sResponse xmlns:%s=\"%s\" "
		    "xmlns:tt=\"" NS_TT "\">", prefix, op->name, prefix,
		    c->tas ? NS_TAS : NS_TDS);
		xo_puts(&out->body, buf_str(&children.b));
		xo_printf(&out->body, "</%s:%sResponse>", prefix, op->name);
		soap_close(&out->body);
	}
	xo_fini(&children);
	if (c->reset)
		camera_reset(c->cam, c->hard);
	if (c->reboot)
		out->off_ms = spoil_boot_ms();
}

static void
soap_checked(struct call *c, const struct operation *op, unsigned number,
    struct soap_answer *out)
{
	struct shape_fault bad;
	const struct shape *sh = c->tas ? shape_tas(c->name) :
	    shape_tds(c->name);

	if (sh != NULL && shape_check(c->body, sh, &bad) != NULL) {
		c->cam->invalid++;
		soap_sender(c, bad.code, "", bad.text);
		soap_fault(c->cam, &c->fault, out);
		return;
	}
	if (!spoil_before(c->cam, c->name, out))
		return;
	if (number < CAM_OPS)
		c->cam->ops[number]++;
	soap_run(c, op, out);
	spoil_after(c->cam, c->name, out);
}

static void
soap_call(struct camera *cam, const struct http_request *rq, bool tls,
    const char *tls_user, const struct parts *p, const char *wsa,
    struct soap_answer *out)
{
	struct call c = { .cam = cam, .body = p->body, .user = "",
	    .name = (const char *)p->body->name, .tls = tls,
	    .tas = strcmp(rq->target, PATH_SECURITY) == 0 };
	const char *ns = c.tas ? NS_TAS : NS_TDS, *wrong;
	const struct operation *op;
	unsigned number = 0;

	op = xml_is(p->body, ns, c.name) ? soap_find(c.name, c.tas, &number) :
	    NULL;
	if (op == NULL) {
		cam->invalid++;
		soap_receiver(&c, "ActionNotSupported", "",
		    "no such operation at this address");
		soap_fault(cam, &c.fault, out);
		return;
	}
	if ((wrong = soap_action(rq, ns, c.name, wsa)) != NULL) {
		cam->invalid++;
		soap_sender(&c, "UnknownAction", "", wrong);
		soap_fault(cam, &c.fault, out);
		return;
	}
	if (soap_access(&c, op->access, rq, p->security, tls_user, out))
		soap_checked(&c, op, number, out);
}

static void
soap_refuse(struct camera *cam, const struct parts *p, const char *why,
    struct soap_answer *out)
{
	struct call c = { .cam = cam };

	cam->invalid++;
	soap_sender(&c, p->value != NULL ? "" : "WellFormed", "", why);
	if (p->value != NULL)
		c.fault.value = p->value;
	soap_fault(cam, &c.fault, out);
}

/* Libraries for HTTP send an empty first request where they expect to be asked
 * who they are. */
static void
soap_probe(struct camera *cam, struct soap_answer *out)
{
	struct call c = { .cam = cam };
	struct auth a = { .why = NULL };

	soap_denied(&c, &a, true, out);
}

/* application/soap+xml, and UTF-8 where a charset is said. */
static bool
soap_media(const struct http_request *rq)
{
	const char *type = http_field(rq, "Content-Type"), *p;

	if (type == NULL || strncasecmp(type, "application/soap+xml", 20) != 0
	    || (type[20] != '\0' && strchr("; ", type[20]) == NULL))
		return false;
	p = strcasestr(type, "charset=");
	return p == NULL || strncasecmp(p + 8 + (p[8] == '"'), "utf-8", 5) ==
	    0;
}

void
soap_handle(struct camera *cam, const struct http_request *rq, bool tls,
    const char *tls_user, struct soap_answer *out)
{
	struct parts p = { 0 };
	char wsa[200] = "";
	const char *wrong;
	xmlDoc *doc;

	if (!soap_media(rq)) {
		out->status = 415;
		return;
	}
	doc = xml_parse(buf_str(&rq->body), rq->body.len);
	wrong = doc != NULL ? soap_parts(doc, &p, wsa, sizeof wsa) :
	    "the message is not well-formed";
	pthread_mutex_lock(&cam->lock);
	cam->requests++;
	if (rq->body.len == 0 && soap_digest(cam))
		soap_probe(cam, out);
	else if (wrong != NULL)
		soap_refuse(cam, &p, wrong, out);
	else
		soap_call(cam, rq, tls, tls_user, &p, wsa, out);
	spoil_answer(cam, p.body, tls, out);
	pthread_mutex_unlock(&cam->lock);
	xmlFreeDoc(doc);
}
