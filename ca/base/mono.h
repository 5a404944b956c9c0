/* SPDX-License-Identifier: Apache-2.0 */
/* Time that only goes forward, for deadlines and pauses inside one process: no
 * step of the wall clock shortens or lengthens them. For leases that another
 * process counts too: uptime.h. */
#ifndef CAMCA_BASE_MONO_H
#define CAMCA_BASE_MONO_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds since some point in the past (CLOCK_MONOTONIC). Any thread. */
static inline int64_t
mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A time of mono_ms() as pthread_cond_timedwait takes it. */
static inline struct timespec
mono_at(int64_t ms)
{
	return (struct timespec){ (time_t)(ms / 1000),
	    (long)(ms % 1000) * 1000000L };
}

/* The time in ms from now, ms >= 0. */
static inline struct timespec
mono_after(int64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	return ts;
}

/* A condition whose timed waits take times of this clock. 0 or an errno. */
static inline int
mono_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	int err = pthread_condattr_init(&attr);

	if (err != 0)
		return err;
	err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (err == 0)
		err = pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
	return err;
}

#endif
