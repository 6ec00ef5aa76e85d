/* SPDX-License-Identifier: GPL-2.0-only */
/* The signals that end what goes on: SIGINT, SIGTERM and SIGHUP. */
#ifndef XENPIN_SIGNALS_H
#define XENPIN_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * For the whole program: a write to a reader that is gone, or behind the limit of a file's
 * size, is an error and no signal; and the end of a child is told.
 */
void signals__begin(void);

/* In a child, before it runs another program: everything as xenpin found it. */
void signals__restore(void);

/*
 * Blocked from now on, and @also (0: none), to be read from the signalfd that is
 * returned; or -1.  Not a SIGHUP that is ignored: xenpin runs under nohup.
 */
int signals__catch(int also);

/* True when one of them is pending, or when signals__leave() left no more time: long loops poll it. */
bool signals__waiting(void);

/* A SIGTERM has been read: who sent it kills us soon, so what is still to be done may take 0.7 s. */
void signals__leave(void);

/* The same, asked at some of what is counted by @n only: it is a system call. */
static inline bool signals__waiting_at(uint64_t n)
{
	return n % 4096 == 0 && signals__waiting();
}

#endif
