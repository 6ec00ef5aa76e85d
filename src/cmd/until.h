/* SPDX-License-Identifier: GPL-2.0-only */
/* When to stop following records: a signal, the end of CMD, or --duration. */
#ifndef XENPIN_UNTIL_H
#define XENPIN_UNTIL_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"

struct until {
	struct child child;
	char **cmd;		/* NULL: none */
	uint64_t end_ns;	/* CLOCK_MONOTONIC; UINT64_MAX: no limit */
	int signals;		/* signalfd */
	bool went;
};

/*
 * Signals come here from now on; @cmd, when not NULL, is started and held.
 * Returns 0, or -errno that is about @cmd.
 */
int until__begin(struct until *until, char **cmd);

/* The time runs, @duration_ns when not 0, and so does CMD.  Returns 0 or -errno about CMD. */
int until__go(struct until *until, uint64_t duration_ns);

/* Wait for @timeout_ms at most.  Is it over? */
bool until__over(struct until *until, int timeout_ms);

/* A CMD that never ran does not; one that runs keeps running, as it would without us. */
void until__end(struct until *until);

#endif
