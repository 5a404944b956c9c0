/* SPDX-License-Identifier: Apache-2.0 */
/* Time that only goes forward, for deadlines inside the gate. */
#ifndef CAMCA_GATE_CLOCK_H
#define CAMCA_GATE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some point in the past; not moved by a step of the wall
 * clock. Any thread. */
static inline int64_t
clock_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
