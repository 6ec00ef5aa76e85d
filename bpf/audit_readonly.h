/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that the direct map has read-only, although they carry no flag: the kernel's own
 * read-only memory, and what a lost flag leaves behind once its table is gone.
 */
#ifndef XENPIN_BPF_AUDIT_READONLY_H
#define XENPIN_BPF_AUDIT_READONLY_H

#include "audit_scan.h"

#define GROUP 64	/* entries that are looked at together */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_readonly);
} readonly SEC(".maps");

static __noinline int readonly__add(__u64 pfn, __u64 mfn)
{
	__u32 index = look_at.readonly;
	struct xp_readonly *page = bpf_map_lookup_elem(&readonly, &index);

	if (!page) {
		look_at.overflow++;
		return 0;
	}
	look_at.readonly = index + 1;
	page->pfn = pfn;
	page->mfn = mfn;
	return 0;
}

/* Reserved pages are the kernel's image and what was allocated at boot: GDTs, the first p2m. */
static __noinline int note_readonly(__u64 pfn, __u64 mfn)
{
	__u64 flags;

	if (read8(&flags, page_of(pfn)) && flags & (flag_bit() | reserved_bit()))
		return 0;
	return readonly__add(pfn, mfn);
}

/* An entry of a group that begins at @first. */
static long entry_step(__u64 i, __u64 *first)
{
	__u64 pfn = *first + i, entry = entries[masked(pfn, ENTRIES)];

	if ((entry & (ENTRY_PRESENT | ENTRY_WRITE)) == ENTRY_PRESENT && pfn < places.max_pfn)
		note_readonly(pfn, ENTRY_MFN(entry));
	return 0;
}

#define AND_ENTRY(k) all &= entries[at + (k)];
#define EIGHT_ENTRIES(k)                                                                          \
	AND_ENTRY(k) AND_ENTRY((k) + 1) AND_ENTRY((k) + 2) AND_ENTRY((k) + 3)                      \
	AND_ENTRY((k) + 4) AND_ENTRY((k) + 5) AND_ENTRY((k) + 6) AND_ENTRY((k) + 7)

/* Nearly all are writable: then a group is done. */
static long group_step(__u64 i, __u64 *table)
{
	__u64 at = masked(i, ENTRIES / GROUP) * GROUP, all = ~0ULL, first = *table + at;

	EIGHT_ENTRIES(0) EIGHT_ENTRIES(8) EIGHT_ENTRIES(16) EIGHT_ENTRIES(24)
	EIGHT_ENTRIES(32) EIGHT_ENTRIES(40) EIGHT_ENTRIES(48) EIGHT_ENTRIES(56)
	if (!(all & ENTRY_WRITE))
		bpf_loop(GROUP, entry_step, &first, 0);
	return 0;
}

/* An L1 table of the direct map. */
static long readonly_step(__u64 i, void *ctx)
{
	__u64 pfn = i * ENTRIES, address = virt(pfn), l2 = direct_l2(address), l1;

	l1 = l2 ? child(l2, address >> 21 & (ENTRIES - 1)) : XP_NO_PFN;
	if (l1 == XP_NO_PFN)
		return 0;
	if (bpf_probe_read_kernel(entries, sizeof(entries), (void *)virt(l1)))
		look_at.unread++;
	else
		bpf_loop(ENTRIES / GROUP, group_step, &pfn, 0);
	return 0;
}

static __always_inline int readonly__scan(void)
{
	look_at.readonly = 0;
	bpf_loop((places.max_pfn + ENTRIES - 1) / ENTRIES, readonly_step, NULL, 0);
	look_at.end = bpf_ktime_get_ns();
	return 0;
}

#endif
