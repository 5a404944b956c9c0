/* SPDX-License-Identifier: Apache-2.0 */
/* SOAP 1.2: envelopes, answers and faults. No traffic. */
#ifndef CAMCA_ONVIF_SOAP_H
#define CAMCA_ONVIF_SOAP_H

#include "ca/base/buf.h"
#include "enroll/onvif/driver.h"
#include "enroll/onvif/xml.h"
#include "enroll/onvif/xml_write.h"

struct soap_answer {
	xmlDoc *doc;
	const xmlNode *body;         /* the response element; in doc */
};

/* Envelope around body, with header where it is not NULL. */
CAMCA_MUST int soap_envelope(struct xml_out *out, const struct xml_out *header,
    const struct xml_out *body);

/* Reads an answer whose body must be the element name of ns.
 *   CAMCA_OK      out->body is it; soap_answer_fini
 *   CAMCA_EAUTH   fault NotAuthorized; why->code CAM_AUTH
 *   CAMCA_EPERM   another fault; why->code, fault, text
 *   CAMCA_EPROTO, CAMCA_ELIMIT, CAMCA_ENOMEM   not such an answer */
CAMCA_MUST int soap_read(struct soap_answer *out, const struct buf *bytes,
    size_t max_bytes, const char *ns, const char *name, struct cam_why *why);
void soap_answer_fini(struct soap_answer *a);

/* What a chain of local names ("Sender/InvalidArgVal/KeyID") means. */
enum cam_trouble soap_trouble(const char *chain);

#endif
