/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `top` and `export` count in the kernel: bpf/counters.bpf.c writes,
 * src/source/counters.c reads.
 */
#ifndef XENPIN_COUNTERS_H
#define XENPIN_COUNTERS_H

#include <linux/types.h>

#define XP_COUNT_LATENCIES	32	/* bucket i: less than 2^i ns */
#define XP_COUNT_TASKS		16384

/* One per CPU, written on that CPU only. */
struct xp_counts {
	__u64 pins[4];		/* L1 to L4 */
	__u64 unpins;
	__u64 failed;		/* hypercalls with pins or unpins that Xen refused */
	__u64 flushes;		/* batches with pins or unpins */
	__u64 unseen;		/* of these, without an end: no result, no latency */
	__u64 untold;		/* batches of tasks that found no room in the map */
	__u64 latency_sum;	/* ns */
	__u64 latency[XP_COUNT_LATENCIES];
	/* The batch between its way in and its way out. */
	__u64 begin;		/* ns; 0: none */
	__u64 entries;
	__u64 mask;		/* bit i: entry i holds mmuext operations */
	__u64 pad;
};

/* By thread group; the map forgets those that did nothing for long. */
struct xp_task_counts {
	__u64 pins, unpins, failed, flushes, latency_sum;
	char comm[16];		/* of who came last */
};

/* What the task iterator tells of each process with an mm of its own. */
struct xp_task_tables {
	__u32 pid;
	__u32 pad;
	__u64 bytes;		/* of its page tables */
	char comm[16];
};

_Static_assert(sizeof(struct xp_counts) == 46 * 8, "layout");
_Static_assert(sizeof(struct xp_task_counts) == 56, "layout");
_Static_assert(sizeof(struct xp_task_tables) == 32, "layout");

#endif
