/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xenpin

#if !defined(_TRACE_XENPIN_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_XENPIN_H

#include <linux/tracepoint.h>
#include <xen/xenpin.h>

/*
 * Levels are Xen's: L1 holds PTEs, L4 is the PGD, 0 is unknown.
 *
 * A hypercall that pins or unpins, with Xen's results.  @ops is valid only
 * during the call; xenpin_op reports the same operations one by one.
 */
TRACE_EVENT_FN(xenpin_batch,
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
		  __entry->entries, __entry->nops, __entry->latency_ns, __entry->direct),
	xenpin_watch, xenpin_unwatch
);

TRACE_EVENT_FN(xenpin_op,
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
		  __entry->mfn, __entry->pfn, __entry->result, __entry->direct),
	xenpin_watch, xenpin_unwatch
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

DEFINE_EVENT_FN(xenpin__flag, xenpin_flag_set,
	TP_PROTO(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		 bool old, unsigned long ip),
	TP_ARGS(mm, pfn, level, old, ip),
	xenpin_watch, xenpin_unwatch);
DEFINE_EVENT_FN(xenpin__flag, xenpin_flag_clear,
	TP_PROTO(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		 bool old, unsigned long ip),
	TP_ARGS(mm, pfn, level, old, ip),
	xenpin_watch, xenpin_unwatch);

/* struct-page init wiped out a PagePinned that was set; @where is enum xp_where. */
TRACE_EVENT_FN(xenpin_erased,
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
				   { XP_WHERE_GROW,	"grow" })),
	xenpin_watch, xenpin_unwatch
);

/* Deferred struct-page init of a node; @pages: spanned, and at the end, initialised. */
TRACE_EVENT_FN(xenpin_deferred_begin,
	TP_PROTO(int node, unsigned long pfn, unsigned long pages),
	TP_ARGS(node, pfn, pages),
	TP_STRUCT__entry(
		__field(int, node)
		__field(unsigned long, pfn)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->node = node;
		__entry->pfn = pfn;
		__entry->pages = pages;
	),
	TP_printk("node=%d pfn=0x%lx pages=%lu", __entry->node, __entry->pfn, __entry->pages),
	xenpin_watch, xenpin_unwatch
);

TRACE_EVENT_FN(xenpin_deferred_end,
	TP_PROTO(int node, unsigned long pages),
	TP_ARGS(node, pages),
	TP_STRUCT__entry(
		__field(int, node)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->node = node;
		__entry->pages = pages;
	),
	TP_printk("node=%d pages=%lu", __entry->node, __entry->pages),
	xenpin_watch, xenpin_unwatch
);

/* Xen refused an entry of a multicall: @r->u.refused says which. */
TRACE_EVENT_FN(xenpin_refused,
	TP_PROTO(const struct xp_record *r),
	TP_ARGS(r),
	TP_STRUCT__entry(
		__field(u16, hypercall)
		__field(u16, command)
		__field(u16, count)
		__field(s16, result)
		__field(u64, arg0)
		__field(u64, arg1)
	),
	TP_fast_assign(
		__entry->hypercall = r->u.refused.hypercall;
		__entry->command = r->u.refused.command;
		__entry->count = r->u.refused.count;
		__entry->result = r->u.refused.result;
		__entry->arg0 = r->u.refused.args[0];
		__entry->arg1 = r->u.refused.args[1];
	),
	TP_printk("hypercall=%u command=%u count=%u args=0x%llx,0x%llx result=%d",
		  __entry->hypercall, __entry->command, __entry->count, __entry->arg0,
		  __entry->arg1, __entry->result),
	xenpin_watch, xenpin_unwatch
);

/*
 * A record of the boot log, once the log has ended: all of the above, and page
 * tables that come and go, in the format of <xen/xenpin/record.h>.  Meant for
 * BPF, whose verifier does not take a pointer to const void; @r and the @bytes of
 * @more that follow it are valid only during the call.
 */
TRACE_EVENT_FN(xenpin_record,
	TP_PROTO(const struct xp_record *r, void *more, unsigned int bytes),
	TP_ARGS(r, more, bytes),
	TP_STRUCT__entry(
		__field(u8, kind)
		__field(u8, level)
		__field(unsigned int, bytes)
		__field(u64, t)
	),
	TP_fast_assign(
		__entry->kind = r->kind;
		__entry->level = r->level;
		__entry->bytes = bytes;
		__entry->t = r->t;
	),
	TP_printk("kind=%u level=%u bytes=%u t=%llu", __entry->kind, __entry->level,
		  __entry->bytes, __entry->t),
	xenpin_watch, xenpin_unwatch
);

#endif /* _TRACE_XENPIN_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
