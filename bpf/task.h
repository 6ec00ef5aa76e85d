/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENPIN_BPF_TASK_H
#define XENPIN_BPF_TASK_H

#include "layouts.h"

/* A name that changes while it is read may come in two halves; so does bpf_get_current_comm(). */
static __always_inline void task__name(const struct task_struct *task, char to[16])
{
	const __u64 *comm = (const void *)&task->comm;

	((__u64 *)to)[0] = comm[0];
	((__u64 *)to)[1] = comm[1];
}

#endif
