/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types that the programs read, and of each type the members that they read.
 *
 * Written by hand: CO-RE relocates every access against the running kernel's BTF, so order, size
 * and the other members do not matter here.  Where kernels differ, what each has stands here side
 * by side, with the commit that made the difference; the programs ask what is there, by
 * bpf_core_field_exists() and its relatives, and never which version runs.
 */
#ifndef XENPIN_BPF_LAYOUTS_H
#define XENPIN_BPF_LAYOUTS_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

/* Hypercalls.  Xen's public ABI is the same under every kernel: include/xen/interface/xen.h. */

struct multicall_entry {
	unsigned long op;
	long result;
	unsigned long args[6];
};

struct mmuext_op {
	unsigned int cmd;
	unsigned long arg1; /* the frame, of pins and unpins */
	unsigned long arg2;
};

/* A PV guest's update of one page-table entry. */
struct mmu_update {
	unsigned long ptr; /* machine address of the entry, and in its lowest bits what to do */
	unsigned long val;
};

#define __HYPERVISOR_mmu_update		1
#define __HYPERVISOR_update_va_mapping	14
#define __HYPERVISOR_mmuext_op		26
#define MMUEXT_PIN_L1_TABLE		0
#define MMUEXT_PIN_L4_TABLE		3
#define MMUEXT_UNPIN_TABLE		4
#define MMU_COMMAND			3 /* of mmu_update.ptr */

#define MC_BATCH 32

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* arch/x86/xen/multicalls.c; the per-CPU variable of the same name. */
struct mc_buffer {
	unsigned int mcidx;
	struct multicall_entry entries[MC_BATCH];
	unsigned char args[512];
};

/* Pages: include/linux/mm_types.h. */

struct list_head {
	struct list_head *next;
};

/*
 * The flags are the first word in every kernel.  6.18 put them into a struct of their own
 * (53fbef56e07d "mm: introduce memdesc_flags_t"), so they are read by address: page__flag().
 */
struct page {
	unsigned long flags;
	struct list_head lru;
	struct mm_struct *pt_mm; /* until 6.5: see struct ptdesc */
	unsigned long private;
	unsigned int page_type;
	struct {
		int counter;
	} _refcount;
};

/*
 * 6.6 split this off (9a35de4ffc20 "pgtable: create struct ptdesc") and took the members away from
 * struct page (4f054c28f425 "mm: remove page table members from struct page").
 */
struct ptdesc {
	struct mm_struct *pt_mm;
};

/* Memory of a process: include/linux/mm_types.h, arch/x86/include/asm/mmu.h and mmu_context.h. */

struct ldt_struct {
	void *entries;
};

struct mm_struct {
	void *pgd;
	struct {
		long counter;
	} pgtables_bytes;
	struct {
		struct ldt_struct *ldt; /* only with MODIFY_LDT_SYSCALL */
	} context;
};

/* Tasks: include/linux/sched.h, include/uapi/linux/futex.h. */

struct robust_list {
	struct robust_list *next;
};

struct robust_list_head {
	struct robust_list list;
};

struct task_struct {
	int pid, tgid;
	struct task_struct *group_leader;
	struct mm_struct *mm, *active_mm;
	char comm[16]; /* read as two words */
	struct robust_list_head *robust_list;
	/* 5.14 renamed it from "state": 2f064a59a11f "sched: Change task_struct::state". */
	unsigned int __state;
};

/* Tracepoints: include/trace/events/xen.h. */

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

/* Iterators: include/linux/bpf.h, kernel/bpf/task_iter.c. */

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/*
 * include/linux/page-flags.h.  PagePinned is an alias of PG_owner_priv_1.  The numbers are the
 * kernel's own, as they move: 6.12 took a flag out before this one (09022bc196d2 "mm: remove
 * PG_error").
 */
enum pageflags { PG_pinned, PG_reserved };

/*
 * The same file.  Since 6.12 a page's type is a number in the upper byte of page_type, and this its
 * name for a page table (4ffca5a96678 "mm: support only one page_type per page").
 */
enum pagetype { PGTY_table };

/*
 * Before, it was a bit that is clear below these that are set: this bit since 5.11 (18b2db3b0385
 * "mm: Convert page kmemcg type to a page memcg flag").  Only 6.11 had another (8db00ad56461 "mm:
 * allow reuse of the lower 16 bit of the page type with an actual type"): no page is known there
 * for a page table by its type, only free and reserved pages by what they are.
 */
#define OLD_TYPE_BASE	0xf0000000U
#define OLD_TABLE	0x00000200U

/* arch/x86/xen/mmu.h: the kernel numbers levels from the root down, Xen from the leaf up. */
enum pt_level { PT_PGD, PT_P4D, PT_PUD, PT_PMD, PT_PTE };

#endif
