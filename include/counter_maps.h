/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `top` and `export` count in the kernel: bpf/counters.bpf.c writes,
 * src/trace/live_counters.c reads.
 */
#ifndef XENPIN_COUNTERS_H
#define XENPIN_COUNTERS_H

#include <linux/types.h>

#define XP_COUNT_TIMES	32	/* bucket i: less than 2^i ns */
#define XP_COUNT_WAYS	4	/* slots that a thread group may have */
#define XP_COUNT_SETS	4096
#define XP_COUNT_TASKS	(XP_COUNT_SETS * XP_COUNT_WAYS)

/* A batch of hypercalls, as bpf/flushed.h reads it; of use to nobody else. */
struct xp_flushed {
	__u64 ops;		/* by their number, a byte each: pins of L1 to L4, unpins, others */
	__u64 bytes;		/* of all operations in the argument area */
	__u64 whole;		/* the last entry was found */
	__u64 args;		/* address of the argument area */
};

/* One per CPU, written on that CPU only. */
struct xp_counts {
	__u64 pins[4];		/* L1 to L4 */
	__u64 unpins;
	__u64 failed;		/* hypercalls with pins or unpins that Xen refused */
	__u64 trees;		/* of processes, pinned as a whole */
	__u64 unseen;		/* batches of trees that could not be read */
	__u64 untold;		/* thread groups that lost their slot while they were busy */
	__u64 tree_ns;		/* that it took to pin them */
	__u64 tree_times[XP_COUNT_TIMES];
	__u64 begin;		/* ns, of the tree that is being pinned; 0: none is */
	__u64 so_far_pins, so_far_unpins, so_far_l4;	/* of a tree, before its last batch */
	struct xp_flushed last;
};

/* By thread group, in one of the slots of its set; who needs one takes that of the laziest. */
struct xp_task_counts {
	__u32 pid;		/* of the thread group; 0: free */
	__u32 busy;		/* jiffies, when it was last */
	__u64 pins, unpins, failed, trees, tree_ns;
	char comm[16];		/* of who came last */
};

static inline __u32 xp_task_slots(__u32 pid)
{
	return (pid * 0x9e3779b1U >> 20) * XP_COUNT_WAYS;
}

/* What the task iterator tells of each process with an mm of its own. */
struct xp_task_tables {
	__u32 pid;
	__u32 pad;
	__u64 bytes;		/* of its page tables */
	char comm[16];
};

_Static_assert(XP_COUNT_SETS == 1 << (32 - 20), "the hash");
_Static_assert(sizeof(struct xp_counts) == 50 * 8, "layout");
_Static_assert(sizeof(struct xp_task_counts) == 64, "layout");
_Static_assert(sizeof(struct xp_task_tables) == 32, "layout");

#endif
