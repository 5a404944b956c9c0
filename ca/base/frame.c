/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "ca/base/mono.h"

static void
frame_header(uint8_t h[static 4], size_t n)
{
	h[0] = (uint8_t)(n >> 24);
	h[1] = (uint8_t)(n >> 16);
	h[2] = (uint8_t)(n >> 8);
	h[3] = (uint8_t)n;
}

static size_t
frame_length(const uint8_t h[static 4])
{
	return (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 |
	    (size_t)h[3];
}

int
frame_peek(const struct buf *in, const uint8_t **payload, size_t *n)
{
	size_t len;

	if (in->len < 4)
		return 0;
	len = frame_length(in->data);
	if (len == 0 || len > FRAME_MAX)
		return CAMCA_ELIMIT;
	if (in->len - 4 < len)
		return 0;
	*payload = in->data + 4;
	*n = len;
	return 1;
}

int
frame_write(int fd, const void *p, size_t n)
{
	uint8_t h[4];
	struct iovec iov[2] = { { h, 4 }, { (void *)(uintptr_t)p, n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t w;
	size_t k;

	if (n == 0 || n > FRAME_MAX)
		return CAMCA_ELIMIT;
	frame_header(h, n);
	while (m.msg_iovlen > 0) {
		w = sendmsg(fd, &m, MSG_NOSIGNAL);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return CAMCA_EIO;
		for (k = (size_t)w; m.msg_iovlen > 0 &&
		    k >= m.msg_iov->iov_len; m.msg_iov++, m.msg_iovlen--)
			k -= m.msg_iov->iov_len;
		if (m.msg_iovlen > 0) {
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + k;
			m.msg_iov->iov_len -= k;
		}
	}
	return CAMCA_OK;
}

/* Exactly n bytes, before the deadline (< 0: none). */
static int
frame_read_bytes(int fd, uint8_t *out, size_t n, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left = -1;
	ssize_t r;

	while (n > 0) {
		if (deadline_ms >= 0) {
			left = deadline_ms - mono_ms();
			if (left <= 0)
				return CAMCA_ETIME;
		}
		if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
			return CAMCA_EIO;
		if (pfd.revents == 0)
			continue;
		r = recv(fd, out, n, MSG_DONTWAIT);
		if (r < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (r <= 0)
			return CAMCA_EIO;
		out += r;
		n -= (size_t)r;
	}
	return CAMCA_OK;
}

int
frame_read(int fd, struct buf *out, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? -1 :
	    mono_ms() + timeout_ms;
	uint8_t h[4];
	size_t n;
	int ret;

	buf_reset(out);
	ret = frame_read_bytes(fd, h, sizeof h, deadline);
	if (ret < 0)
		return ret;
	n = frame_length(h);
	if (n == 0 || n > FRAME_MAX)
		return CAMCA_ELIMIT;
	ret = buf_reserve(out, n);
	if (ret < 0)
		return ret;
	ret = frame_read_bytes(fd, out->data, n, deadline);
	if (ret < 0)
		return ret;
	out->len = n;
	out->data[n] = '\0';
	return CAMCA_OK;
}
