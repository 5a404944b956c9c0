/* SPDX-License-Identifier: Apache-2.0 */
/* SOAP 1.2 around the operations: envelope, access, faults. */
#ifndef FAKE_SOAP_H
#define FAKE_SOAP_H

#include <libxml/tree.h>

#include "ca/base/err.h"
#include "tests/fake-camera/auth.h"
#include "tests/fake-camera/camera.h"
#include "tests/fake-camera/xml.h"

#define PATH_DEVICE "/onvif/device_service"
#define PATH_SECURITY "/onvif/advancedsecurity"

/* Who may: table 5.9.4.3 of the core specification, default access policy. */
enum access { ACC_PRE_AUTH, ACC_READ_SYSTEM, ACC_READ_SECRET, ACC_WRITE,
	ACC_UNRECOVERABLE };

/* A fault's chain; where code or sub is "" it ends before. */
struct soap_fault {
	const char *value;       /* of env: "Sender", "Receiver", ... */
	char code[40], sub[64];
	char text[256];
};

struct call {
	struct camera *cam;
	const xmlNode *body;     /* the operation's element */
	const char *name;
	bool tas;
	bool tls;
	struct xo *out;          /* children of the answer */
	struct soap_fault fault;
	const char *user;        /* who asks, "" before login */
	/* To be done after the answer is written. */
	bool reboot, reset, hard;
};

struct operation {
	const char *name;
	enum access access;
	int (*run)(struct call *c);
};

/* Fills the fault; returns CAMCA_EINVAL so that a rule is one line. */
int soap_sender(struct call *c, const char *code, const char *sub,
    const char *text);
int soap_receiver(struct call *c, const char *code, const char *sub,
    const char *text);

/* The tables, each ended by a NULL name. */
extern const struct operation device_operations[], security_operations[];
/* Numbers of operations for the counters: name of the i-th, NULL past the
 * last. */
const char *soap_operation(unsigned i);

/* What came and what goes back. */
struct http_request;
struct soap_answer {
	int status;
	struct xo body;
	char challenge[3][400];  /* WWW-Authenticate fields, "" = none */
	bool drop;               /* say nothing, close */
	bool close;              /* close after the answer */
	bool truncate;
	int64_t off_ms;          /* power fails for so long afterwards */
	bool cut;
	int64_t slow_ms;
};

/* Answers one POST. Takes and leaves the camera's lock. */
void soap_handle(struct camera *cam, const struct http_request *rq, bool tls,
    const char *tls_user, struct soap_answer *out);

#endif
