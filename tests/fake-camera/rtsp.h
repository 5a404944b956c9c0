/* SPDX-License-Identifier: Apache-2.0 */
/* The video door: RTSP/1.0 (RFC 2326) as far as its login goes. */
#ifndef FAKE_RTSP_H
#define FAKE_RTSP_H

#include "tests/fake-camera/camera.h"
#include "tests/fake-camera/http.h"

/* Answers one request of the connection l, which is marked as RTSP, so late.
 * True where another may follow. */
bool rtsp_turn(struct camera *cam, struct http_link *l, int64_t latency_ms);

#endif
