// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "clock.h"
#include "signals.h"

#define LEAVE_NS	700000000ULL	/* with what ends a trace, less than a second */

static uint64_t leave_at;	/* ns, CLOCK_MONOTONIC; 0: there is time */

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

#define ENDS (sizeof(ends) / sizeof(*ends))

/*
 * What xenpin wants of these signals: an error from write() instead of its death, and that
 * its child's end is told, which the kernel does not do for who ignores SIGCHLD.
 */
static struct {
	int signal;
	__sighandler_t wanted;
	struct sigaction found;
} dispositions[] = {
	{ SIGPIPE, SIG_IGN }, { SIGXFSZ, SIG_IGN }, { SIGCHLD, SIG_DFL },
};

static sigset_t mask_found;

#define DISPOSITIONS (sizeof(dispositions) / sizeof(*dispositions))

void signals__begin(void)
{
	sigprocmask(SIG_SETMASK, NULL, &mask_found);
	for (size_t i = 0; i < DISPOSITIONS; i++) {
		sigaction(dispositions[i].signal, NULL, &dispositions[i].found);
		signal(dispositions[i].signal, dispositions[i].wanted);
	}
}

void signals__restore(void)
{
	for (size_t i = 0; i < DISPOSITIONS; i++)
		sigaction(dispositions[i].signal, &dispositions[i].found, NULL);
	sigprocmask(SIG_SETMASK, &mask_found, NULL);
}

/*
 * Under nohup SIGHUP is ignored, and stays so; but the kernel queues it when it is blocked.  An
 * ignored SIGINT means nothing: a shell ignores it for what it starts in the background.
 */
static bool is_wanted(int signal)
{
	struct sigaction now;

	return signal != SIGHUP || sigaction(signal, NULL, &now) || now.sa_handler != SIG_IGN;
}

int signals__catch(int also)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ENDS; i++)
		if (is_wanted(ends[i]))
			sigaddset(&set, ends[i]);
	if (also)
		sigaddset(&set, also);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

bool signals__waiting(void)
{
	bool waiting = leave_at && now_ns() > leave_at;
	sigset_t set;

	sigpending(&set);
	for (size_t i = 0; i < ENDS; i++)
		waiting |= sigismember(&set, ends[i]) == 1 && is_wanted(ends[i]);
	return waiting;
}

void signals__leave(void)
{
	leave_at = now_ns() + LEAVE_NS;
}
