// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "signals.h"

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

#define ENDS (sizeof(ends) / sizeof(*ends))

int signals__catch(int also)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < ENDS; i++)
		sigaddset(&set, ends[i]);
	if (also)
		sigaddset(&set, also);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

bool signals__waiting(void)
{
	bool waiting = false;
	sigset_t set;

	sigpending(&set);
	for (size_t i = 0; i < ENDS; i++)
		waiting |= sigismember(&set, ends[i]) == 1;
	return waiting;
}
