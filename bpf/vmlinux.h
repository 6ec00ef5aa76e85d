/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types xenpin reads, and of each type the members it reads.
 *
 * Written by hand: CO-RE relocates every access against the running kernel's
 * BTF, so order, size and the other members do not matter here.
 */
#ifndef XENPIN_BPF_VMLINUX_H
#define XENPIN_BPF_VMLINUX_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

/*
 * Xen's public ABI, the same under every kernel: include/xen/interface/xen.h.
 */
struct multicall_entry {
	unsigned long op;
	long result;
	unsigned long args[6];
};

struct mmuext_op {
	unsigned int cmd;
	unsigned long arg1;	/* the frame, of pins and unpins */
	unsigned long arg2;
};

#define __HYPERVISOR_update_va_mapping	14
#define __HYPERVISOR_mmuext_op		26
#define MMUEXT_PIN_L1_TABLE		0
#define MMUEXT_PIN_L4_TABLE		3
#define MMUEXT_UNPIN_TABLE		4

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct {
	void *pgd;
};

struct task_struct {
	int tgid;
	char comm[16];	/* read as two words */
	struct mm_struct *mm, *active_mm;
};

/* For its size only: see page__flag(). */
struct page {
	unsigned long flags;
};

/* include/trace/events/xen.h */
struct trace_event_raw_xen_mmu_alloc_ptpage {
	struct mm_struct *mm;
	unsigned long pfn;
	unsigned int level;
	bool pinned;
};

struct trace_event_raw_xen_mmu_release_ptpage {
	unsigned long pfn;
	unsigned int level;
	bool pinned;
};

#define MC_BATCH 32

/* arch/x86/xen/multicalls.c; the per-CPU variable of the same name. */
struct mc_buffer {
	unsigned int mcidx;
	struct multicall_entry entries[MC_BATCH];
	unsigned char args[512];
};

#pragma clang attribute pop

/* PagePinned: an alias of PG_owner_priv_1, whose number moves between kernels. */
enum pageflags { PG_pinned };

/* arch/x86/xen/mmu.h: the kernel numbers levels from the root down, Xen from the leaf up. */
enum pt_level { PT_PGD, PT_P4D, PT_PUD, PT_PMD, PT_PTE };

#endif
