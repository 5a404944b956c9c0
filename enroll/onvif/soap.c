/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/soap.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

#define SOAP_SUBCODES 6

static const struct {
	const char *name;
	const char *ns;
} soap_prefixes[] = {
	{ "xmlns:env", NS_ENV },
	{ "xmlns:tds", NS_TDS },
	{ "xmlns:tas", NS_TAS },
	{ "xmlns:tt", NS_TT },
};

/* The last name of the chain that is known decides. Names differ between
 * operations and versions for the same thing. */
static const struct {
	const char *name;
	enum cam_trouble code;
} soap_faults[] = {
	{ "NotAuthorized", CAM_AUTH },
	{ "FailedAuthentication", CAM_AUTH },
	{ "InvalidSecurity", CAM_AUTH },
	{ "InvalidSecurityToken", CAM_AUTH },
	{ "AccountLocked", CAM_LOCKED },
	{ "UserLocked", CAM_LOCKED },
	{ "ActionNotSupported", CAM_UNSUPPORTED },
	{ "OptionalActionNotImplemented", CAM_UNSUPPORTED },
	{ "NoSuchService", CAM_UNSUPPORTED },
	{ "UnknownAction", CAM_UNSUPPORTED },
	{ "TooManyUsers", CAM_FULL },
	{ "CapacityExceeded", CAM_FULL },
	{ "Duplicate", CAM_DUPLICATE },
	{ "UsernameClash", CAM_DUPLICATE },
	{ "ReferenceExists", CAM_IN_USE },
	{ "Password", CAM_WEAK_PASSWORD },
	{ "PasswordTooLong", CAM_WEAK_PASSWORD },
	{ "PasswordTooShort", CAM_WEAK_PASSWORD },
	{ "PasswordTooWeak", CAM_WEAK_PASSWORD },
	{ "UsernameMissing", CAM_NO_SUCH },
	{ "FixedUser", CAM_FIXED_USER },
	{ "KeyID", CAM_NO_SUCH },
	{ "CertificateID", CAM_NO_SUCH },
	{ "CertificationPathID", CAM_NO_SUCH },
	{ "OldCertificationPathID", CAM_NO_SUCH },
	{ "NewCertificationPathID", CAM_NO_SUCH },
	{ "CertPathValidationPolicyID", CAM_NO_SUCH },
	{ "CRLID", CAM_NO_SUCH },
	{ "CrlID", CAM_NO_SUCH },
};

int
soap_envelope(struct xml_out *out, const struct xml_out *header,
    const struct xml_out *body)
{
	size_t i;

	xml_open(out, "env:Envelope");
	for (i = 0; i < sizeof soap_prefixes / sizeof soap_prefixes[0]; i++)
		xml_put_attr(out, soap_prefixes[i].name, soap_prefixes[i].ns);
	if (header != NULL) {
		xml_put_attr(out, "xmlns:wsse", NS_WSSE);
		xml_put_attr(out, "xmlns:wsu", NS_WSU);
		xml_open(out, "env:Header");
		xml_put_part(out, header);
		xml_close(out);
	}
	xml_open(out, "env:Body");
	xml_put_part(out, body);
	xml_close(out);
	xml_close(out);
	return xml_out_end(out);
}

static enum cam_trouble
soap_name_trouble(const char *name, size_t n)
{
	static const char max[] = "MaximumNumberOf";
	size_t i;

	if (n >= sizeof max && memcmp(name, max, sizeof max - 1) == 0)
		return CAM_FULL;
	for (i = 0; i < sizeof soap_faults / sizeof soap_faults[0]; i++)
		if (strlen(soap_faults[i].name) == n &&
		    memcmp(soap_faults[i].name, name, n) == 0)
			return soap_faults[i].code;
	return CAM_NONE;
}

enum cam_trouble
soap_trouble(const char *chain)
{
	enum cam_trouble last = CAM_NONE, t;
	size_t n;

	for (; *chain != '\0'; chain += n + (chain[n] == '/')) {
		n = strcspn(chain, "/");
		t = soap_name_trouble(chain, n);
		if (t != CAM_NONE)
			last = t;
	}
	return last != CAM_NONE ? last : CAM_REFUSED;
}

/* Adds the local name of a QName to the chain; what is no name is '?'. */
static void
soap_add_code(char *chain, size_t chain_len, const char *qname)
{
	const char *colon = strchr(qname, ':');
	size_t used = strlen(chain);

	snprintf(chain + used, chain_len - used, "%s%s", used > 0 ? "/" : "",
	    colon != NULL ? colon + 1 : qname);
	for (used += used > 0; used < strlen(chain); used++)
		if (!isalnum((unsigned char)chain[used]) &&
		    strchr("_.-", chain[used]) == NULL)
			chain[used] = '?';
}

/* Code/Value, then Subcode/Value as deep as it goes (SOAP 1.2 part 1, 5.4). */
static void
soap_fault_chain(struct xml_in *in, const xmlNode *fault, char *chain,
    size_t chain_len)
{
	const xmlNode *code = xml_one(in, fault, NS_ENV, "Code", true);
	char word[CAM_WORD_MAX];
	int i;

	chain[0] = '\0';
	for (i = 0; i < SOAP_SUBCODES && code != NULL; i++) {
		xml_string(in, code, NS_ENV, "Value", word, sizeof word,
		    XML_NEED | XML_CUT);
		if (in->err == 0)
			soap_add_code(chain, chain_len, word);
		code = xml_one(in, code, NS_ENV, "Subcode", false);
	}
}

/* The words are the camera's: shown, never acted upon. Their absence is no
 * trouble. */
static void
soap_fault_text(const xmlNode *fault, char *out, size_t out_len)
{
	struct xml_in in = { 0, NULL };
	const xmlNode *reason = xml_one(&in, fault, NS_ENV, "Reason", false);
	const xmlNode *text = xml_each(reason, NULL, NS_ENV, "Text");
	struct buf b;

	buf_init(&b, XML_BYTES_MAX);
	if (text != NULL && xml_text(text, &b) == CAMCA_OK)
		snprintf(out, out_len, "%.200s", buf_str(&b));
	else
		out[0] = '\0';
	buf_fini(&b);
}

static int
soap_fault(const xmlNode *fault, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	char chain[CAM_FAULT_MAX], text[CAM_TEXT_MAX];
	enum cam_trouble t;

	soap_fault_chain(&in, fault, chain, sizeof chain);
	if (in.err < 0)
		return in.err;
	soap_fault_text(fault, text, sizeof text);
	t = soap_trouble(chain);
	if (why != NULL)
		memcpy(why->fault, chain, sizeof chain);
	return cam_fail(why, t == CAM_AUTH || t == CAM_LOCKED ? CAMCA_EAUTH :
	    CAMCA_EPERM, t, "The camera refuses: %s%s%s.", chain,
	    text[0] != '\0' ? ": " : "", text);
}

/* The one element of the body; comments and white space beside it are fine. */
static const xmlNode *
soap_only_child(struct xml_in *in, const xmlNode *body)
{
	const xmlNode *n, *found = NULL;

	for (n = body != NULL ? body->children : NULL; n != NULL;
	    n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (found != NULL) {
			xml_bad(in, "has several elements", "Body");
			return NULL;
		}
		found = n;
	}
	if (found == NULL)
		xml_bad(in, "is missing or empty", "Body");
	return found;
}

int
soap_read(struct soap_answer *out, const struct buf *bytes, size_t max_bytes,
    const char *ns, const char *name, struct cam_why *why)
{
	struct xml_in in = { 0, why };
	const xmlNode *root, *n;
	xmlDoc *doc;
	int ret;

	memset(out, 0, sizeof *out);
	ret = xml_parse(&doc, bytes->data, bytes->len, max_bytes, why);
	if (ret < 0)
		return ret;
	root = xmlDocGetRootElement(doc);
	if (!xml_is(root, NS_ENV, "Envelope"))
		xml_bad(&in, "is not a SOAP 1.2 envelope", "the document");
	n = soap_only_child(&in, xml_one(&in, root, NS_ENV, "Body", true));
	if (n != NULL && xml_is(n, NS_ENV, "Fault"))
		in.err = soap_fault(n, why);
	else if (n != NULL && !xml_is(n, ns, name))
		xml_bad(&in, "is missing", name);
	if (in.err < 0) {
		xmlFreeDoc(doc);
		return in.err;
	}
	out->doc = doc;
	out->body = n;
	return CAMCA_OK;
}

void
soap_answer_fini(struct soap_answer *a)
{
	xmlFreeDoc(a->doc);
	memset(a, 0, sizeof *a);
}
