/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct wait {
	int signals;
	int timer;
};

int
wait_open(struct wait **out)
{
	struct wait *w = calloc(1, sizeof *w);
	sigset_t set;

	if (w == NULL)
		return CAMCA_ENOMEM;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	w->signals = w->timer = -1;
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	w->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->signals < 0 || w->timer < 0) {
		wait_close(w);
		return CAMCA_EIO;
	}
	*out = w;
	return CAMCA_OK;
}

void
wait_close(struct wait *w)
{
	if (w == NULL)
		return;
	if (w->signals >= 0)
		close(w->signals);
	if (w->timer >= 0)
		close(w->timer);
	free(w);
}

/* The signals that have come, the strongest of them. */
static enum run_wake
wait_signals(const struct wait *w)
{
	enum run_wake wake = RUN_DUE;
	struct signalfd_siginfo si;

	while (read(w->signals, &si, sizeof si) == (ssize_t)sizeof si) {
		if (si.ssi_signo != SIGHUP)
			return RUN_END;
		wake = RUN_NOW;
	}
	return wake;
}

enum run_wake
wait_until(void *arg, int64_t until_ms)
{
	const struct wait *w = arg;
	/* A value of zero would disarm the timer. */
	int64_t ms = until_ms > 0 ? until_ms : 1;
	struct itimerspec at = { .it_value = { .tv_sec = ms / 1000,
	    .tv_nsec = ms % 1000 * 1000000 } };
	struct pollfd p[2] = { { .fd = w->signals, .events = POLLIN },
	    { .fd = w->timer, .events = POLLIN } };

	if (timerfd_settime(w->timer, TFD_TIMER_ABSTIME |
	    TFD_TIMER_CANCEL_ON_SET, &at, NULL) != 0)
		return RUN_END;
	/* A cancelled timer polls as readable, too: both mean "look again". */
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return RUN_END;
	return wait_signals(w);
}
