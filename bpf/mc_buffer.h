/* SPDX-License-Identifier: GPL-2.0-only */
/* The buffer in which the kernel gathers hypercalls: arch/x86/xen/multicalls.c. */
#ifndef XENPIN_BPF_MC_BUFFER_H
#define XENPIN_BPF_MC_BUFFER_H

#include "layouts.h"
#include "../include/config.h"
#include <bpf/bpf_helpers.h>

/*
 * This CPU's.  The loader fills in the variable's number: a typed ksym would
 * make libbpf read and search all the kernel's types.
 */
static __always_inline const struct mc_buffer *mc_buffer__this_cpu(void)
{
	const void *of_all_cpus;

	asm("%0 = %1 ll" : "=r"(of_all_cpus) : "i"(XP_MC_BUFFER));
	return bpf_this_cpu_ptr(of_all_cpus);
}

/* Unrolled by hand: with a constant index into the buffer a load needs no call. */
#define FOUR(what, i) what(i) what(i + 1) what(i + 2) what(i + 3)

#endif
