// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live tracer: page-table life, and every pin and unpin hypercall.
 *
 * Each probe has one body and a wrapper per way to attach; the loader loads the
 * way that this kernel has (src/trace/probes.c).
 */
#include "direct_map.h"
#include "table_life.h"
#include "flight.h"
#include "refused.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define MM_EVENT(kind_, probe_) \
	((struct xp_event){ .kind = kind_, .probe = probe_, .level = XP_L4 })

/* One body, two ways to attach to a tracepoint; for some probes there is a third, see below. */
#define TRACEPOINT(event, name, args, call)                                                       \
	SEC("tp_btf/" #event) int BPF_PROG(name##_btf, UNPAREN args)                               \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	SEC("raw_tp/" #event) int BPF_PROG(name##_raw, UNPAREN args)                               \
	{                                                                                          \
		return call;                                                                       \
	}
#define UNPAREN(...) __VA_ARGS__

TRACEPOINT(xen_mmu_alloc_ptpage, alloc,
	   (struct mm_struct * mm, unsigned long pfn, unsigned int level, bool pinned),
	   on_alloc(ctx, mm, pfn, level, pinned))
TRACEPOINT(xen_mmu_release_ptpage, release, (unsigned long pfn, unsigned int level, bool pinned),
	   on_release(ctx, pfn, level, pinned))
TRACEPOINT(xen_mmu_pgd_pin, pgd_pin, (struct mm_struct * mm, void *pgd),
	   on_mm(ctx, MM_EVENT(XP_MM_PIN, XP_PROBE_PGD_PIN), XP_W_MM_PIN, mm, pgd))
/* A program of its own, since it takes a while to load, and only who is to judge wants it. */
TRACEPOINT(xen_mmu_pgd_unpin, upper, (struct mm_struct * mm, void *pgd),
	   on_unpin_look(ctx, mm, pgd))
TRACEPOINT(xen_mmu_pgd_unpin, pgd_unpin, (struct mm_struct * mm, void *pgd),
	   on_mm(ctx, MM_EVENT(XP_MM_UNPIN, XP_PROBE_PGD_UNPIN), XP_W_MM_UNPIN, mm, pgd))

/*
 * Where tracepoints can be preempted (PREEMPTIBLE_TRACEPOINTS): a whole process
 * may end while others' programs are skipped.
 */
SEC("tp/xen/xen_mmu_alloc_ptpage")
int alloc_tp(struct trace_event_raw_xen_mmu_alloc_ptpage *ctx)
{
	return on_alloc(ctx, ctx->mm, ctx->pfn, ctx->level, ctx->pinned);
}
SEC("tp/xen/xen_mmu_release_ptpage")
int release_tp(struct trace_event_raw_xen_mmu_release_ptpage *ctx)
{
	return on_release(ctx, ctx->pfn, ctx->level, ctx->pinned);
}

/* Of the series in kernel/. */
#define FLAG_ARGS \
	(struct mm_struct * mm, unsigned long pfn, unsigned int level, bool old, unsigned long ip)
#define FLAG_EVENT(kind_, probe_) ((struct xp_event){ .kind = kind_, .probe = probe_ })

TRACEPOINT(xenpin_flag_set, flag_set, FLAG_ARGS,
	   on_flag(ctx, FLAG_EVENT(XP_FLAG_SET, XP_PROBE_FLAG_SET), XP_W_SET, (__u64)mm, pfn, level, old,
		   ip))
TRACEPOINT(xenpin_flag_clear, flag_clear, FLAG_ARGS,
	   on_flag(ctx, FLAG_EVENT(XP_FLAG_CLEAR, XP_PROBE_FLAG_CLEAR), XP_W_CLEAR, (__u64)mm, pfn,
		   level, old, ip))

/* Of printk(): bpf/refused.h. */
TRACEPOINT(console, refused, (const char *text, unsigned long len), on_printk(ctx, text, len))

/* The way in of a flush, and its ways out: bpf/flight.h. */
TRACEPOINT(xen_mc_flush, flush, (unsigned int entries), on_flush(ctx, entries))

SEC("fentry/xen_pte_unlock") int tree_flushed(void *ctx)
{
	return on_flushed(false);
}
SEC("fexit/xen_alloc_pte") int alloc_flushed(void *ctx)
{
	return on_flushed(true);
}
SEC("fexit/xen_release_pte") int release_flushed(void *ctx)
{
	return on_flushed(true);
}

/* Run once, before anything is attached. */
SEC("syscall") int locate(void *ctx)
{
	kaddr__locate();
	printk__locate();
	return 0;
}

/* The same, for who wants the direct map, or is not told the addresses of symbols. */
SEC("syscall") int locate_map(void *ctx)
{
	direct_map__locate();
	printk__locate();
	return 0;
}
