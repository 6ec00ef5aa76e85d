/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xenpin

#if !defined(_TRACE_XENPIN_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_XENPIN_H

#include <linux/tracepoint.h>
#include <xen/xenpin/record.h>

/*
 * Levels are Xen's: L1 holds PTEs, L4 is the PGD, 0 is unknown.
 *
 * A hypercall that pins or unpins, with Xen's results.  @ops is valid only
 * during the call; xenpin_op reports the same operations one by one.
 */
TRACE_EVENT(xenpin_batch,
	TP_PROTO(unsigned int entries, unsigned int nops, const struct xp_op *ops,
		 u64 latency_ns, bool direct),
	TP_ARGS(entries, nops, ops, latency_ns, direct),
	TP_STRUCT__entry(
		__field(unsigned int, entries)
		__field(unsigned int, nops)
		__field(u64, latency_ns)
		__field(bool, direct)
	),
	TP_fast_assign(
		__entry->entries = entries;
		__entry->nops = nops;
		__entry->latency_ns = latency_ns;
		__entry->direct = direct;
	),
	TP_printk("entries=%u nops=%u latency_ns=%llu direct=%d",
		  __entry->entries, __entry->nops, __entry->latency_ns, __entry->direct)
);

TRACE_EVENT(xenpin_op,
	TP_PROTO(const struct xp_op *op, bool direct),
	TP_ARGS(op, direct),
	TP_STRUCT__entry(
		__field(u64, mfn)
		__field(u64, pfn)
		__field(s64, result)
		__field(u8, op)
		__field(u8, level)
		__field(bool, direct)
	),
	TP_fast_assign(
		__entry->mfn = op->mfn;
		__entry->pfn = op->pfn;
		__entry->result = op->result;
		__entry->op = op->op;
		__entry->level = op->level;
		__entry->direct = direct;
	),
	TP_printk("op=%s level=%u mfn=0x%llx pfn=0x%llx result=%lld direct=%d",
		  __entry->op == XP_OP_PIN ? "pin" : "unpin", __entry->level,
		  __entry->mfn, __entry->pfn, __entry->result, __entry->direct)
);

/* PagePinned was written; @old is its value before, @ip the place. */
DECLARE_EVENT_CLASS(xenpin__flag,
	TP_PROTO(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		 bool old, unsigned long ip),
	TP_ARGS(mm, pfn, level, old, ip),
	TP_STRUCT__entry(
		__field(const void *, mm)
		__field(unsigned long, pfn)
		__field(unsigned int, level)
		__field(bool, old)
		__field(unsigned long, ip)
	),
	TP_fast_assign(
		__entry->mm = mm;
		__entry->pfn = pfn;
		__entry->level = level;
		__entry->old = old;
		__entry->ip = ip;
	),
	TP_printk("mm=%p pfn=0x%lx level=%u old=%d ip=%pS",
		  __entry->mm, __entry->pfn, __entry->level, __entry->old,
		  (void *)__entry->ip)
);

DEFINE_EVENT(xenpin__flag, xenpin_flag_set,
	TP_PROTO(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		 bool old, unsigned long ip),
	TP_ARGS(mm, pfn, level, old, ip));
DEFINE_EVENT(xenpin__flag, xenpin_flag_clear,
	TP_PROTO(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		 bool old, unsigned long ip),
	TP_ARGS(mm, pfn, level, old, ip));

/* struct-page init wiped out a PagePinned that was set; @where is enum xp_where. */
TRACE_EVENT(xenpin_erased,
	TP_PROTO(unsigned long pfn, unsigned int level, unsigned int where),
	TP_ARGS(pfn, level, where),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, level)
		__field(unsigned int, where)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->level = level;
		__entry->where = where;
	),
	TP_printk("pfn=0x%lx level=%u where=%s", __entry->pfn, __entry->level,
		  __print_symbolic(__entry->where,
				   { XP_WHERE_NONE,	"memmap" },
				   { XP_WHERE_HANDOVER,	"handover" },
				   { XP_WHERE_DEFERRED,	"deferred" },
				   { XP_WHERE_GROW,	"grow" }))
);

/* The after-bootmem hook set a flag again that had been wiped out. */
TRACE_EVENT(xenpin_repaired,
	TP_PROTO(unsigned long pfn, unsigned int level),
	TP_ARGS(pfn, level),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, level)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->level = level;
	),
	TP_printk("pfn=0x%lx level=%u", __entry->pfn, __entry->level)
);

/*
 * Stages of boot.  @pfn and @pages are the first page and the number of pages
 * that the stage is about (0 where it has none), @threads its parallelism.
 */
DECLARE_EVENT_CLASS(xenpin__boot,
	TP_PROTO(unsigned int node, unsigned long pfn, unsigned long pages,
		 unsigned int threads),
	TP_ARGS(node, pfn, pages, threads),
	TP_STRUCT__entry(
		__field(unsigned int, node)
		__field(unsigned long, pfn)
		__field(unsigned long, pages)
		__field(unsigned int, threads)
	),
	TP_fast_assign(
		__entry->node = node;
		__entry->pfn = pfn;
		__entry->pages = pages;
		__entry->threads = threads;
	),
	TP_printk("node=%u pfn=0x%lx pages=%lu threads=%u", __entry->node,
		  __entry->pfn, __entry->pages, __entry->threads)
);
#define DEFINE_XENPIN_BOOT(name)						\
	DEFINE_EVENT(xenpin__boot, name,					\
		TP_PROTO(unsigned int node, unsigned long pfn,			\
			 unsigned long pages, unsigned int threads),		\
		TP_ARGS(node, pfn, pages, threads))

DEFINE_XENPIN_BOOT(xenpin_handover_begin);
DEFINE_XENPIN_BOOT(xenpin_handover_end);	/* pages: freed to the allocator */
DEFINE_XENPIN_BOOT(xenpin_hook_begin);
DEFINE_XENPIN_BOOT(xenpin_hook_end);		/* pages: marked PagePinned */
DEFINE_XENPIN_BOOT(xenpin_deferred_begin);	/* pages: spanned, holes included */
DEFINE_XENPIN_BOOT(xenpin_deferred_end);	/* pages: initialised */

/*
 * A range of struct pages, initialised by one thread, on demand, or before the
 * hand-over (@where): then there is one event before, without pages, and one
 * after.  During the hand-over: all reserved pages are initialised now.
 */
TRACE_EVENT(xenpin_deferred_range,
	TP_PROTO(unsigned int node, unsigned long pfn, unsigned long pages,
		 unsigned int threads, unsigned int where),
	TP_ARGS(node, pfn, pages, threads, where),
	TP_STRUCT__entry(
		__field(unsigned int, node)
		__field(unsigned long, pfn)
		__field(unsigned long, pages)
		__field(unsigned int, threads)
		__field(unsigned int, where)
	),
	TP_fast_assign(
		__entry->node = node;
		__entry->pfn = pfn;
		__entry->pages = pages;
		__entry->threads = threads;
		__entry->where = where;
	),
	TP_printk("node=%u pfn=0x%lx pages=%lu threads=%u where=%s", __entry->node,
		  __entry->pfn, __entry->pages, __entry->threads,
		  __print_symbolic(__entry->where,
				   { XP_WHERE_NONE,	"memmap" },
				   { XP_WHERE_HANDOVER,	"handover" },
				   { XP_WHERE_DEFERRED,	"deferred" },
				   { XP_WHERE_GROW,	"grow" }))
);

/*
 * A record of the boot log, once the log has ended: all of the above, and page
 * tables that come and go, in the format of xenpin_record.h.  Meant for BPF;
 * @r and the @nops operations that follow it are valid only during the call.
 */
TRACE_EVENT(xenpin_record,
	TP_PROTO(const struct xp_record *r, const struct xp_op *ops, unsigned int nops),
	TP_ARGS(r, ops, nops),
	TP_STRUCT__entry(
		__field(u8, kind)
		__field(u8, level)
		__field(unsigned int, nops)
		__field(u64, t)
	),
	TP_fast_assign(
		__entry->kind = r->kind;
		__entry->level = r->level;
		__entry->nops = nops;
		__entry->t = r->t;
	),
	TP_printk("kind=%u level=%u nops=%u t=%llu", __entry->kind, __entry->level,
		  __entry->nops, __entry->t)
);

#endif /* _TRACE_XENPIN_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
