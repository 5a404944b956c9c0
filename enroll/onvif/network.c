/* SPDX-License-Identifier: Apache-2.0 */
/* Which protocols the camera serves, on which ports. */
#include <string.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

static void
protocols_row(struct xml_in *in, const xmlNode *n, struct cam_protocol *p)
{
	const xmlNode *port = xml_each(n, NULL, NS_TT, "Port");
	char text[16];
	struct buf b;
	int value = 0, ret = CAMCA_OK;

	memset(p, 0, sizeof *p);
	xml_string(in, n, NS_TT, "Name", p->name, sizeof p->name,
	    XML_NEED | XML_CUT);
	xml_bool(in, n, NS_TT, "Enabled", &p->enabled, XML_NEED);
	buf_init(&b, sizeof text - 1);
	/* Of several ports the first one is the one that is told to others. */
	if (port != NULL && (ret = xml_text(port, &b)) == CAMCA_OK) {
		const char *s = buf_str(&b);

		for (s += strspn(s, " \t\r\n"); *s >= '0' && *s <= '9' &&
		    value <= 65535; s++)
			value = value * 10 + (*s - '0');
	}
	buf_fini(&b);
	if (ret == CAMCA_ENOMEM || value > 65535)
		xml_bad_text(in, ret, "is not a port", "Port");
	else
		p->port = (uint16_t)value;
}

int
onvif_protocols(struct camera *c, struct cam_protocols *out,
    struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *n = NULL;
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL("GetNetworkProtocols", 0),
	    NULL, &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	while (in.err == 0 && out->n < CAM_PROTOCOLS_MAX && (n =
	    xml_each(a.body, n, NS_TDS, "NetworkProtocols")) != NULL)
		protocols_row(&in, n, &out->v[out->n++]);
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_protocols_set(struct camera *c, const struct cam_protocols *p,
    struct cam_why *why)
{
	struct xml_out w;
	size_t i;
	int ret;

	if (p->n == 0 || p->n > CAM_PROTOCOLS_MAX)
		return cam_fail_plain(why, CAMCA_EINVAL);
	xml_out_init(&w);
	xml_open(&w, "tds:SetNetworkProtocols");
	for (i = 0; i < p->n; i++) {
		xml_open(&w, "tds:NetworkProtocols");
		xml_put(&w, "tt:Name", p->v[i].name);
		xml_put_bool(&w, "tt:Enabled", p->v[i].enabled);
		xml_put_int(&w, "tt:Port", p->v[i].port);
		xml_close(&w);
	}
	xml_close(&w);
	ret = onvif_call(c, ONVIF_DEVICE_CALL("SetNetworkProtocols",
	    CALL_CHANGES), &w, NULL, why);
	xml_out_fini(&w);
	return ret;
}
