/* SPDX-License-Identifier: Apache-2.0 */
/* The device service: identity, services, protocols, discovery, restart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake-camera/device.h"
#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

static int
device_information(struct call *c)
{
	struct camera *cam = c->cam;
	struct xo *x = c->out;

	xo_text(x, "tds:Manufacturer", "Rehearsal Cameras");
	xo_text(x, "tds:Model", cam->persona->model);
	xo_text(x, "tds:FirmwareVersion", "1.4.2");
	if (!fault_hit(cam, CF_NO_SERIAL, c->name))
		xo_text(x, "tds:SerialNumber", cam->serial);
	if (!fault_hit(cam, CF_NO_HARDWARE_ID, c->name))
		xo_text(x, "tds:HardwareId", cam->persona->hardware_id);
	return CAMCA_OK;
}

/* ---- services ---- */

static void
services_xaddr(struct call *c, const char *path)
{
	struct camera *cam = c->cam;
	const char *host = cam->address;
	long port = c->tls ? cam->https_port : cam->http_port;

	if (fault_hit(cam, CF_XADDR_HOST, c->name))
		host = "camera.invalid";
	else if (fault_hit(cam, CF_XADDR_FACTORY, c->name)) {
		host = "192.168.1.99";
		port = c->tls ? 443 : 80;
	}
	if (fault_hit(cam, CF_XADDR_PORT, c->name))
		port = (long)fault_value(cam, CF_XADDR_PORT);
	xo_printf(c->out, strchr(host, ':') != NULL ?
	    "<tds:XAddr>%s://[%s]:%ld%s</tds:XAddr>" :
	    "<tds:XAddr>%s://%s:%ld%s</tds:XAddr>", c->tls ?
	    "https" : "http", host, port, path);
}

static void
services_capabilities(struct call *c)
{
	const struct persona *p = c->cam->persona;
	struct xo *x = c->out;
	bool token = (p->token || fault_on(c->cam, CF_TOKEN_ONLY)) &&
	    !fault_on(c->cam, CF_DIGEST_ONLY);
	bool digest = (p->md5 || p->sha256) && !fault_on(c->cam,
	    CF_TOKEN_ONLY);

	xo_puts(x, "<tds:Network IPFilter=\"false\" ZeroConfiguration="
	    "\"false\" IPVersion6=\"false\" NTP=\"1\"/>");
	xo_printf(x, "<tds:Security TLS1.0=\"false\" TLS1.1=\"false\" "
	    "TLS1.2=\"true\" OnboardKeyGeneration=\"false\" "
	    "AccessPolicyConfig=\"false\" DefaultAccessPolicy=\"true\" "
	    "RemoteUserHandling=\"false\" X.509Token=\"false\" "
	    "UsernameToken=\"%s\" HttpDigest=\"%s\" MaxUsers=\"%d\" "
	    "MaxUserNameLength=\"%d\" MaxPasswordLength=\"%d\"%s%s/>",
	    token ? "true" : "false", digest ? "true" : "false", p->max_users,
	    p->max_name, p->max_password, p->complexity ?
	    " SecurityPolicies=\"PasswordComplexity\"" : "",
	    p->sha256 ? " HashingAlgorithms=\"MD5 SHA-256\"" : "");
	xo_printf(x, "<tds:System DiscoveryResolve=\"false\" DiscoveryBye="
	    "\"false\" RemoteDiscovery=\"false\" SystemBackup=\"false\" "
	    "SystemLogging=\"false\"%s/>", p->keys >= 16 ?
	    " Addons=\"TLSServerConfiguration\"" : "");
}

static int
device_capabilities(struct call *c)
{
	xo_puts(c->out, "<tds:Capabilities>");
	services_capabilities(c);
	xo_puts(c->out, "</tds:Capabilities>");
	return CAMCA_OK;
}

static void
services_version(struct call *c)
{
	xo_puts(c->out, "<tds:Version><tt:Major>26</tt:Major>"
	    "<tt:Minor>6</tt:Minor></tds:Version></tds:Service>");
}

static int
device_services(struct call *c)
{
	struct xo *x = c->out;
	bool all = xml_bool(xml_child(c->body, "IncludeCapability"), false);

	if (fault_hit(c->cam, CF_NO_GETSERVICES, c->name))
		return soap_receiver(c, "ActionNotSupported", "",
		    "GetServices is not there");
	xo_puts(x, "<tds:Service>");
	xo_text(x, "tds:Namespace", NS_TDS);
	services_xaddr(c, PATH_DEVICE);
	if (all) {
		/* As the specification has it: twice the same name. */
		xo_puts(x, "<tds:Capabilities><tds:Capabilities>");
		services_capabilities(c);
		xo_puts(x, "</tds:Capabilities></tds:Capabilities>");
	}
	services_version(c);
	xo_puts(x, "<tds:Service>");
	xo_text(x, "tds:Namespace", NS_TAS);
	services_xaddr(c, PATH_SECURITY);
	if (all) {
		xo_puts(x, "<tds:Capabilities><tas:Capabilities xmlns:tas=\""
		    NS_TAS "\">");
		security_capabilities(c);
		xo_puts(x, "</tas:Capabilities></tds:Capabilities>");
	}
	services_version(c);
	return CAMCA_OK;
}

/* ---- protocols ---- */

static void
protocols_write(struct xo *x, const char *name, const struct protocol *p)
{
	xo_puts(x, "<tds:NetworkProtocols>");
	xo_text(x, "tt:Name", name);
	xo_bool(x, "tt:Enabled", p->enabled);
	xo_int(x, "tt:Port", p->port);
	xo_puts(x, "</tds:NetworkProtocols>");
}

static int
device_protocols(struct call *c)
{
	protocols_write(c->out, "HTTP", &c->cam->http);
	protocols_write(c->out, "HTTPS", &c->cam->https);
	protocols_write(c->out, "RTSP", &c->cam->rtsp);
	return CAMCA_OK;
}

static struct protocol *
protocols_find(struct camera *cam, const char *name)
{
	if (strcmp(name, "HTTPS") == 0)
		return &cam->https;
	return strcmp(name, "RTSP") == 0 ? &cam->rtsp : &cam->http;
}

/* First all are looked at, then all are set. */
static int
protocols_pass(struct call *c, bool set)
{
	struct camera *cam = c->cam;
	struct protocol *p;
	const xmlNode *n;
	char name[8], port[16];
	bool on, http = cam->http.enabled, https = cam->https.enabled;

	for (n = xml_first(c->body); n != NULL; n = xml_next(n)) {
		xml_text(xml_child(n, "Name"), name, sizeof name);
		xml_text(xml_child(n, "Port"), port, sizeof port);
		on = xml_bool(xml_child(n, "Enabled"), false);
		p = protocols_find(cam, name);
		if (p == &cam->http)
			http = on;
		if (p == &cam->https)
			https = on;
		/* The doors of this program stay where they are. */
		if (strtol(port, NULL, 10) != p->port)
			return soap_sender(c, "InvalidArgVal",
			    "PortAlreadyInUse", "the port cannot be had");
		if (p == &cam->https && on && cam->assigned[0] == '\0')
			return soap_receiver(c, "ActionNotSupported",
			    "EnablingTlsFailed",
			    "no certificate is assigned to the TLS server");
		if (set)
			p->enabled = on;
	}
	if (!http && !https)
		return soap_sender(c, "InvalidArgVal", "ServiceNotSupported",
		    "nothing would be left to talk to");
	return CAMCA_OK;
}

static int
device_set_protocols(struct call *c)
{
	int ret = protocols_pass(c, false);

	return ret < 0 ? ret : protocols_pass(c, true);
}

/* ---- the rest ---- */

static int
device_mode(struct call *c)
{
	xo_text(c->out, "tds:DiscoveryMode", c->cam->discoverable ?
	    "Discoverable" : "NonDiscoverable");
	return CAMCA_OK;
}

static int
device_set_mode(struct call *c)
{
	char mode[24];

	xml_text(xml_child(c->body, "DiscoveryMode"), mode, sizeof mode);
	c->cam->discoverable = strcmp(mode, "Discoverable") == 0;
	return CAMCA_OK;
}

static int
device_scopes(struct call *c)
{
	struct xo *x = c->out;

	xo_printf(x, "<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>"
	    "<tt:ScopeItem>onvif://www.onvif.org/hardware/%s</tt:ScopeItem>"
	    "</tds:Scopes>", c->cam->persona->model);
	xo_printf(x, "<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>"
	    "<tt:ScopeItem>onvif://www.onvif.org/MacAddress/%s"
	    "</tt:ScopeItem></tds:Scopes>", c->cam->mac);
	xo_printf(x, "<tds:Scopes><tt:ScopeDef>Configurable</tt:ScopeDef>"
	    "<tt:ScopeItem>onvif://www.onvif.org/name/%s</tt:ScopeItem>"
	    "</tds:Scopes>", c->cam->serial);
	return CAMCA_OK;
}

static int
device_reference(struct call *c)
{
	xo_text(c->out, "tds:GUID", c->cam->guid);
	return CAMCA_OK;
}

static int
device_reboot(struct call *c)
{
	xo_text(c->out, "tds:Message", "The camera restarts.");
	c->reboot = true;
	return CAMCA_OK;
}

static int
device_reset(struct call *c)
{
	char kind[8];

	xml_text(xml_child(c->body, "FactoryDefault"), kind, sizeof kind);
	c->reset = c->reboot = true;
	c->hard = strcmp(kind, "Hard") == 0;
	return CAMCA_OK;
}

const struct operation device_operations[] = {
	{ "GetServices", ACC_PRE_AUTH, device_services },
	{ "GetServiceCapabilities", ACC_PRE_AUTH, device_capabilities },
	{ "GetDeviceInformation", ACC_READ_SYSTEM, device_information },
	{ "GetSystemDateAndTime", ACC_PRE_AUTH, clock_get },
	{ "SetSystemDateAndTime", ACC_WRITE, clock_set },
	{ "GetNTP", ACC_READ_SYSTEM, clock_ntp },
	{ "SetNTP", ACC_WRITE, clock_set_ntp },
	{ "GetUsers", ACC_READ_SECRET, users_get },
	{ "CreateUsers", ACC_WRITE, users_create },
	{ "SetUser", ACC_WRITE, users_set },
	{ "DeleteUsers", ACC_WRITE, users_delete },
	{ "GetNetworkProtocols", ACC_READ_SYSTEM, device_protocols },
	{ "SetNetworkProtocols", ACC_WRITE, device_set_protocols },
	{ "GetPasswordComplexityOptions", ACC_READ_SECRET, users_options },
	{ "GetPasswordComplexityConfiguration", ACC_READ_SECRET,
	    users_rules },
	{ "SetPasswordComplexityConfiguration", ACC_WRITE, users_set_rules },
	{ "SetHashingAlgorithm", ACC_WRITE, users_hashing },
	{ "GetDiscoveryMode", ACC_READ_SYSTEM, device_mode },
	{ "SetDiscoveryMode", ACC_WRITE, device_set_mode },
	{ "GetScopes", ACC_READ_SYSTEM, device_scopes },
	{ "GetEndpointReference", ACC_PRE_AUTH, device_reference },
	{ "SystemReboot", ACC_UNRECOVERABLE, device_reboot },
	{ "SetSystemFactoryDefault", ACC_UNRECOVERABLE, device_reset },
	{ NULL, ACC_PRE_AUTH, NULL }
};
