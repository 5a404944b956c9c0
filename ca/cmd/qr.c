/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/qr.h"

#include <errno.h>
#include <qrencode.h>

#define QR_QUIET 4

/* Dark runs of one row, drawn with a pen as wide as a module, each move
 * relative to the end of the last: a third of what squares would take. */
static int
qr_row(struct buf *out, const QRcode *q, int y)
{
	const unsigned char *row = q->data + y * q->width;
	int x, start, end = -1, ret;

	for (x = 0; x < q->width; x++) {
		if (!(row[x] & 1))
			continue;
		for (start = x; x < q->width && (row[x] & 1); x++)
			;
		if (end < 0)
			ret = buf_printf(out, "M%d %dh%d", start, y, x - start);
		else
			ret = buf_printf(out, "m%d 0h%d", start - end,
			    x - start);
		if (ret < 0)
			return ret;
		end = x;
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
	/* Half a module up: the pen's middle runs along whole numbers. */
	ret = buf_printf(out, "<svg class=\"qr\" viewBox=\"-%d -%d.5 %d %d\" "
	    "shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"QR\">"
	    "<path fill=\"none\" stroke=\"#000\" d=\"", QR_QUIET, QR_QUIET,
	    side, side);
	for (y = 0; y < q->width && ret == CAMCA_OK; y++)
		ret = qr_row(out, q, y);
	if (ret == CAMCA_OK)
		ret = buf_puts(out, "\"/></svg>");
	QRcode_free(q);
	return ret;
}
