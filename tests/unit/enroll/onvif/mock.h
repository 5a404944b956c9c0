/* SPDX-License-Identifier: Apache-2.0 */
/* A camera without a network: answers in the order in which they were told,
 * and what was asked is kept. */
#ifndef TEST_ONVIF_MOCK_H
#define TEST_ONVIF_MOCK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

#define MOCK_MAX 32

#define SOAP(body) "<e:Envelope xmlns:e=\"" NS_ENV "\" xmlns:d=\"" NS_TDS \
	"\" xmlns:a=\"" NS_TAS "\" xmlns:t=\"" NS_TT "\"><e:Body>" body \
	"</e:Body></e:Envelope>"
#define FAULT2(code, sub) SOAP("<e:Fault xmlns:ter=\"urn:x\"><e:Code><e:Value>" \
	"e:Sender</e:Value><e:Subcode><e:Value>ter:" code "</e:Value>" \
	"<e:Subcode><e:Value>ter:" sub "</e:Value></e:Subcode></e:Subcode>" \
	"</e:Code><e:Reason><e:Text xml:lang=\"en\">because</e:Text>" \
	"</e:Reason></e:Fault>")
#define FAULT1(code) SOAP("<e:Fault xmlns:ter=\"urn:x\"><e:Code><e:Value>" \
	"e:Sender</e:Value><e:Subcode><e:Value>ter:" code "</e:Value>" \
	"</e:Subcode></e:Code><e:Reason><e:Text xml:lang=\"en\">because" \
	"</e:Text></e:Reason></e:Fault>")
#define INFO SOAP("<d:GetDeviceInformationResponse><d:Manufacturer>M" \
	"</d:Manufacturer><d:Model>X</d:Model><d:FirmwareVersion>1" \
	"</d:FirmwareVersion><d:SerialNumber>S</d:SerialNumber>" \
	"<d:HardwareId>H</d:HardwareId></d:GetDeviceInformationResponse>")
#define SERVICES(xaddr) SOAP("<d:GetServicesResponse><d:Service>" \
	"<d:Namespace>" NS_TAS "</d:Namespace><d:XAddr>" xaddr "</d:XAddr>" \
	"<d:Version><t:Major>1</t:Major><t:Minor>0</t:Minor></d:Version>" \
	"</d:Service></d:GetServicesResponse>")
#define DIGEST "Digest realm=\"r\", qop=\"auth\", nonce=\"n1\", " \
	"algorithm=MD5\n"

struct mock_reply {
	int status;
	const char *offers;
	const char *body;
	int ret;                     /* of the exchange; 0: there is an answer */
	bool dropped;
};

struct mock_asked {
	char path[64];
	char operation[64];
	char authorization[512];     /* "" where there was none */
	bool token;
	bool changes;
	char *body;
};

struct mock {
	struct mock_reply reply[MOCK_MAX];
	size_t n, next;
	struct mock_asked asked[MOCK_MAX];
	struct camera c;
	int64_t now_ms;
	int waits;
	int stop_at;                 /* wait() says stop at this one; 0: never */
	uint8_t random;
};

static int64_t
mock_now(void *arg)
{
	return ((struct mock *)arg)->now_ms;
}

static int
mock_random(void *arg, uint8_t *out, size_t n)
{
	memset(out, ++((struct mock *)arg)->random, n);
	return CAMCA_OK;
}

static int
mock_wait(void *arg, int64_t ms)
{
	struct mock *m = arg;

	m->now_ms += ms;
	return ++m->waits == m->stop_at;
}

static int
mock_exchange(void *arg, const struct onvif_request *q,
    struct onvif_answer *out, struct cam_why *why)
{
	struct mock *m = arg;
	struct mock_asked *a = &m->asked[m->next];
	const struct mock_reply *r = &m->reply[m->next];
	const char *slash = q->action != NULL ? strrchr(q->action, '/') : "/";

	onvif_answer_init(out);
	if (m->next >= m->n) {
		fprintf(stderr, "nothing is known to answer to %s\n", slash);
		abort();
	}
	m->next++;
	snprintf(a->path, sizeof a->path, "%s", q->path);
	snprintf(a->operation, sizeof a->operation, "%s", slash + 1);
	snprintf(a->authorization, sizeof a->authorization, "%s",
	    q->authorization != NULL ? q->authorization : "");
	a->body = strndup(q->body != NULL ? q->body : "", q->body_len);
	a->token = strstr(a->body, "UsernameToken") != NULL;
	a->changes = q->changes;
	out->dropped = r->dropped;
	if (r->ret < 0)
		return cam_fail(why, r->ret, r->ret == CAMCA_ETIME ?
		    CAM_TIMEOUT : CAM_UNREACHABLE, "gone");
	out->status = r->status;
	if (why != NULL)
		why->http = r->status;
	if (r->offers != NULL && buf_puts(&out->offers, r->offers) < 0)
		abort();
	if (r->body != NULL && buf_puts(&out->body, r->body) < 0)
		abort();
	return CAMCA_OK;
}

static struct camca_ctx mock_ctx;

/* A camera with the given replies; a login where user is not NULL. */
static inline void
mock_init(struct mock *m, const char *user, const char *password)
{
	memset(m, 0, sizeof *m);
	m->now_ms = INT64_C(1790000000000);
	mock_ctx.now_ms = mock_now;
	mock_ctx.random = mock_random;
	mock_ctx.arg = m;
	m->c.env.ctx = &mock_ctx;
	m->c.env.wait = mock_wait;
	m->c.env.arg = m;
	m->c.env.clear_passwords = true;
	m->c.exchange = mock_exchange;
	m->c.exchange_arg = m;
	snprintf(m->c.link.path, sizeof m->c.link.path, "/dev");
	if (user != NULL) {
		snprintf(m->c.login.user, sizeof m->c.login.user, "%s", user);
		snprintf(m->c.login.password, sizeof m->c.login.password,
		    "%s", password);
		m->c.has_login = true;
	}
}

static inline void
mock_say(struct mock *m, int status, const char *offers, const char *body)
{
	m->reply[m->n++] = (struct mock_reply){ status, offers, body, 0,
	    false };
}

static inline void
mock_fail(struct mock *m, int ret, bool dropped)
{
	m->reply[m->n++] = (struct mock_reply){ 0, NULL, NULL, ret, dropped };
}

static inline void
mock_fini(struct mock *m)
{
	size_t i;

	for (i = 0; i < m->next; i++)
		free(m->asked[i].body);
}

/* Ready to call the Security service: no login, place known. */
static inline void
mock_security(struct mock *m)
{
	m->c.services_known = true;
	m->c.has_security = true;
	snprintf(m->c.security_path, sizeof m->c.security_path, "/sec");
}

#endif
