/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enroll/onvif/discovery.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/xml.h"

#define MATCH(disco, addr, id, more) \
	"<s:Envelope xmlns:s=\"" NS_ENV "\" xmlns:a=\"" addr "\" xmlns:d=\"" \
	disco "\"><s:Header><a:RelatesTo>" id "</a:RelatesTo></s:Header>" \
	"<s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference>" \
	"<a:Address>urn:uuid:1</a:Address></a:EndpointReference><d:Types>x" \
	"</d:Types><d:Scopes>onvif://www.onvif.org/name/Cam%20One\n" \
	"onvif://www.onvif.org/MacAddress/02:00 onvif://www.onvif.org/Profile/T" \
	"</d:Scopes><d:XAddrs>http://10.0.0.1/onvif</d:XAddrs>" \
	"</d:ProbeMatch>" more "</d:ProbeMatches></s:Body></s:Envelope>"
#define OLD(id, more) MATCH(NS_DISCO_2005, NS_ADDR_2004, id, more)

static const char *const ids[] = { "urn:uuid:a", "urn:uuid:b" };

static int
take(struct discovery *d, const char *text, const char *from)
{
	return discovery_read(d, text, strlen(text), from, ids, 2);
}

static void
test_match(void **state)
{
	struct discovery d = { NULL, 0, 0 };

	(void)state;
	assert_int_equal(take(&d, OLD("urn:uuid:a", ""), "10.0.0.1"),
	    CAMCA_OK);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.v[0].endpoint, "urn:uuid:1");
	assert_string_equal(d.v[0].name, "Cam One");
	assert_string_equal(d.v[0].mac, "02:00");
	assert_string_equal(d.v[0].hardware, "");
	assert_string_equal(d.v[0].xaddrs, "http://10.0.0.1/onvif");
	/* The same again; the other dialect; the same from elsewhere. */
	assert_int_equal(take(&d, OLD("urn:uuid:b", ""), "10.0.0.1"),
	    CAMCA_OK);
	assert_int_equal(take(&d, MATCH(NS_DISCO_2009, NS_ADDR_2005,
	    "urn:uuid:a", ""), "10.0.0.1"), CAMCA_OK);
	assert_int_equal(d.n, 1);
	assert_int_equal(take(&d, OLD("urn:uuid:a", ""), "10.0.0.2"),
	    CAMCA_OK);
	assert_int_equal(d.n, 2);
	discovery_fini(&d);
}

static void
test_no_match(void **state)
{
	static const char good[] = OLD("urn:uuid:a", "");
	struct discovery d = { NULL, 0, 0 };
	char bent[sizeof good];
	size_t i;

	(void)state;
	/* Nobody has asked so; dialects mixed; a match without a name. */
	assert_int_equal(take(&d, OLD("urn:uuid:c", ""), "h"), CAMCA_EPROTO);
	assert_int_equal(take(&d, MATCH(NS_DISCO_2009, NS_ADDR_2004,
	    "urn:uuid:a", ""), "h"), CAMCA_EPROTO);
	assert_int_equal(take(&d, OLD("urn:uuid:a", "<d:ProbeMatch/>"), "h"),
	    CAMCA_EPROTO);
	discovery_fini(&d);
	assert_int_equal(take(&d, "", "h"), CAMCA_EPROTO);
	for (i = 0; i < sizeof good - 1; i++) {
		assert_int_not_equal(discovery_read(&d, good, i, "h", ids, 2),
		    CAMCA_OK);
		memcpy(bent, good, sizeof good);
		bent[i] = (char)(bent[i] ^ 0x20);
		(void)!discovery_read(&d, bent, sizeof good - 1, "h", ids, 2);
	}
	discovery_fini(&d);
}

static void
test_probe(void **state)
{
	static const char *const parts[] = { NS_DISCO_2005 "/Probe<",
	    NS_DISCO_2009 "/Probe<", "dn:NetworkVideoTransmitter",
	    "tds:Device" };
	struct cam_why why;
	struct xml_out w;
	xmlDoc *doc;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		xml_out_init(&w);
		assert_int_equal(discovery_probe_write(&w, (i & 1) != 0,
		    (i & 2) != 0, "urn:uuid:x"), CAMCA_OK);
		assert_non_null(strstr(buf_str(&w.b), parts[i & 1]));
		assert_non_null(strstr(buf_str(&w.b), parts[i & 2 ? 2 : 3]));
		assert_int_equal(xml_parse(&doc, w.b.data, w.b.len, 4096,
		    &why), CAMCA_OK);
		xmlFreeDoc(doc);
		xml_out_fini(&w);
	}
}

/* ---- on the loopback, where each Probe gets one answer and some noise ---- */

static void *
camera_thread(void *arg)
{
	int fd = *(const int *)arg, i;
	char bytes[4096], id[64], answer[2048];
	struct pollfd p = { fd, POLLIN, 0 };
	static const char text[] = OLD("#", "");
	char before[sizeof text];
	struct sockaddr_storage from;
	socklen_t len;
	const char *s;
	ssize_t n;

	snprintf(before, sizeof before, "%.*s", (int)strcspn(text, "#"),
	    text);
	for (i = 0; i < 4 && poll(&p, 1, 10000) > 0; i++) {
		len = sizeof from;
		n = recvfrom(fd, bytes, sizeof bytes - 1, 0,
		    (struct sockaddr *)&from, &len);
		bytes[n > 0 ? n : 0] = '\0';
		s = strstr(bytes, "urn:uuid:");
		snprintf(id, sizeof id, "%.45s", s != NULL ? s : "");
		snprintf(answer, sizeof answer, "%s%s%s", before, id,
		    strchr(text, '#') + 1);
		sendto(fd, answer, strlen(answer), 0,
		    (const struct sockaddr *)&from, len);
		sendto(fd, "noise", 5, 0, (const struct sockaddr *)&from,
		    len);
	}
	return NULL;
}

/* A camera behind fd, asked as told. */
static void
run_at(int fd, struct discovery_ask *ask, const char *from)
{
	struct discovery d;
	struct cam_why why;
	pthread_t thread;

	ask->ctx = &camca_ctx_system;
	ask->listen_ms = 300;
	assert_int_equal(pthread_create(&thread, NULL, camera_thread, &fd),
	    0);
	assert_int_equal(discovery_run(ask, &d, &why), CAMCA_OK);
	pthread_join(thread, NULL);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.v[0].from, from);
	assert_true(d.refused >= 1);
	discovery_fini(&d);
}

static void
test_run(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct discovery_ask ask = { .group = "127.0.0.1" };
	socklen_t len = sizeof a;
	struct discovery d;
	struct cam_why why;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	ask.port = ntohs(a.sin_port);
	run_at(fd, &ask, "127.0.0.1");
	close(fd);
	ask.group = "not an address";
	assert_int_equal(discovery_run(&ask, &d, &why), CAMCA_EINVAL);
	ask.group = "not:an:address";
	assert_int_equal(discovery_run(&ask, &d, &why), CAMCA_EINVAL);
	ask.group = DISCOVERY_GROUP6;
	ask.interface = "no-such0";
	assert_int_equal(discovery_run(&ask, &d, &why), CAMCA_EINVAL);
}

/* IPv6, at one address: loopback has no groups. */
static void
test_run6(void **state)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct discovery_ask ask = { .group = "::1" };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
		skip();                   /* a machine without IPv6 */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	ask.port = ntohs(a.sin6_port);
	run_at(fd, &ask, "::1");
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_no_match),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_run6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
