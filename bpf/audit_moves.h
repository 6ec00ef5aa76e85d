/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Was a page table at rest while it was looked at?
 *
 * The kernel's tracepoints tell when a page begins to be allocated as a page table, or
 * released, and when a tree begins to be pinned or unpinned.  None tells of the end.
 * But the kernel does its part with interrupts disabled, until Xen has answered: so
 * whatever a CPU was in the middle of is over once the CPU takes an interrupt, and
 * that is what a visit is.  The exception is a lazy MMU section, which leaves
 * hypercalls in the CPU's buffer: a visit that finds some says so.
 */
#ifndef XENPIN_BPF_AUDIT_MOVES_H
#define XENPIN_BPF_AUDIT_MOVES_H

#include "audit_frames.h"

struct xp_moves moves;

static __always_inline void page_moves(__u64 pfn)
{
	__sync_fetch_and_add(&moves.of_page[masked(xp_page_slot(pfn), XP_PAGE_SLOTS)], 1);
}

/* Of the pages of a tree only its roots: no other event tells of these. */
static __always_inline void tree_moves(__u64 pgd)
{
	__u64 pfn = pfn_of(pgd), twin;

	page_moves(pfn);
	if (read8(&twin, page_of(pfn) + bpf_core_field_offset(struct page, private)))
		page_moves(pfn_of(twin));
}

SEC("raw_tp/xen_mmu_alloc_ptpage") int moves_alloc(struct bpf_raw_tracepoint_args *ctx)
{
	page_moves(ctx->args[1]);
	return 0;
}

SEC("raw_tp/xen_mmu_release_ptpage") int moves_release(struct bpf_raw_tracepoint_args *ctx)
{
	page_moves(ctx->args[0]);
	return 0;
}

SEC("raw_tp/xen_mmu_pgd_pin") int moves_pin(struct bpf_raw_tracepoint_args *ctx)
{
	tree_moves(ctx->args[1]);
	return 0;
}

SEC("raw_tp/xen_mmu_pgd_unpin") int moves_unpin(struct bpf_raw_tracepoint_args *ctx)
{
	tree_moves(ctx->args[1]);
	return 0;
}

/* Hypercalls of this CPU that Xen has not seen yet.  A kernel for one CPU has no offsets. */
static __always_inline bool has_waiting(void)
{
	__u64 offset = 0, at;
	__u32 waiting;

	/* No guest of Xen's has none; the bench loads these programs anywhere. */
	if (!bpf_core_field_exists(((struct mc_buffer *)0)->mcidx))
		return true;
	if (places.per_cpu && !read8(&offset, places.per_cpu + bpf_get_smp_processor_id() * 8))
		return true;
	at = offset + places.mc_buffer + bpf_core_field_offset(struct mc_buffer, mcidx);
	return bpf_probe_read_kernel(&waiting, sizeof(waiting), (void *)at) || waiting;
}

/* Never attached: run on each CPU in turn, where another CPU's interrupt runs it. */
SEC("raw_tp") int visit(void *ctx)
{
	if (has_waiting())
		__sync_fetch_and_add(&moves.waiting, 1);
	return 0;
}

#endif
