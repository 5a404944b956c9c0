/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/fake-camera/spoil.h"

/* Set before the first thread, constant from then on but the counter. */
static struct {
	int64_t boot_ms;
	const char *dir;
	atomic_uint written;
} spoil = { .boot_ms = 500 };

void
spoil_setup(int64_t boot_ms, const char *dir)
{
	spoil.boot_ms = boot_ms;
	spoil.dir = dir;
}

int64_t
spoil_boot_ms(void)
{
	return spoil.boot_ms;
}

static void
spoil_power(struct camera *cam, struct soap_answer *out)
{
	out->drop = true;
	out->cut = true;
	out->off_ms = fault_value(cam, CF_POWER_CUT);
}

bool
spoil_before(struct camera *cam, const char *op, struct soap_answer *out)
{
	if (fault_hit(cam, CF_FACTORY_RESET, op)) {
		camera_reset(cam, false);
		out->drop = true;
		return false;
	}
	if (!cam->faults[CF_POWER_CUT].after_change &&
	    fault_hit(cam, CF_POWER_CUT, op)) {
		spoil_power(cam, out);
		return false;
	}
	if (fault_hit(cam, CF_DROP_BEFORE, op)) {
		out->drop = true;
		return false;
	}
	return true;
}

void
spoil_after(struct camera *cam, const char *op, struct soap_answer *out)
{
	if (fault_hit(cam, CF_DROP_AFTER, op))
		out->drop = true;
	if (cam->faults[CF_POWER_CUT].after_change &&
	    fault_hit(cam, CF_POWER_CUT, op))
		spoil_power(cam, out);
}

/* The body's child of an answer, to where a schema can look at it. */
static void
spoil_write(unsigned n, const char *op, const char *what, const char *text)
{
	char name[600];
	FILE *f;

	snprintf(name, sizeof name, "%s/%06u-%s-%s.xml", spoil.dir, n, op,
	    what);
	if ((f = fopen(name, "w")) == NULL)
		return;
	fputs(text, f);
	fclose(f);
}

static void
spoil_record(struct camera *cam, const xmlNode *request, bool tls,
    const struct soap_answer *out)
{
	const char *op = request != NULL ? (const char *)request->name : "-";
	xmlChar *asked, *given = NULL;
	xmlDoc *doc;
	const xmlNode *n;
	unsigned number;

	if (spoil.dir == NULL && cam->kept == NULL)
		return;
	asked = request != NULL ? xml_alone(request) : NULL;
	doc = xml_parse(buf_str(&out->body.b), out->body.b.len);
	n = doc != NULL ? xml_first(xml_first(xmlDocGetRootElement(doc))) :
	    NULL;
	if (n != NULL)
		given = xml_alone(n);
	camera_remember(cam, op, asked != NULL ? (char *)asked : "",
	    given != NULL ? (char *)given : "", out->drop ? 0 : out->status,
	    tls);
	if (spoil.dir != NULL && asked != NULL && strpbrk(op, "/.") == NULL) {
		number = atomic_fetch_add(&spoil.written, 1);
		spoil_write(number, op, "request", (char *)asked);
		if (given != NULL)
			spoil_write(number, op, xml_is(n, NS_ENV, "Fault") ?
			    "fault" : "response", (char *)given);
	}
	xmlFree(asked);
	xmlFree(given);
	xmlFreeDoc(doc);
}

/* Each child of the operation's element a second time beside the first. */
static void
spoil_twice(struct soap_answer *out)
{
	xmlDoc *doc = xml_parse(buf_str(&out->body.b), out->body.b.len);
	xmlNode *n, *next, *copy;
	xmlChar *text = NULL;
	int len = 0;

	if (doc == NULL)
		return;
	n = xml_first(xml_first(xml_first(xmlDocGetRootElement(doc))));
	for (; n != NULL; n = next) {
		next = xml_next(n);
		if ((copy = xmlCopyNode(n, 1)) != NULL)
			xmlAddNextSibling(n, copy);
	}
	xmlDocDumpMemoryEnc(doc, &text, &len, "UTF-8");
	buf_reset(&out->body.b);
	if (text != NULL)
		xo_puts(&out->body, (char *)text);
	xmlFree(text);
	xmlFreeDoc(doc);
}

/* NS_TDS and its like are followed by a quote each time they are declared. */
static void
spoil_namespace(struct soap_answer *out)
{
	char *p = (char *)out->body.b.data;

	if (p == NULL)
		return;
	while ((p = strstr(p, "www.onvif.org/ver10/")) != NULL)
		memcpy(p + 4, "nobdy", 5);
}

static void
spoil_huge(struct soap_answer *out, int64_t size)
{
	static const char filler[] = "<!-- padding padding padding padding "
	    "padding padding padding padding padding padding -->\n";
	struct xo old = out->body;
	const char *s = buf_str(&old.b), *tail;

	xo_init(&out->body);
	tail = strstr(s, "</env:Body>");
	if (tail == NULL)
		tail = s + old.b.len;
	if (out->body.err == 0)
		out->body.err = buf_put(&out->body.b, s, (size_t)(tail - s));
	while (out->body.err == 0 && (int64_t)out->body.b.len < size)
		xo_puts(&out->body, filler);
	xo_puts(&out->body, tail);
	xo_fini(&old);
}

void
spoil_answer(struct camera *cam, const xmlNode *request, bool tls,
    struct soap_answer *out)
{
	const char *op = request != NULL ? (const char *)request->name : NULL;
	char *p;

	spoil_record(cam, request, tls, out);
	if (fault_hit(cam, CF_SLOW, op))
		out->slow_ms = fault_value(cam, CF_SLOW);
	if (fault_hit(cam, CF_DUPLICATE_ELEMENTS, op))
		spoil_twice(out);
	if (fault_hit(cam, CF_WRONG_NS, op))
		spoil_namespace(out);
	if (fault_hit(cam, CF_HUGE, op))
		spoil_huge(out, fault_value(cam, CF_HUGE));
	if (fault_hit(cam, CF_MALFORMED, op) && out->body.b.len > 0) {
		p = strstr((char *)out->body.b.data, "</env:Body>");
		if (p != NULL)
			memcpy(p, "</env:Bodx>", 11);
	}
	if (fault_hit(cam, CF_TRUNCATED, op))
		out->truncate = true;
}
