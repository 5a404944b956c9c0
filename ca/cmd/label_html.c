/* SPDX-License-Identifier: Apache-2.0 */
/* The page of labels. It is opened on machines of installers, maybe from a
 * mail: nothing in it is loaded from elsewhere, and its policy forbids that. */
#include <stdio.h>
#include <string.h>

#include "ca/cmd/label.h"
#include "ca/cmd/qr.h"

static const char label_style[] =
    "@page{size:A4;margin:8mm}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;font:8pt/1.15 'DejaVu Sans',Arial,sans-serif;"
    "color:#000;background:#fff}\n"
    "header{padding:0 1mm 2mm;font-size:7.5pt}\n"
    "header h1{margin:0 0 1mm;font-size:12pt}\n"
    "main{display:grid;grid-template-columns:repeat(3,1fr);gap:3mm}\n"
    ".label{border:.3mm solid #000;border-radius:2mm;padding:2mm 2.5mm;"
    "break-inside:avoid;page-break-inside:avoid;overflow:hidden}\n"
    ".label h2{margin:0 0 1mm;font-size:11pt;overflow-wrap:anywhere}\n"
    ".qr{display:block;width:34mm;height:34mm;margin:0 auto}\n"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.2mm 1.5mm;"
    "margin:1mm 0}\n"
    "dt{color:#444;font-size:7pt}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    ".secret{margin:1mm 0;padding:1mm;border:.2mm dashed #000;"
    "font:bold 11pt 'DejaVu Sans Mono',monospace;text-align:center;"
    "overflow-wrap:anywhere}\n"
    ".secret span{white-space:nowrap}\n"
    ".how{margin:.4mm 0 0;font-size:6pt}\n";

/* Appends text with & < > " ' escaped, for HTML text and attributes. */
static int
label_escape(struct buf *out, const char *s)
{
	static const struct {
		char c;
		const char *text;
	} marks[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
	    { '"', "&quot;" }, { '\'', "&#39;" } };
	size_t i, n = sizeof marks / sizeof marks[0];
	int ret = CAMCA_OK;

	for (; *s != '\0' && ret == CAMCA_OK; s++) {
		for (i = 0; i < n && marks[i].c != *s; i++)
			;
		ret = i < n ? buf_puts(out, marks[i].text) :
		    buf_putc(out, (uint8_t)*s);
	}
	return ret;
}

int
label_html_head(struct buf *out, const char *url, const char *root,
    const char *printed)
{
	int ret;

	if ((ret = buf_printf(out,
	    "<!DOCTYPE html>\n<html lang=\"vi\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" "
	    "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n"
	    "<title>Nhãn thiết bị – Device labels</title>\n"
	    "<style>\n%s</style>\n</head>\n<body>\n<header>\n"
	    "<h1>Nhãn đăng ký thiết bị <span lang=\"en\">/ Device enrollment "
	    "labels</span></h1>\n<div>EST: ", label_style)) < 0 ||
	    (ret = label_escape(out, url)) < 0 ||
	    (ret = buf_puts(out, "</div>\n<div>Chứng thư gốc <span lang=\"en\">"
	    "/ Root certificate</span>: sha256:")) < 0 ||
	    (ret = label_escape(out, root)) < 0 ||
	    (ret = buf_puts(out, "</div>\n<div>In lúc <span lang=\"en\">"
	    "/ Made at</span> ")) < 0 ||
	    (ret = label_escape(out, printed)) < 0)
		return ret;
	return buf_puts(out, ". Trang này chứa mã bí mật: hãy giữ kín và hủy "
	    "sau khi dùng. <span lang=\"en\">This page holds secrets: keep it "
	    "safe and destroy it after use.</span></div>\n"
	    "</header>\n<main>\n");
}

/* <dt>Vietnamese / English</dt><dd>value</dd> */
static int
label_html_field(struct buf *out, const char *vi, const char *en,
    const char *value)
{
	int ret = buf_printf(out, "<dt>%s <span lang=\"en\">/ %s</span></dt>"
	    "<dd>", vi, en);

	if (ret == CAMCA_OK)
		ret = label_escape(out, value[0] != '\0' ? value : "–");
	return ret < 0 ? ret : buf_puts(out, "</dd>\n");
}

/* "2026-12-01T10:00:00.000Z" as "2026-12-01 10:00 UTC"; other texts as they
 * are. */
static int
label_html_expires(struct buf *out, const char *when)
{
	char text[64];
	size_t n = strlen(when);

	if (n >= 17 && n < 40 && when[10] == 'T' && when[n - 1] == 'Z')
		snprintf(text, sizeof text, "%.10s %.5s UTC", when, when + 11);
	else
		snprintf(text, sizeof text, "%.60s", when);
	return label_html_field(out, "Hết hạn", "Expires", text);
}

/* Four groups a line; each in a span, so that none is torn apart. */
static int
label_html_secret(struct buf *out, const char *secret)
{
	struct buf groups;
	const char *s;
	size_t n, k = 0;
	int ret;

	buf_init(&groups, 256);
	ret = label_group(&groups, secret);
	if (ret == CAMCA_OK)
		ret = buf_puts(out, "<div class=\"secret\">");
	for (s = buf_str(&groups); ret == CAMCA_OK && *s != '\0'; s += n, k++) {
		char group[8];

		n = strcspn(s, "-");
		n += s[n] == '-';
		snprintf(group, sizeof group, "%.*s", (int)n, s);
		if ((ret = buf_puts(out, k > 0 && k % 4 == 0 ? "<br><span>" :
		    "<span>")) == CAMCA_OK &&
		    (ret = label_escape(out, group)) == CAMCA_OK)
			ret = buf_puts(out, "</span>");
		explicit_bzero(group, sizeof group);
	}
	buf_cleanse(&groups);
	return ret < 0 ? ret : buf_puts(out, "</div>\n");
}

static int
label_html_qr(struct buf *out, const struct label *l)
{
	struct buf uri;
	int ret;

	buf_init(&uri, 4096);
	ret = label_uri(&uri, l);
	if (ret == CAMCA_OK)
		ret = qr_svg(out, buf_str(&uri));
	buf_cleanse(&uri);
	return ret < 0 ? ret : buf_putc(out, '\n');
}

int
label_html(struct buf *out, const struct label *l)
{
	int ret;

	if ((ret = buf_puts(out, "<section class=\"label\">\n<h2>")) < 0 ||
	    (ret = label_escape(out, l->device)) < 0 ||
	    (ret = buf_puts(out, "</h2>\n")) < 0 ||
	    (ret = label_html_qr(out, l)) < 0 ||
	    (ret = label_html_secret(out, l->secret)) < 0 ||
	    (ret = buf_puts(out, "<dl>\n")) < 0 ||
	    (ret = label_html_field(out, "Số sê-ri", "Serial",
	    l->serial)) < 0 ||
	    (ret = label_html_field(out, "Kiểu máy", "Model", l->model)) < 0 ||
	    (ret = label_html_field(out, "Địa điểm", "Site", l->site)) < 0 ||
	    (ret = label_html_expires(out, l->expires)) < 0)
		return ret;
	return buf_puts(out, "</dl>\n"
	    "<p class=\"how\">Quét mã QR bằng công cụ lắp đặt, hoặc nhập mã "
	    "trên vào thiết bị. Mã chỉ dùng được một lần. Hủy nhãn sau khi "
	    "đăng ký.</p>\n"
	    "<p class=\"how\" lang=\"en\">Scan with the installation tool, or "
	    "type the code into the device. It works once. Destroy this label "
	    "after enrollment.</p>\n</section>\n");
}

int
label_html_tail(struct buf *out)
{
	return buf_puts(out, "</main>\n</body>\n</html>\n");
}
