/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/client.h"

#include <netinet/in.h>
#include <string.h>

void
client_key(struct client_key *out, const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	memset(out, 0, sizeof *out);
	if (sa->sa_family == AF_INET) {
		memcpy(out->bytes + 4, &v4->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			memcpy(out->bytes + 4, &v6->sin6_addr.s6_addr[12], 4);
		else
			memcpy(out->bytes, &v6->sin6_addr, 8);
	}
}
