/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/qr.h"

#include <errno.h>
#include <qrencode.h>

#define QR_QUIET 4

/* Dark runs of one row as path commands: far smaller than a square a module. */
static int
qr_row(struct buf *out, const QRcode *q, int y)
{
	const unsigned char *row = q->data + y * q->width;
	int x, start, ret;

	for (x = 0; x < q->width; x++) {
		if (!(row[x] & 1))
			continue;
		for (start = x; x < q->width && (row[x] & 1); x++)
			;
		ret = buf_printf(out, "M%d %dh%dv1h-%dz", start + QR_QUIET,
		    y + QR_QUIET, x - start, x - start);
		if (ret < 0)
			return ret;
	}
	return CAMCA_OK;
}

int
qr_svg(struct buf *out, const char *text)
{
	QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	int y, side, ret;

	if (q == NULL)
		return errno == ENOMEM ? CAMCA_ENOMEM : CAMCA_ELIMIT;
	side = q->width + 2 * QR_QUIET;
	ret = buf_printf(out, "<svg class=\"qr\" viewBox=\"0 0 %d %d\" "
	    "shape-rendering=\"crispEdges\" role=\"img\" "
	    "aria-label=\"QR\"><path d=\"", side, side);
	for (y = 0; y < q->width && ret == CAMCA_OK; y++)
		ret = qr_row(out, q, y);
	if (ret == CAMCA_OK)
		ret = buf_puts(out, "\"/></svg>");
	QRcode_free(q);
	return ret;
}
