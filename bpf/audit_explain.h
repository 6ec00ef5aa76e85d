/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel itself keeps read-only in the direct map besides page tables: pages that
 * it maps read-only somewhere else, too (text of modules and of BPF programs), and LDTs.
 */
#ifndef XENPIN_BPF_AUDIT_EXPLAIN_H
#define XENPIN_BPF_AUDIT_EXPLAIN_H

#include "audit_again.h"
#include "audit_readonly.h"

/* An entry of the table at hand, which is none of the direct map's. */
static long alias_step(__u64 i, void *ctx)
{
	__u64 entry = entries[masked(i, ENTRIES)], pfn;

	if ((entry & (ENTRY_PRESENT | ENTRY_WRITE)) != ENTRY_PRESENT)
		return 0;
	pfn = pfn_of_entry(entry);
	if (pfn != XP_NO_PFN)
		readonly__add(pfn, ENTRY_MFN(entry));
	return 0;
}

/* One page of descriptors lies in the direct map; more lie elsewhere, and have an alias. */
static __always_inline void explain_ldt(__u64 mm)
{
	__u64 ldt, at;

	if (!bpf_core_field_exists(((struct mm_struct *)0)->context.ldt))
		return;
	if (read8(&ldt, mm + bpf_core_field_offset(struct mm_struct, context.ldt)) && ldt &&
	    read8(&at, ldt + bpf_core_field_offset(struct ldt_struct, entries)) &&
	    at >= places.page_offset && pfn_of(at) < places.max_pfn)
		readonly__add(pfn_of(at), XP_NO_PFN);
}

/* A listed table: an L1 table of init_mm's, or the L4 table of a process. */
static long explain_step(__u64 i, void *ctx)
{
	__u32 n = i, index;
	__u64 *listed = bpf_map_lookup_elem(&again_list, &n);
	struct xp_seen *s;

	if (!listed)
		return 1;
	index = *listed;
	s = bpf_map_lookup_elem(&seen, &index);
	if (!s)
		return 1;
	if (s->level == XP_L4)
		explain_ldt(s->mm);
	else if (bpf_probe_read_kernel(entries, sizeof(entries), (void *)virt(s->pfn)))
		look_at.unread++;
	else
		bpf_loop(ENTRIES, alias_step, NULL, 0);
	return 0;
}

#endif
