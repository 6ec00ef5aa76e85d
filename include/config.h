/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the loader tells the BPF programs before they are loaded.
 *
 * It stands in read-only data, which the verifier takes for constants: a
 * filter that is off costs nothing, its code is not even there.
 */
#ifndef XENPIN_CONFIG_H
#define XENPIN_CONFIG_H

#include "record.h"

/*
 * In the programs' instructions, the address of the per-CPU variable mc_buffer:
 * the loader puts its number in the kernel's types there.
 */
#define XP_MC_BUFFER	0x7870000078700000

/* Bits of xp_config.what, one per value of --op. */
enum xp_what {
	XP_W_PIN	= 1 << 0,
	XP_W_UNPIN	= 1 << 1,
	XP_W_ALLOC	= 1 << 2,
	XP_W_RELEASE	= 1 << 3,
	XP_W_MM_PIN	= 1 << 4,
	XP_W_MM_UNPIN	= 1 << 5,
	XP_W_SET	= 1 << 6,
	XP_W_CLEAR	= 1 << 7,
	XP_W_REFUSED	= 1 << 8,
	XP_W_ALL	= (1 << 9) - 1,
};

/*
 * One more of a record's flags, behind enum xp_flags, which the kernel's series knows: a
 * page table without PagePinned, which is being released or is in a tree that is about to
 * be unpinned, is read-only in the direct map.
 */
#define XP_F_READONLY	(1 << 6)

/* Set in the seq of each of the tracer's records: so none is 0, which says "not written". */
#define XP_SEQ_WRITTEN	(1U << 31)

struct xp_config {
	__u64 mm;		/* 0: any */
	__u64 pfn_from;		/* inclusive */
	__u64 pfn_to;		/* inclusive; ~0: no pfn filter */
	__u32 pid;		/* thread group; 0: any */
	__u32 what;		/* enum xp_what */
	__u32 levels;		/* bit n: level Ln; 0: any */
	__u32 ring_mask;	/* slots per ring - 1 */
	__u32 by_comm;		/* compare .comm */
	__u32 stack;		/* add kernel stacks */
	__u32 look;		/* at upper tables and the direct map: who is to judge wants it */
	char  comm[XP_COMM_LEN];
};

/* Everything, without stacks, for nobody who judges. */
#define XP_NO_OPTIONS { .pfn_to = ~0ULL, .what = XP_W_ALL }

/* Kernel addresses that no BTF tells; found by a program of the object itself. */
struct xp_kaddr {
	__u64 vmemmap;		/* struct page of pfn 0 */
	__u64 page_offset;	/* the direct map's first byte */
	__u64 m2p;		/* machine_to_phys_mapping[0] */
	__u64 printk;		/* _printk() */
};

#endif
