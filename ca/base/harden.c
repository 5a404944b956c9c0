/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/harden.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "ca/base/log.h"

void
harden_process(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		log_msg(LOG_WARN, NULL, "memory is not hidden: %s",
		    strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		log_msg(LOG_WARN, NULL, "set-user-ID programs still work: %s",
		    strerror(errno));
}
