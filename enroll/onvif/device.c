/* SPDX-License-Identifier: Apache-2.0 */
/* Device service: identity, discovery mode, restart. */
#include <string.h>

#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

int
onvif_identify(struct camera *c, struct cam_identity *out,
    struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	int ret = onvif_call(c, ONVIF_DEVICE_CALL("GetDeviceInformation", 0),
	    NULL, &a, why);

	memset(out, 0, sizeof *out);
	if (ret < 0)
		return ret;
	/* Real cameras leave out one or the other. */
	xml_string(&in, a.body, NS_TDS, "Manufacturer", out->manufacturer,
	    sizeof out->manufacturer, XML_CUT);
	xml_string(&in, a.body, NS_TDS, "Model", out->model,
	    sizeof out->model, XML_CUT);
	xml_string(&in, a.body, NS_TDS, "FirmwareVersion", out->firmware,
	    sizeof out->firmware, XML_CUT);
	xml_string(&in, a.body, NS_TDS, "SerialNumber", out->serial,
	    sizeof out->serial, XML_CUT);
	xml_string(&in, a.body, NS_TDS, "HardwareId", out->hardware_id,
	    sizeof out->hardware_id, XML_CUT);
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_discoverable(struct camera *c, bool *out, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	struct soap_answer a;
	char mode[32];
	int ret = onvif_call(c, ONVIF_DEVICE_CALL("GetDiscoveryMode", 0),
	    NULL, &a, why);

	*out = true;
	if (ret < 0)
		return ret;
	xml_string(&in, a.body, NS_TDS, "DiscoveryMode", mode, sizeof mode,
	    XML_NEED);
	if (in.err == 0 && strcmp(mode, "NonDiscoverable") == 0)
		*out = false;
	else if (in.err == 0 && strcmp(mode, "Discoverable") != 0)
		xml_bad(&in, "is neither of its two words", "DiscoveryMode");
	soap_answer_fini(&a);
	return in.err;
}

int
onvif_discoverable_set(struct camera *c, bool on, struct cam_why *why)
{
	return onvif_call1(c, ONVIF_DEVICE_CALL("SetDiscoveryMode",
	    CALL_CHANGES), "tds:DiscoveryMode", on ? "Discoverable" :
	    "NonDiscoverable", NULL, why);
}

int
onvif_reboot(struct camera *c, struct cam_why *why)
{
	return onvif_call(c, ONVIF_DEVICE_CALL("SystemReboot", CALL_CHANGES),
	    NULL, NULL, why);
}
