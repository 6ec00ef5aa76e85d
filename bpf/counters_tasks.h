/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts by process.  A process is often seen twice in its life, when it is
 * forked by its parent and when it ends: a hash map would make an element for
 * each, which costs more than all else that is done here.
 */
#ifndef XENPIN_BPF_COUNTERS_TASKS_H
#define XENPIN_BPF_COUNTERS_TASKS_H

#include "task.h"
#include "../include/counter_maps.h"
#include <bpf/bpf_helpers.h>

#define LONG_AGO	1000	/* jiffies: one to ten seconds */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XP_COUNT_TASKS);
	__type(key, __u32);
	__type(value, struct xp_task_counts);
} tasks SEC(".maps");

/* Two CPUs that take the same slot at the same time may mix their counts. */
static __always_inline void task__begin(struct xp_task_counts *task, __u32 pid)
{
	task->pid = pid;
	task->pins = task->unpins = task->failed = task->trees = task->tree_ns = 0;
}

/* The slot of the current thread group. */
static __always_inline struct xp_task_counts *task__this(struct xp_counts *c)
{
	const struct task_struct *current = bpf_get_current_task_btf();
	__u32 pid = current->tgid, now = bpf_jiffies64(), idle = 0;
	struct xp_task_counts *task, *laziest = NULL;

#pragma clang loop unroll(full)
	for (__u32 way = 0; way < XP_COUNT_WAYS; way++) {
		__u32 slot = xp_task_slots(pid) + way;

		task = bpf_map_lookup_elem(&tasks, &slot);
		if (!task)
			return NULL;
		if (task->pid == pid)
			goto found;
		if (!task->pid)
			task->busy = now - ~0U;
		if (!laziest || now - task->busy > idle) {
			idle = now - task->busy;
			laziest = task;
		}
	}
	task = laziest;
	if (!task)
		return NULL;
	c->untold += idle < LONG_AGO;
	task__begin(task, pid);
found:
	task->busy = now;
	task__name(current, task->comm);
	return task;
}

#endif
