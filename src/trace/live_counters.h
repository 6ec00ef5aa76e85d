/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters in the kernel, for who looks now and then: no record is made of anything. */
#ifndef XENPIN_SOURCE_COUNTERS_H
#define XENPIN_SOURCE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "../../include/counter_maps.h"

#define COUNTERS_WHY 160

struct counters;

struct task_counts {
	uint32_t pid;			/* of the thread group */
	struct xp_task_counts counts;	/* since the reading before; zeros: it did nothing */
	uint64_t bytes;			/* of its page tables; 0: it is gone, or has none */
};

/*
 * Load and attach.  Returns 0, or -errno and a sentence in @why.  Counting
 * begins at once; what is open stays usable when capabilities are given up.
 */
int counters__open(struct counters **counters, char why[COUNTERS_WHY]);
void counters__close(struct counters *counters);

/* The sum over all CPUs, since the begin. */
void counters__read(const struct counters *counters, struct xp_counts *sum);

/*
 * All processes that live, and those that did something since this was asked last, in no order,
 * at *@tasks, which is to be freed.  Returns their number or -errno.
 */
int counters__tasks(struct counters *counters, struct task_counts **tasks);

/* Runs of programs that the kernel skipped. */
uint64_t counters__missed(const struct counters *counters);

#endif
