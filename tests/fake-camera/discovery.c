/* SPDX-License-Identifier: Apache-2.0 */
/* WS-Discovery of April 2005, which ONVIF refers to, and the OASIS edition of
 * 2009, in which some cameras answer. */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fake-camera/discovery.h"
#include "tests/fake-camera/soap.h"
#include "tests/fake-camera/xml.h"

#define DISCOVERY_GROUP "239.255.255.250"
#define DISCOVERY_GROUP6 "ff02::c"
#define DISCOVERY_MAX 4096       /* bytes of a probe */
#define NS_DN "http://www.onvif.org/ver10/network/wsdl"

/* The two editions. */
static const struct dialect { const char *d, *wsa; } dialects[] = {
	{ "http://schemas.xmlsoap.org/ws/2005/04/discovery",
	    "http://schemas.xmlsoap.org/ws/2004/08/addressing" },
	{ "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01", NS_WSA },
};

/* The context of this program. */
static struct {
	const struct fleet *fleet;
	pthread_t thread;
	atomic_bool stop;
	bool started;
	int fd;
} discovery = { .fd = -1 };

struct probe {
	const struct dialect *dialect;
	char id[200];            /* MessageID */
	bool wanted;             /* of a type that we are */
};

/* Types are QNames: what counts is the namespace of their prefixes. */
static bool
probe_type(const xmlNode *types, const char *word)
{
	const char *colon = strchr(word, ':');
	char prefix[32] = "";
	xmlNs *ns;

	if (colon != NULL)
		snprintf(prefix, sizeof prefix, "%.*s", (int)(colon - word),
		    word);
	ns = xmlSearchNs(types->doc, (xmlNode *)(uintptr_t)types,
	    colon != NULL ? (xmlChar *)prefix : NULL);
	word = colon != NULL ? colon + 1 : word;
	if (ns == NULL)
		return false;
	return (strcmp(word, "Device") == 0 && strcmp((char *)ns->href,
	    NS_TDS) == 0) || (strcmp(word, "NetworkVideoTransmitter") == 0 &&
	    strcmp((char *)ns->href, NS_DN) == 0);
}

/* All of the types asked for have to be ours; none asks for all. */
static bool
probe_types(const xmlNode *types)
{
	char text[512], word[128];
	const char *s = text;
	size_t n;

	if (types == NULL)
		return true;
	xml_text(types, text, sizeof text);
	for (;;) {
		s += strspn(s, " \t\r\n");
		if ((n = strcspn(s, " \t\r\n")) == 0)
			return true;
		snprintf(word, sizeof word, "%.*s", (int)n, s);
		if (!probe_type(types, word))
			return false;
		s += n;
	}
}

static bool
probe_header(const xmlNode *header, struct probe *p)
{
	const xmlNode *h;
	char action[200] = "", want[200];

	for (h = xml_first(header); h != NULL; h = xml_next(h)) {
		if (xml_is(h, p->dialect->wsa, "Action"))
			xml_text(h, action, sizeof action);
		if (xml_is(h, p->dialect->wsa, "MessageID") &&
		    !xml_text(h, p->id, sizeof p->id))
			return false;
	}
	snprintf(want, sizeof want, "%s/Probe", p->dialect->d);
	return p->id[0] != '\0' && strcmp(action, want) == 0;
}

static bool
probe_read(const xmlDoc *doc, struct probe *p)
{
	const xmlNode *env = xmlDocGetRootElement(doc);
	const xmlNode *header = xml_first(env), *body = xml_next(header);
	const xmlNode *probe = xml_first(body);
	size_t i;

	memset(p, 0, sizeof *p);
	if (!xml_is(env, NS_ENV, "Envelope") ||
	    !xml_is(header, NS_ENV, "Header") ||
	    !xml_is(body, NS_ENV, "Body"))
		return false;
	for (i = 0; i < 2; i++)
		if (xml_is(probe, dialects[i].d, "Probe"))
			p->dialect = &dialects[i];
	if (p->dialect == NULL || !probe_header(header, p))
		return false;
	/* Scopes are not looked at: no rehearsal asks for one. */
	p->wanted = probe_types(xml_child(probe, "Types"));
	return true;
}

static void
match_write(struct xo *x, struct camera *cam, const struct probe *p)
{
	bool v6 = strchr(cam->address, ':') != NULL;
	const struct persona *ps = cam->persona;

	xo_printf(x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	    "<env:Envelope xmlns:env=\"" NS_ENV "\" xmlns:wsa=\"%s\" "
	    "xmlns:d=\"%s\" xmlns:dn=\"" NS_DN "\" xmlns:tds=\"" NS_TDS
	    "\"><env:Header>", p->dialect->wsa, p->dialect->d);
	xo_printf(x, "<wsa:MessageID>urn:uuid:%08x-0000-4000-8000-%012x"
	    "</wsa:MessageID><wsa:RelatesTo>", cam->probes++, cam->number);
	xo_escape(x, p->id);
	xo_printf(x, "</wsa:RelatesTo><wsa:To>%s/%s</wsa:To><wsa:Action>"
	    "%s/ProbeMatches</wsa:Action></env:Header>", p->dialect->wsa,
	    p->dialect == dialects ? "role/anonymous" : "anonymous",
	    p->dialect->d);
	xo_printf(x, "<env:Body><d:ProbeMatches><d:ProbeMatch>"
	    "<wsa:EndpointReference><wsa:Address>%s</wsa:Address>"
	    "</wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter "
	    "tds:Device</d:Types><d:Scopes>onvif://www.onvif.org/hardware/%s "
	    "onvif://www.onvif.org/name/%s "
	    "onvif://www.onvif.org/MacAddress/%s</d:Scopes>"
	    "<d:XAddrs>http://%s%s%s:%u" PATH_DEVICE "</d:XAddrs>", cam->guid,
	    ps->model, cam->serial, cam->mac, v6 ? "[" : "", cam->address,
	    v6 ? "]" : "", cam->http_port);
	/* Small cameras leave it out, and are missed by strict clients. */
	if (!ps->old_spelling)
		xo_int(x, "d:MetadataVersion", 1);
	xo_puts(x, "</d:ProbeMatch></d:ProbeMatches></env:Body>"
	    "</env:Envelope>");
}

/* lateclock speaks the edition of 2009, the others that of 2005. */
static bool
match_due(const struct camera *cam, const struct probe *p)
{
	bool late = !cam->persona->md5 && !cam->persona->sha256;

	return !cam->off && cam->discoverable && p->wanted &&
	    (p->dialect == dialects) != late;
}

static void
discovery_answer(const struct probe *p, const struct sockaddr *to,
    socklen_t len)
{
	struct camera *cam;
	struct xo x;
	unsigned i;
	bool due;

	for (i = 0; i < discovery.fleet->n; i++) {
		cam = discovery.fleet->cam[i];
		xo_init(&x);
		pthread_mutex_lock(&cam->lock);
		if ((due = match_due(cam, p)))
			match_write(&x, cam, p);
		pthread_mutex_unlock(&cam->lock);
		if (due && x.err == 0)
			(void)sendto(discovery.fd, x.b.data, x.b.len, 0, to,
			    len);
		xo_fini(&x);
	}
}

static void *
discovery_run(void *arg)
{
	struct pollfd pfd = { .fd = discovery.fd, .events = POLLIN };
	struct sockaddr_storage from;
	socklen_t len;
	char text[DISCOVERY_MAX];
	struct probe p;
	xmlDoc *doc;
	ssize_t n;

	(void)arg;
	while (!atomic_load(&discovery.stop)) {
		if (poll(&pfd, 1, 50) <= 0)
			continue;
		len = sizeof from;
		n = recvfrom(discovery.fd, text, sizeof text, 0,
		    (struct sockaddr *)&from, &len);
		doc = n > 0 ? xml_parse(text, (size_t)n) : NULL;
		if (doc != NULL && probe_read(doc, &p))
			discovery_answer(&p, (struct sockaddr *)&from, len);
		xmlFreeDoc(doc);
	}
	return NULL;
}

/* Bound to all addresses: else no datagram to the group arrives. */
static int
discovery_bind(sa_family_t family, const void *any, socklen_t len)
{
	int one = 1;

	discovery.fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (discovery.fd < 0)
		return CAMCA_EIO;
	setsockopt(discovery.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	return bind(discovery.fd, any, len) == 0 ? CAMCA_OK : CAMCA_EIO;
}

static int
discovery_open4(const char *address, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(*port) };
	struct ip_mreq group;
	socklen_t len = sizeof sin;

	memset(&group, 0, sizeof group);
	if (inet_pton(AF_INET, address, &group.imr_interface) != 1 ||
	    inet_pton(AF_INET, DISCOVERY_GROUP, &group.imr_multiaddr) != 1 ||
	    discovery_bind(AF_INET, &sin, len) < 0 ||
	    getsockname(discovery.fd, (struct sockaddr *)&sin, &len) != 0)
		return CAMCA_EIO;
	*port = ntohs(sin.sin_port);
	(void)setsockopt(discovery.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group,
	    sizeof group);
	return CAMCA_OK;
}

/* The group of each link: an address does not tell its own. */
static int
discovery_open6(uint16_t *port)
{
	struct sockaddr_in6 sin = { .sin6_family = AF_INET6,
	    .sin6_port = htons(*port) };
	struct if_nameindex *list, *i;
	struct ipv6_mreq group;
	socklen_t len = sizeof sin;

	if (inet_pton(AF_INET6, DISCOVERY_GROUP6, &group.ipv6mr_multiaddr) !=
	    1 || discovery_bind(AF_INET6, &sin, len) < 0 ||
	    getsockname(discovery.fd, (struct sockaddr *)&sin, &len) != 0)
		return CAMCA_EIO;
	*port = ntohs(sin.sin6_port);
	list = if_nameindex();
	for (i = list; i != NULL && i->if_index != 0; i++) {
		group.ipv6mr_interface = i->if_index;
		(void)setsockopt(discovery.fd, IPPROTO_IPV6, IPV6_JOIN_GROUP,
		    &group, sizeof group);
	}
	if (list != NULL)
		if_freenameindex(list);
	return CAMCA_OK;
}

int
discovery_start(const struct fleet *fleet, uint16_t *port)
{
	bool v6 = strchr(fleet->address, ':') != NULL;

	discovery.fleet = fleet;
	if ((v6 ? discovery_open6(port) : discovery_open4(fleet->address,
	    port)) < 0)
		return CAMCA_EIO;
	if (pthread_create(&discovery.thread, NULL, discovery_run, NULL) != 0)
		return CAMCA_ENOMEM;
	discovery.started = true;
	return CAMCA_OK;
}

void
discovery_stop(void)
{
	atomic_store(&discovery.stop, true);
	if (discovery.started)
		pthread_join(discovery.thread, NULL);
	if (discovery.fd >= 0)
		close(discovery.fd);
}
