/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/authority/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ca/base/log.h"

bool
peer_identify(const struct authority *a, int fd, struct caller *out)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	size_t i;

	memset(out, 0, sizeof *out);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	out->uid = cred.uid;
	if (cred.uid == 0 || cred.uid == geteuid())
		out->roles |= ROLE_OPERATOR;
	for (i = 0; i < a->noperators; i++)
		if (a->operator_uids[i] == cred.uid)
			out->roles |= ROLE_OPERATOR;
	/* Without a user of its own the gate shares ours: docs/THREATS.md. */
	if (cred.uid == a->gate_uid ||
	    (a->gate_uid == (uid_t)-1 && cred.uid == geteuid()))
		out->roles |= ROLE_GATE;
	if (out->roles == ROLE_GATE)
		snprintf(out->actor, sizeof out->actor, "gate");
	else
		snprintf(out->actor, sizeof out->actor, "uid:%u", cred.uid);
	return out->roles != 0;
}

int
peer_listen(const char *path, bool for_all)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if ((size_t)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path) >=
	    sizeof sa.sun_path) {
		log_msg(LOG_ERROR, path, "path is too long for a socket");
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
	    chmod(path, for_all ? 0666 : 0660) != 0 || listen(fd, 128) != 0) {
		log_msg(LOG_ERROR, path, "cannot listen: %s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}
