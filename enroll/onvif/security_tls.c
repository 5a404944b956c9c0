/* SPDX-License-Identifier: Apache-2.0 */
/* What the camera's TLS server uses. */
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/security.h"
#include "enroll/onvif/tls_probe.h"
#include "enroll/onvif/trouble.h"

int
onvif_assigned(struct camera *c, struct cam_ids *out, struct cam_why *why)
{
	return security_ids(c, ONVIF_SECURITY_CALL(
	    "GetAssignedServerCertificates", 0), "CertificationPathID", out,
	    why);
}

int
onvif_assign_add(struct camera *c, const char *path_id, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL(
	    "AddServerCertificateAssignment", CALL_CHANGES),
	    "tas:CertificationPathID", path_id, NULL, why);
}

int
onvif_assign_remove(struct camera *c, const char *path_id,
    struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL(
	    "RemoveServerCertificateAssignment", CALL_CHANGES),
	    "tas:CertificationPathID", path_id, NULL, why);
}

int
onvif_assign_replace(struct camera *c, const char *old_path_id,
    const char *new_path_id, struct cam_why *why)
{
	struct xml_out w;
	int ret;

	xml_out_init(&w);
	xml_open(&w, "tas:ReplaceServerCertificateAssignment");
	xml_put(&w, "tas:OldCertificationPathID", old_path_id);
	xml_put(&w, "tas:NewCertificationPathID", new_path_id);
	xml_close(&w);
	ret = onvif_call(c, ONVIF_SECURITY_CALL(
	    "ReplaceServerCertificateAssignment", CALL_CHANGES), &w, NULL,
	    why);
	xml_out_fini(&w);
	return ret;
}

int
onvif_client_auth(struct camera *c, bool *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_SECURITY_CALL(
	    "GetClientAuthenticationRequired", 0), NULL, &a, why);

	*out = false;
	if (ret < 0)
		return ret;
	xml_bool(&in, a.body, NS_TAS, "clientAuthenticationRequired", out,
	    XML_NEED);
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_client_auth_set(struct camera *c, bool on, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_SECURITY_CALL(
	    "SetClientAuthenticationRequired", CALL_CHANGES |
	    (on ? 0 : CALL_KEPT)),
	    "tas:clientAuthenticationRequired", on ? "true" : "false", NULL,
	    why);
}

static struct tls_target
tls_target(const struct camera *c, uint16_t port, bool with_cert)
{
	return (struct tls_target){
		.host = c->link.host,
		.port = port != 0 ? port : c->link.port,
		.client = with_cert ? c->env.client : NULL,
		.connect_ms = c->env.connect_ms,
		.stopping = c->env.stopping,
		.arg = c->env.arg,
	};
}

int
onvif_served(struct camera *c, uint16_t port, struct cam_served *out,
    struct cam_why *why)
{
	const struct tls_target t = tls_target(c, port, true);

	return tls_probe(&t, out, why);
}

int
onvif_client_taken(struct camera *c, bool with_cert, bool *out,
    struct cam_why *why)
{
	const struct tls_target t = tls_target(c, 0, with_cert);
	struct cam_why local;

	return tls_taken(&t, out, why != NULL ? why : &local);
}
