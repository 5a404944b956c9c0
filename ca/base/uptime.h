/* SPDX-License-Identifier: Apache-2.0 */
/* Time since the machine was started, for leases that two processes of one
 * machine count: no step of the wall clock moves it, and it goes on while the
 * machine sleeps, so that nobody wakes up with a lease that ran out long ago. */
#ifndef CAMCA_BASE_UPTIME_H
#define CAMCA_BASE_UPTIME_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_BOOTTIME, the same for all processes. Any thread. */
static inline int64_t
uptime_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
