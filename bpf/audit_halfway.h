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

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct___a {
	struct mm_struct___a *mm;
	struct task_struct___a *group_leader;
	unsigned int __state;
	int tgid;
	char comm[16];
};

#pragma clang attribute pop

__u64 task_stack[FRAMES_MAX];

/* More than those functions are long: what lies behind them counts as well. */
#define LONGEST 0x400

static __always_inline bool is_halfway(__u64 address)
{
	for (int i = 0; i < XP_HALFWAY_FUNCTIONS; i++)
		if (places.halfway[i] && address - places.halfway[i] < LONGEST)
			return true;
	return false;
}

static __always_inline bool task_is_halfway(struct task_struct___a *task)
{
	long size;

	/* 5.14: "sched: Change task_struct::state".  Who sleeps or waits is not halfway. */
	if (bpf_core_field_exists(task->__state) && task->__state)
		return false;
	size = bpf_get_task_stack((void *)task, task_stack, sizeof(task_stack), 0);
	for (int i = 0; i < FRAMES_MAX; i++)
		if (i * 8 < size && is_halfway(task_stack[i]))
			return true;
	return false;
}

#endif
