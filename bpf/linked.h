/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader links in: include/linked.h. */
#ifndef XENPIN_BPF_LINKED_H
#define XENPIN_BPF_LINKED_H

#include "vmlinux.h"
#include "../include/linked.h"
#include <bpf/bpf_helpers.h>

/* This CPU's multicall buffer: arch/x86/xen/multicalls.c. */
static __always_inline const struct mc_buffer *mc_buffer__this_cpu(void)
{
	const void *of_all_cpus;

	asm("%0 = %1 ll" : "=r"(of_all_cpus) : "i"(XP_LINK_MC_BUFFER));
	return bpf_this_cpu_ptr(of_all_cpus);
}

static void (*const preempt_disable)(void) = (void *)XP_LINK_PREEMPT_DISABLE;
static void (*const preempt_enable)(void) = (void *)XP_LINK_PREEMPT_ENABLE;

/*
 * A program that is preempted is skipped for all other tasks of its CPU until
 * it goes on; a whole process may end meanwhile.  Kernels that preempt tasks
 * even there (7.2 as Debian builds it) have the means to forbid it.
 */
#define UNPREEMPTED(call)                                                                         \
	({                                                                                         \
		preempt_disable();                                                                 \
		call;                                                                              \
		preempt_enable();                                                                  \
		0;                                                                                 \
	})

#endif
