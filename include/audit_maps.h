/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the audit's BPF programs tell user space: tables as they were seen, in
 * the order in which they were found, and frames that carry the flag.
 */
#ifndef XENPIN_AUDIT_H
#define XENPIN_AUDIT_H

#include <linux/types.h>

enum xp_seen_state {
	XP_S_FLAG	= 1 << 0,	/* PagePinned */
	XP_S_READONLY	= 1 << 1,	/* in the direct map */
	XP_S_NO_FLAG	= 1 << 2,	/* its struct page could not be read */
	XP_S_NO_MAP	= 1 << 3,	/* nor its PTE in the direct map */
	XP_S_RESERVED	= 1 << 4,	/* of the kernel's image, or allocated at boot */
	XP_S_NOT_THERE	= 1 << 5,	/* looked at again: its parent does not refer to it any more */
};

#define XP_NO_PARENT (~0U)

struct xp_seen {
	__u64 pfn, mfn;
	__u64 mm;		/* 0: the kernel's own, in no tree or in all */
	__u32 parent;		/* index of the table that refers to it, or XP_NO_PARENT */
	__u16 slot;		/* entry there */
	__u8 level;		/* enum xp_level */
	__u8 state;		/* enum xp_seen_state */
};

_Static_assert(sizeof(struct xp_seen) == 32, "layout");

/* A frame with the flag.  The flag's bit has other meanings on other pages. */
enum xp_use {
	XP_USE_TABLE	= 1 << 0,	/* its struct page says: a page table */
	XP_USE_FREE	= 1 << 1,	/* in the page allocator */
	XP_USE_RESERVED	= 1 << 2,	/* of the boot phase, never in the allocator */
	XP_USE_READONLY	= 1 << 3,	/* in the direct map */
};

struct xp_flagged {
	__u64 pfn : 56;
	__u64 use : 8;		/* enum xp_use */
};

struct xp_readonly {
	__u64 pfn, mfn;
};

struct xp_direct {
	__u64 gib;	/* address >> 30 */
	__u64 l2;	/* pfn; 0: none */
};

struct xp_owner {
	__u64 mm;
	__u32 pid;
	char comm[16];
	__u32 pad;
};

_Static_assert(sizeof(struct xp_owner) == 32, "layout");

/* What a scan reads through: see bpf/audit_lent.h. */
struct xp_lent {
	__u64 next, word;
	__u64 at;		/* its own address in the kernel */
};

#define XP_HALFWAY_FUNCTIONS 8

/* Found by name; 0: this kernel has none. */
struct xp_places {
	__u64 vmemmap;		/* struct page of pfn 0 */
	__u64 page_size;	/* bytes of a struct page */
	__u64 page_offset;	/* the direct map's first byte */
	__u64 phys_base;	/* where the kernel's image is loaded */
	__u64 m2p, m2p_nr;	/* machine_to_phys_mapping and its length */
	__u64 p2m;		/* xen_p2m_addr */
	__u64 max_pfn, max_pfn_at;	/* of the last look; where the kernel keeps it */
	__u64 p2m_missing, p2m_identity;	/* L1 tables that stand for holes of the p2m */
	__u64 pgd_list;		/* addresses of variables, from here on */
	__u64 init_mm;
	__u64 user_vsyscall;	/* level3_user_vsyscall */
	__u64 per_cpu;		/* __per_cpu_offset: where each CPU's variables are */
	__u64 mc_buffer;	/* such a variable */
	__u64 halfway[XP_HALFWAY_FUNCTIONS];	/* functions that make page tables and end them */
};

/*
 * What moves page tables, counted by the programs that are attached while suspects are
 * settled.  Two pages may share a slot: then one seems to move when only the other does.
 */
#define XP_PAGE_SLOTS	(1 << 18)

struct xp_moves {
	__u32 of_page[XP_PAGE_SLOTS];	/* allocated or released; a root: pinned or unpinned */
	__u32 waiting;			/* CPUs that had hypercalls waiting when they were visited */
};

static inline __u32 xp_page_slot(__u64 pfn)
{
	return pfn * 0x9e3779b97f4a7c15ULL >> 46 & (XP_PAGE_SLOTS - 1);
}

/* Of one look. */
struct xp_look {
	__u32 seen, flagged;	/* entries used */
	__u32 overflow;		/* entries that found no room */
	__u32 torn;		/* the list of PGDs changed while it was read */
	__u32 unread;		/* tables that could not be read */
	__u32 aliases;		/* frames with the flag that are no page tables */
	__u32 strange;		/* pages in the list of PGDs that are nobody's, or not yet */
	__u32 readonly;		/* pages that are read-only in the direct map, without the flag */
	__u64 pages;		/* struct pages looked at */
	/* ns, CLOCK_MONOTONIC: trees, then struct pages, then the direct map */
	__u64 begin, walked, scanned, end;
};

#endif
