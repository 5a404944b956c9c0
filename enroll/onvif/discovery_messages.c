/* SPDX-License-Identifier: Apache-2.0 */
/* Probe and ProbeMatches, in the dialect that ONVIF names (April 2005) and in
 * that of OASIS (2009), which some cameras answer in. */
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/discovery.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/xml.h"

#define DATAGRAM_MAX 65536u
#define SCOPES_MAX 4096
#define SCOPE_ROOT "onvif://www.onvif.org/"

struct dialect {
	const char *disco;
	const char *addressing;
	const char *to;
};

static const struct dialect discovery_dialects[2] = {
	{ NS_DISCO_2005, NS_ADDR_2004,
	    "urn:schemas-xmlsoap-org:ws:2005:04:discovery" },
	{ NS_DISCO_2009, NS_ADDR_2005,
	    "urn:docs-oasis-open-org:ws-dd:ns:discovery:2009:01" },
};

int
discovery_probe_write(struct xml_out *w, bool oasis, bool old_type,
    const char *id)
{
	const struct dialect *d = &discovery_dialects[oasis ? 1 : 0];
	char action[128];

	memcpy(action, d->disco, strlen(d->disco) + 1);
	memcpy(action + strlen(d->disco), "/Probe", sizeof "/Probe");
	xml_open(w, "env:Envelope");
	xml_put_attr(w, "xmlns:env", NS_ENV);
	xml_put_attr(w, "xmlns:wsa", d->addressing);
	xml_put_attr(w, "xmlns:d", d->disco);
	xml_put_attr(w, "xmlns:dn", NS_DN);
	xml_put_attr(w, "xmlns:tds", NS_TDS);
	xml_open(w, "env:Header");
	xml_put(w, "wsa:Action", action);
	xml_put(w, "wsa:MessageID", id);
	xml_put(w, "wsa:To", d->to);
	xml_close(w);
	xml_open(w, "env:Body");
	xml_open(w, "d:Probe");
	xml_put(w, "d:Types", old_type ? "dn:NetworkVideoTransmitter" :
	    "tds:Device");
	xml_close(w);
	xml_close(w);
	xml_close(w);
	return xml_out_end(w);
}

/* %41 in scopes; what is not hex stays. */
static void
discovery_unescape(char *s)
{
	char *out = s, hex[3] = "", *end;
	long c;

	for (; *s != '\0'; s++) {
		if (s[0] == '%' && s[1] != '\0' && s[2] != '\0') {
			hex[0] = s[1];
			hex[1] = s[2];
			c = strtol(hex, &end, 16);
			if (*end == '\0' && c >= 0x20 && c < 0x7f) {
				*out++ = (char)c;
				s += 2;
				continue;
			}
		}
		*out++ = *s;
	}
	*out = '\0';
}

/* The first scope "onvif://www.onvif.org/KIND/value". */
static void
discovery_scope(const char *scopes, const char *kind, char *out,
    size_t out_len)
{
	size_t root = sizeof SCOPE_ROOT - 1, k = strlen(kind), n;
	const char *s = scopes;

	for (; *s != '\0'; s += n) {
		s += strspn(s, " \t\r\n");
		n = strcspn(s, " \t\r\n");
		if (n <= root + k + 1 || strncmp(s, SCOPE_ROOT, root) != 0 ||
		    strncmp(s + root, kind, k) != 0 || s[root + k] != '/')
			continue;
		s += root + k + 1;
		n -= root + k + 1;
		if (n >= out_len)
			n = out_len - 1;
		memcpy(out, s, n);
		out[n] = '\0';
		discovery_unescape(out);
		return;
	}
}

static void
discovery_match(struct xml_in *in, const xmlNode *m, const struct dialect *d,
    struct discovery_hit *h)
{
	const xmlNode *ref = xml_one(in, m, d->addressing,
	    "EndpointReference", true);
	char scopes[SCOPES_MAX];

	xml_string(in, ref, d->addressing, "Address", h->endpoint,
	    sizeof h->endpoint, XML_NEED | XML_CUT);
	xml_string(in, m, d->disco, "XAddrs", h->xaddrs, sizeof h->xaddrs,
	    XML_CUT);
	/* MetadataVersion is compulsory and missing in real cameras. */
	xml_string(in, m, d->disco, "Scopes", scopes, sizeof scopes, XML_CUT);
	discovery_scope(scopes, "name", h->name, sizeof h->name);
	discovery_scope(scopes, "hardware", h->hardware, sizeof h->hardware);
	discovery_scope(scopes, "MacAddress", h->mac, sizeof h->mac);
	discovery_scope(scopes, "SerialNumber", h->serial, sizeof h->serial);
}

static int
discovery_add(struct discovery *d, const struct discovery_hit *h)
{
	struct discovery_hit *more;
	size_t i;

	for (i = 0; i < d->n; i++)
		if (strcmp(d->v[i].endpoint, h->endpoint) == 0 &&
		    strcmp(d->v[i].from, h->from) == 0)
			return CAMCA_OK;
	if (d->n == DISCOVERY_HITS_MAX)
		return CAMCA_ELIMIT;
	more = reallocarray(d->v, d->n + 1, sizeof *more);
	if (more == NULL)
		return CAMCA_ENOMEM;
	more[d->n++] = *h;
	d->v = more;
	return CAMCA_OK;
}

static bool
discovery_is_ours(struct xml_in *in, const xmlNode *header,
    const struct dialect *d, const char *const *ids, size_t ids_n)
{
	char relates[CAM_WORD_MAX];
	size_t i;

	xml_string(in, header, d->addressing, "RelatesTo", relates,
	    sizeof relates, XML_NEED | XML_CUT);
	for (i = 0; in->err == 0 && i < ids_n; i++)
		if (strcmp(relates, ids[i]) == 0)
			return true;
	return false;
}

static int
discovery_read_as(struct discovery *d, const xmlNode *root,
    const struct dialect *dialect, const char *from, const char *const *ids,
    size_t ids_n)
{
	struct xml_in in = { 0, NULL };
	const xmlNode *header = xml_one(&in, root, NS_ENV, "Header", true);
	const xmlNode *body = xml_one(&in, root, NS_ENV, "Body", true);
	const xmlNode *matches = xml_one(&in, body, dialect->disco,
	    "ProbeMatches", true);
	struct discovery_hit h;
	const xmlNode *m = NULL;
	int ret = CAMCA_OK;

	if (in.err < 0 || !discovery_is_ours(&in, header, dialect, ids,
	    ids_n))
		return CAMCA_EPROTO;
	while (ret == CAMCA_OK && (m = xml_each(matches, m, dialect->disco,
	    "ProbeMatch")) != NULL) {
		memset(&h, 0, sizeof h);
		strncpy(h.from, from, sizeof h.from - 1);
		discovery_match(&in, m, dialect, &h);
		ret = in.err < 0 ? in.err : discovery_add(d, &h);
	}
	return ret;
}

int
discovery_read(struct discovery *d, const void *p, size_t n,
    const char *from, const char *const *ids, size_t ids_n)
{
	const xmlNode *root;
	xmlDoc *doc;
	int ret = xml_parse(&doc, p, n, DATAGRAM_MAX, NULL);

	if (ret < 0)
		return ret;
	root = xmlDocGetRootElement(doc);
	ret = CAMCA_EPROTO;
	if (xml_is(root, NS_ENV, "Envelope")) {
		ret = discovery_read_as(d, root, &discovery_dialects[0], from,
		    ids, ids_n);
		if (ret == CAMCA_EPROTO)
			ret = discovery_read_as(d, root,
			    &discovery_dialects[1], from, ids, ids_n);
	}
	xmlFreeDoc(doc);
	return ret;
}

void
discovery_fini(struct discovery *d)
{
	free(d->v);
	memset(d, 0, sizeof *d);
}
