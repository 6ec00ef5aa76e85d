/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that were preempted halfway through giving a page table back.
 *
 * xen_release_ptpage() clears the flag last, with interrupts enabled again: where the kernel
 * can be preempted, it often is just there, since the interrupts that waited come in then.
 * Flag and Xen disagree until the task goes on, however long that takes, and no visit to its
 * CPU ends it.  Tables that are made have such a moment, too.
 */
#ifndef XENPIN_BPF_AUDIT_HALFWAY_H
#define XENPIN_BPF_AUDIT_HALFWAY_H

#include "audit_frames.h"

#define FRAMES_MAX 32

__u64 task_stack[FRAMES_MAX];

/* More than those functions are long: what lies behind them counts as well. */
#define LONGEST 0x400

static long frame_step(__u64 i, bool *halfway)
{
	__u64 address = task_stack[masked(i, FRAMES_MAX)];

	/* What this kernel does not have is at 0, and no frame is near that. */
	for (int k = 0; k < XP_HALFWAY_FUNCTIONS; k++)
		if (address - places.halfway[k] < LONGEST)
			*halfway = true;
	return 0;
}

static __always_inline bool task_is_halfway(struct task_struct *task)
{
	bool halfway = false;
	long size;

	/* Who sleeps or waits is not halfway. */
	if (bpf_core_field_exists(task->__state) && task->__state)
		return false;
	size = bpf_get_task_stack((void *)task, task_stack, sizeof(task_stack), 0);
	if (size > 0)
		bpf_loop(size / sizeof(*task_stack), frame_step, &halfway, 0);
	return halfway;
}

#endif
