/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities: which are needed, and giving them up. */
#ifndef XENPIN_PRIVILEGES_H
#define XENPIN_PRIVILEGES_H

#include <stdbool.h>

/* Is @cap, CAP_*, in effect? */
bool privileges__has(int cap);

/* The capabilities that are missing, as "CAP_BPF CAP_PERFMON", or NULL. */
const char *privileges__missing(void);

/* As access(), of what will be allowed when capabilities are given up.  Returns 0 or -errno. */
int privileges__later_access(const char *path, int mode);

/*
 * Give up every capability, for good.  Returns 0 or -errno.  What was opened
 * before stays open.
 */
int privileges__drop(void);

#endif
