/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a login opens a camera's video, asked as a player would: one
 * DESCRIBE (RFC 2326 10.2, RFC 7826 13.2), over a plain socket, and nothing is
 * ever played. The password goes as HTTP Digest only: RTSP has no TLS here. */
#ifndef CAMCA_ONVIF_RTSP_H
#define CAMCA_ONVIF_RTSP_H

#include "enroll/onvif/camera.h"

#define RTSP_HEAD_MAX 16384u
#define RTSP_BODY_MAX 65536u
#define RTSP_FIELDS_MAX 64u

struct rtsp_reply {
	int major, status;
	int64_t cseq;                /* -1: not told */
	size_t body_len;             /* that follows the head */
	bool close;                  /* the camera ends the connection */
	struct buf offers;           /* WWW-Authenticate values, one a line */
};

void rtsp_reply_fini(struct rtsp_reply *r);
/* Reads the head of a reply, with the empty line that ends it; out is for
 * rtsp_reply_fini in any case. CAMCA_EPROTO for what is no reply of RTSP,
 * CAMCA_ELIMIT past the limits above, CAMCA_ENOMEM. */
CAMCA_MUST int rtsp_reply_read(struct rtsp_reply *out, const char *head,
    size_t len);

/* One attempt to log in as l at rtsp://host:port/path (path from '/'). As the
 * login of driver.h: CAMCA_OK, it works; CAMCA_EAUTH with CAM_AUTH, it does
 * not; CAM_UNSUPPORTED where nobody listens, nobody is asked for a login, or
 * the password is wanted in clear. Counts what the camera may have counted,
 * also where its answer was lost. */
CAMCA_MUST int onvif_rtsp_login(struct camera *c, uint16_t port,
    const char *path, const struct onvif_login *l, struct cam_why *why);

#endif
