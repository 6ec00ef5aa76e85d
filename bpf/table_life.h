/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of page tables: allocated, released, and whole trees pinned and unpinned. */
#ifndef XENPIN_BPF_TABLE_LIFE_H
#define XENPIN_BPF_TABLE_LIFE_H

#include "emit.h"
#include "upper.h"

/* Xen counts from the leaf; a folded P4D never has tables of its own. */
static __always_inline __u8 level__of(unsigned int pt_level)
{
	return pt_level == PT_PGD ? XP_L4 : pt_level <= PT_PTE ? PT_PTE + 1 - pt_level : XP_L_NONE;
}

/* The verifier lets nobody shift a pointer, but a number that was read from memory. */
static __always_inline __u64 pfn__of_pgd(const void *pgd)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &pgd);
	if (!kaddr.page_offset || address < kaddr.page_offset)
		return XP_NO_PFN;
	return (address - kaddr.page_offset) >> 12;
}

/*
 * With --mm: remember that this page is a table of that mm, since another task may release it.
 * If there is no room, a dropped release is counted, for its record may be missing.
 */
static __always_inline void note_table(__u64 pfn)
{
	struct xp_ring *ring;
	__u8 one = 1;
	__u32 cpu;

	if (!bpf_map_update_elem(&mm_tables, &pfn, &one, BPF_ANY))
		return;
	ring = ring__this_cpu(&cpu);
	if (ring)
		ring__drop(ring, XP_PROBE_RELEASE);
}

static __always_inline int on_alloc(void *ctx, const struct mm_struct *mm, __u64 pfn,
				    unsigned int level, bool pinned)
{
	struct xp_event ev = {
		.kind = XP_TABLE_ALLOC,
		.probe = XP_PROBE_ALLOC,
		.level = level__of(level),
		.flags = pinned ? XP_F_PINNED : 0,
	};
	bool flag;

	if (!armed || !filter__mm((__u64)mm))
		return 0;
	if (OPTION(mm))
		note_table(pfn);
	if (!filter__what(XP_W_ALLOC))
		return 0;
	if (page__flag(pfn, &flag))
		ev.flags |= XP_F_FLAG_KNOWN | (flag ? XP_F_FLAG : 0);
	return table__event(ctx, ev, (__u64)mm, pfn, 0);
}

/* The tracepoint's "pinned" is the page's own flag, read just before. */
static __always_inline int on_release(void *ctx, __u64 pfn, unsigned int level, bool pinned)
{
	struct xp_event ev = {
		.kind = XP_TABLE_RELEASE,
		.probe = XP_PROBE_RELEASE,
		.level = level__of(level),
		.flags = XP_F_FLAG_KNOWN | (pinned ? XP_F_PINNED | XP_F_FLAG : 0),
	};

	if (!armed || !filter__mm_of(pfn))
		return 0;
	if (OPTION(mm))
		bpf_map_delete_elem(&mm_tables, &pfn);
	if (!filter__what(XP_W_RELEASE))
		return 0;
	/* It goes back to the allocator without a flag; if it is read-only, Xen still has it. */
	if (OPTION(look) && !pinned && direct_map__is_readonly(pfn))
		ev.flags |= XP_F_READONLY;
	return table__event(ctx, ev, 0, pfn, 0);
}

/* PagePinned is written, on a kernel that tells: @level is Xen's, @old what it was before. */
static __always_inline int on_flag(void *ctx, struct xp_event ev, __u32 what, __u64 mm, __u64 pfn,
				   unsigned int level, bool old, __u64 ip)
{
	if (!armed || !filter__what(what) || !(mm ? filter__mm(mm) : filter__mm_of(pfn)))
		return 0;
	ev.level = level;
	ev.flags = XP_F_FLAG_KNOWN | (old ? XP_F_FLAG : 0);
	return table__event(ctx, ev, mm, pfn, ip);
}

/* Runs before on_mm() does for the same unpin, so that the records of upper tables come first. */
static __always_inline int on_unpin_look(void *ctx, const struct mm_struct *mm, const void *pgd)
{
	__u64 pfn = pfn__of_pgd(pgd);

	if (armed && pfn != XP_NO_PFN)
		upper__look(ctx, (__u64)mm, pfn);
	return 0;
}

static __always_inline int on_mm(void *ctx, struct xp_event ev, __u32 what,
				 const struct mm_struct *mm, const void *pgd)
{
	__u64 pfn = pfn__of_pgd(pgd);
	struct xp_record *rec;
	__u32 seq;

	if (!armed || !filter__what(what) || !filter__mm((__u64)mm) || !filter__task() ||
	    !filter__level(ev.level) || !filter__pfn(pfn))
		return 0;
	rec = record__begin(ev, record__slots(0), &seq);
	if (!rec)
		return 0;
	rec->u.mm.mm = (__u64)mm;
	rec->u.mm.pgd = (__u64)pgd;
	rec->u.mm.pgd_pfn = pfn;
	record__end(ctx, rec, seq);
	return 0;
}

#endif
