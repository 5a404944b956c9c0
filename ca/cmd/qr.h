/* SPDX-License-Identifier: Apache-2.0 */
/* QR codes (ISO/IEC 18004) as inline SVG. */
#ifndef CAMCA_CMD_QR_H
#define CAMCA_CMD_QR_H

#include "ca/base/buf.h"

/* Appends an <svg> of the text, error correction M (a label gets scratched),
 * with the quiet zone of 4 modules. CAMCA_ELIMIT where the text does not fit a
 * QR code, CAMCA_ENOMEM. */
CAMCA_MUST int qr_svg(struct buf *out, const char *text);

#endif
