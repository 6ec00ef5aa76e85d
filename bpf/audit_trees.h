/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every page table that a tree reaches: first the roots, which the kernel keeps
 * in a list, then down from there.
 */
#ifndef XENPIN_BPF_AUDIT_TREES_H
#define XENPIN_BPF_AUDIT_TREES_H

#include "audit_frames.h"

static __always_inline void add(__u64 pfn, __u64 mfn, __u64 mm, __u32 level, __u32 parent,
				__u32 slot)
{
	__u32 index = look_at.seen;
	struct xp_seen *s = index < seen_room ? bpf_map_lookup_elem(&seen, &index) : NULL;

	if (!s) {
		look_at.overflow++;
		return;
	}
	look_at.seen = index + 1;
	s->pfn = pfn;
	s->mfn = mfn;
	s->mm = mm;
	s->parent = parent;
	s->slot = slot;
	s->level = level;
	s->state = page_state(pfn);
}

/* The page's mm, which pgd_ctor() left there. */
static __always_inline __u64 mm_of_page(__u64 page)
{
	__u64 offset, mm;

	if (bpf_core_field_exists(((struct page *)0)->pt_mm))
		offset = bpf_core_field_offset(struct page, pt_mm);
	else
		offset = bpf_core_field_offset(struct ptdesc, pt_mm);
	return read8(&mm, page + offset) ? mm : 0;
}

/* A PGD and, for the user's half, its twin.  False: it is not its mm's, or not yet. */
static __noinline bool add_pgd(__u64 page)
{
	__u64 pfn = (page - places.vmemmap) / bpf_core_type_size(struct page), twin;
	__u64 mm = mm_of_page(page), pgd;
	__u32 parent = look_at.seen;

	if (pfn >= places.max_pfn)
		look_at.unread++;
	if (pfn >= places.max_pfn || !mm ||
	    !read8(&pgd, mm + bpf_core_field_offset(struct mm_struct, pgd)) ||
	    pgd != virt(pfn))
		return false;
	add(pfn, mfn_of(pfn), mm, XP_L4, XP_NO_PARENT, 0);
	if (read8(&twin, page + bpf_core_field_offset(struct page, private)) &&
	    twin > places.page_offset && pfn_of(twin) < places.max_pfn)
		add(pfn_of(twin), mfn_of(pfn_of(twin)), mm, XP_L4, parent, ENTRIES);
	return true;
}

/* More of them than can be in the making at a time: we are on another list. */
#define STRANGE_MAX 64

/*
 * The list may change under us; then the neighbours do not agree, and it is read
 * again.  The count stands in a map: on the stack the verifier would follow it
 * from 0 to its limit.
 */
static long pgd_step(__u64 i, __u64 *next)
{
	__u64 at = *next, back;

	if (at == places.pgd_list)
		return 1;
	if (!add_pgd(at - bpf_core_field_offset(struct page, lru)))
		look_at.strange++;
	if (look_at.strange > STRANGE_MAX || !read8(next, at) || !read8(&back, *next + 8) ||
	    back != at) {
		look_at.torn = 1;
		return 1;
	}
	return 0;
}

/* A table of the kernel's own that is pinned by itself, whether a tree refers to it or not. */
static __noinline int add_kept(__u64 address, __u32 level)
{
	__u64 pfn = pfn_of(address);

	if (address && pfn < places.max_pfn)
		add(pfn, mfn_of(pfn), 0, level, XP_NO_PARENT, 0);
	return 0;
}

static __always_inline int trees__roots(void)
{
	__u64 pgd, next, max_pfn;

	direct.l2 = 0;
	look_at.seen = look_at.overflow = look_at.torn = look_at.unread = 0;
	look_at.strange = 0;
	look_at.begin = bpf_ktime_get_ns();
	/* Memory may have come since the last look. */
	if (read8(&max_pfn, places.max_pfn_at))
		places.max_pfn = max_pfn;
	if (!read8(&pgd, places.init_mm + bpf_core_field_offset(struct mm_struct, pgd)) ||
	    !read8(&next, places.pgd_list))
		return 1;
	add(pfn_of(pgd), mfn_of(pfn_of(pgd)), places.init_mm, XP_L4, XP_NO_PARENT, 0);
	add_kept(places.user_vsyscall, XP_L3);
	add_kept(places.p2m_missing, XP_L1);
	add_kept(places.p2m_identity, XP_L1);
	/* One per PGD; the list is shorter than the map. */
	bpf_loop(1 << 23, pgd_step, &next, 0);
	return 0;
}

struct walk {
	__u64 mm;
	__u64 last;	/* entry: holes of the p2m are many entries with one table */
	__u32 parent;
	__u8 level;	/* of the children */
};

#define AT_ONCE 16

/* Most entries are empty: so many are asked for at a time. */
static long entries_step(__u64 i, struct walk *w)
{
	__u64 any = 0;

	i = i * AT_ONCE & (ENTRIES - AT_ONCE);
	for (int k = 0; k < AT_ONCE; k++)
		any |= entries[i + k];
	if (!(any & ENTRY_PRESENT))
		return 0;
	for (int k = 0; k < AT_ONCE; k++) {
		__u64 entry = entries[i + k], pfn;

		if (!(entry & ENTRY_PRESENT) || entry & ENTRY_HUGE || entry == w->last)
			continue;
		w->last = entry;
		pfn = pfn_of_entry(entry);
		if (pfn == XP_NO_PFN)
			look_at.unread++;
		else
			add(pfn, ENTRY_MFN(entry), w->mm, w->level, w->parent, i + k);
	}
	return 0;
}

/*
 * Go down from what is pinned.  The direct map says so before the flag does:
 * where the two differ user space has something to say.
 */
static long walk_step(__u64 i, void *ctx)
{
	__u32 index = i, steps = ENTRIES / AT_ONCE;
	struct xp_seen *s;
	struct walk w;

	if (i >= look_at.seen)
		return 1;
	s = bpf_map_lookup_elem(&seen, &index);
	if (!s)
		return 1;
	/* A user's L4 refers to what its kernel's L4 refers to. */
	if (s->level == XP_L1 || s->slot == ENTRIES || !(s->state & (XP_S_READONLY | XP_S_NO_MAP)))
		return 0;
	w = (struct walk){ s->mm, 0, index, s->level - 1 };
	if (bpf_probe_read_kernel(entries, sizeof(entries), (void *)virt(s->pfn))) {
		look_at.unread++;
		return 0;
	}
	/* init_mm's half is the same in all, and looked at once; Xen's hole is Xen's. */
	if (s->level == XP_L4 && s->mm != places.init_mm)
		steps = USER_ENTRIES / AT_ONCE;
	if (s->level == XP_L4 && s->mm == places.init_mm)
		for (int k = USER_ENTRIES; k < HOLE_END; k++)
			entries[k] = 0;
	bpf_loop(steps, entries_step, &w, 0);
	return 0;
}

#endif
