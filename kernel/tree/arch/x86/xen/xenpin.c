// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens between Xen and the page tables of a PV guest, and to the
 * guest's own memo of it, PagePinned: each event goes to the boot log while
 * there is one, and to tracers.  See include/xen/xenpin.h.
 */
#define pr_fmt(fmt) "xenpin: " fmt

#include <linux/cpumask.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/stacktrace.h>
#include <linux/topology.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/interface/xen.h>
#include <xen/xen.h>

#include "xenpin_internal.h"

DEFINE_STATIC_KEY_MAYBE(CONFIG_XENPIN_BOOT_LOG, xenpin_key);

int xenpin_watch(void)
{
	static_branch_inc(&xenpin_key);
	return 0;
}

void xenpin_unwatch(void)
{
	static_branch_dec(&xenpin_key);
}

#define CREATE_TRACE_POINTS
#include <trace/events/xenpin.h>

struct xp_boot_log xenpin_header = {
	.magic		= XP_LOG_MAGIC,
	.version	= XP_LOG_VERSION,
	.record_size	= XP_SLOT,
	.header_size	= sizeof(struct xp_boot_log),
	.nodes		= MAX_NUMNODES < XP_LOG_NODES ? MAX_NUMNODES : XP_LOG_NODES,
	.first_deferred_pfn = { [0 ... XP_LOG_NODES - 1] = XP_NO_PFN },
};

static bool in_handover, in_hook;
static unsigned long hook_marked;

/* Of an entry, what a refusal is told with; what its arguments point to stays as it is. */
struct asked {
	unsigned long op;
	unsigned long args[2];
};

/*
 * What one hypercall asks for: the pins and unpins, each with the entry that
 * carries it; and where refusals are watched, all entries.
 */
struct xenpin_batch {
	u64 start;
	unsigned int entries;
	unsigned int nops;
	unsigned int nasked;
	struct xp_op ops[XP_OPS_MAX];
	u8 entry[XP_OPS_MAX];
	struct asked asked[XP_OPS_MAX];
};

static DEFINE_PER_CPU(struct xenpin_batch, xenpin_batch);

/* Most multicalls pin and unpin nothing, and are not searched. */
DEFINE_PER_CPU(bool, xenpin_pins_queued);

static void fill_op(struct xp_op *op, unsigned int cmd, unsigned long mfn, unsigned long pfn)
{
	*op = (struct xp_op){
		.mfn	= mfn,
		.pfn	= pfn,
		.op	= cmd == MMUEXT_UNPIN_TABLE ? XP_OP_UNPIN : XP_OP_PIN,
		.level	= cmd == MMUEXT_UNPIN_TABLE ? XP_L_NONE : XP_L1 + cmd - MMUEXT_PIN_L1_TABLE,
	};
}

/* Of mmu_update.ptr: MMU_NORMAL_PT_UPDATE and the others. */
#define UPDATE_TYPE	3UL

/* Both structures of operations stand in the buffer of the CPU that asks. */
static void fill_refused(struct xp_refused *r, const struct asked *asked)
{
	bool operations = asked->op == __HYPERVISOR_mmuext_op ||
			  asked->op == __HYPERVISOR_mmu_update;

	*r = (struct xp_refused){
		.hypercall = asked->op, .count = 1, .args = { asked->args[0], asked->args[1] },
	};
	if (!operations)
		return;
	r->count = asked->args[1];
	if (!r->count) {
		r->command = XP_NO_COMMAND;
		r->args[0] = r->args[1] = ~0ULL;
	} else if (asked->op == __HYPERVISOR_mmuext_op) {
		const struct mmuext_op *op = (const void *)asked->args[0];

		r->command = op->cmd;
		r->args[0] = op->arg1.mfn;
		r->args[1] = (unsigned long)op->arg2.vcpumask;
	} else {
		const struct mmu_update *update = (const void *)asked->args[0];

		r->command = update->ptr & UPDATE_TYPE;
		r->args[0] = update->ptr & ~UPDATE_TYPE;
		r->args[1] = update->val;
	}
}

static void report_ops(struct xenpin_batch *b, u64 latency, bool direct)
{
	struct xp_record r = {
		.kind = direct ? XP_UNBATCHED : XP_BATCH,
		.flags = XP_F_RESULT,
		.u.batch = { .entries = b->entries, .nops = b->nops, .latency_ns = latency },
	};
	unsigned int i;

	/* Two operations fill a slot of a record. */
	if (b->nops % 2)
		memset(&b->ops[b->nops], 0, sizeof(b->ops[0]));
	if (xenpin_logged())
		xenpin_log(&r, b->ops, b->nops * sizeof(b->ops[0]));
	trace_xenpin_batch(b->entries, b->nops, b->ops, latency, direct);
	if (trace_xenpin_op_enabled())
		for (i = 0; i < b->nops; i++)
			trace_xenpin_op(&b->ops[i], direct);
}

static noinline void report_refused(const struct asked *asked, long result)
{
	unsigned long stack[XP_STACK_MAX] = {};
	struct xp_record r = { .kind = XP_REFUSED, .flags = XP_F_STACK };

	fill_refused(&r.u.refused, asked);
	r.u.refused.result = result;
	/* From xen_mc_flush() on: who had the buffer flushed. */
	stack_trace_save(stack, XP_STACK_MAX, 2);
	if (xenpin_logged())
		xenpin_log(&r, stack, sizeof(stack));
	trace_xenpin_refused(&r);
}

static void note_asked(struct xenpin_batch *b, const struct multicall_entry *mc, unsigned int n)
{
	b->nasked = min_t(unsigned int, n, XP_OPS_MAX);
	for (n = 0; n < b->nasked; n++)
		b->asked[n] = (struct asked){ mc[n].op, { mc[n].args[0], mc[n].args[1] } };
}

static void note_ops(struct xenpin_batch *b, const struct multicall_entry *mc, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		const struct mmuext_op *op = (const void *)mc[i].args[0];

		if (mc[i].op != __HYPERVISOR_mmuext_op)
			continue;
		for (j = 0; j < mc[i].args[1] && b->nops < XP_OPS_MAX; j++, op++) {
			if (op->cmd > MMUEXT_UNPIN_TABLE)
				continue;
			fill_op(&b->ops[b->nops], op->cmd, op->arg1.mfn,
				mfn_to_pfn(op->arg1.mfn));
			b->entry[b->nops++] = i;
		}
	}
}

struct xenpin_batch *__xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n)
{
	struct xenpin_batch *b = this_cpu_ptr(&xenpin_batch);

	b->entries = n;
	b->nops = 0;
	b->nasked = 0;
	if (trace_xenpin_refused_enabled() || xenpin_logged())
		note_asked(b, mc, n);
	if (__this_cpu_read(xenpin_pins_queued)) {
		__this_cpu_write(xenpin_pins_queued, false);
		note_ops(b, mc, n);
	}
	b->start = b->nops ? local_clock() : 0;
	return b;
}

/*
 * An entry has one result for all its operations: when it is an error, Xen
 * stopped at one of them, and does not say at which.
 */
void __xenpin_batch_end(struct xenpin_batch *b, const struct multicall_entry *mc,
			unsigned int refused)
{
	unsigned int i;

	if (b->nops) {
		u64 latency = local_clock() - b->start;

		for (i = 0; i < b->nops; i++)
			b->ops[i].result = (long)mc[b->entry[i]].result;
		report_ops(b, latency, false);
	}
	for (i = 0; refused && i < b->nasked; i++)
		if ((long)mc[i].result < 0)
			report_refused(&b->asked[i], mc[i].result);
}

void __xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn, long result)
{
	struct xenpin_batch *b;
	unsigned long flags;

	local_irq_save(flags);
	b = this_cpu_ptr(&xenpin_batch);
	b->entries = 1;
	b->nops = 1;
	fill_op(&b->ops[0], cmd, mfn, pfn);
	b->ops[0].result = result;
	report_ops(b, 0, true);
	local_irq_restore(flags);
}

/* For the log; Xen has tracepoints of its own for these. */
void __xenpin_table(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		    unsigned int level, bool pinned, unsigned long ip)
{
	struct xp_record r = {
		.kind = kind,
		.level = level,
		.flags = pinned ? XP_F_PINNED : 0,
		.u.table = { .pfn = pfn, .mm = (unsigned long)mm, .ip = ip },
	};

	/* A release says the flag, an allocation whether the mm is pinned. */
	if (kind == XP_TABLE_RELEASE && level)
		r.flags |= XP_F_FLAG_KNOWN | (pinned ? XP_F_FLAG : 0);
	if (xenpin_logged())
		xenpin_log(&r, NULL, 0);
}

void __xenpin_mm(enum xp_kind kind, const struct mm_struct *mm, const void *pgd)
{
	struct xp_record r = {
		.kind = kind,
		.level = XP_L4,
		.u.mm = { .mm = (unsigned long)mm, .pgd = (unsigned long)pgd,
			  .pgd_pfn = PFN_DOWN(__pa(pgd)) },
	};

	if (xenpin_logged())
		xenpin_log(&r, NULL, 0);
}

static void log_flag(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		     unsigned int level, bool old, enum xp_where where, unsigned long ip)
{
	struct xp_record r = {
		.kind = kind,
		.level = level,
		.flags = XP_F_FLAG_KNOWN | (old ? XP_F_FLAG : 0),
		.where = where,
		.u.flag = { .pfn = pfn, .mm = (unsigned long)mm, .ip = ip },
	};

	if (xenpin_logged())
		xenpin_log(&r, NULL, 0);
}

void __xenpin_flag(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		   bool set, bool old, unsigned long ip)
{
	bool repaired;

	/* The hook meets tables twice that are reached by two paths, or were marked early. */
	if (in_hook && set && old)
		return;
	repaired = xenpin_track(pfn, level, set) && in_hook;
	log_flag(set ? XP_FLAG_SET : XP_FLAG_CLEAR, mm, pfn, level, old, XP_WHERE_NONE, ip);
	if (set)
		trace_xenpin_flag_set(mm, pfn, level, old, ip);
	else
		trace_xenpin_flag_clear(mm, pfn, level, old, ip);
	if (in_hook)
		hook_marked++;
	if (repaired) {
		xenpin_header.repaired++;
		log_flag(XP_REPAIRED, mm, pfn, level, false, XP_WHERE_NONE, ip);
	}
}

/*
 * Who initialises this struct page?  Before the hand-over, memmap init; during
 * it, reserved pages; after it, deferred init, which first withdraws the node's
 * first_deferred_pfn, or somebody who needed memory before that.
 */
static enum xp_where where_now(int nid)
{
	static bool after_handover;

	if (in_handover) {
		after_handover = true;
		return XP_WHERE_HANDOVER;
	}
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
	if (after_handover)
		return NODE_DATA(nid)->first_deferred_pfn == ULONG_MAX ?
		       XP_WHERE_DEFERRED : XP_WHERE_GROW;
#endif
	return XP_WHERE_NONE;
}

void __xenpin_page_init(unsigned long pfn, int nid)
{
	enum xp_where where = where_now(nid);
	unsigned int level;

	if (!xenpin_track_erase(pfn, where, &level))
		return;
	xenpin_note_erased(pfn, level, where);
	log_flag(XP_ERASED, NULL, pfn, level, true, where, _RET_IP_);
	trace_xenpin_erased(pfn, level, where);
}

static void log_boot(enum xp_kind kind, int node, unsigned long pfn, unsigned long pages,
		     unsigned int threads, enum xp_where where)
{
	struct xp_record r = {
		.kind = kind,
		.where = where,
		.u.boot = { .pfn = pfn, .pages = pages, .node = node, .threads = threads },
	};

	if (xenpin_logged())
		xenpin_log(&r, NULL, 0);
}

/* A pair for each range: the first has no pages, the second those that were not deferred. */
void __init __xenpin_memmap_begin(int nid, unsigned long pfn)
{
	if (!xen_pv_domain()) {
		xenpin_log_elsewhere();
		return;
	}
	log_boot(XP_DEFERRED_RANGE, nid, pfn, 0, 1, XP_WHERE_NONE);
}

void __init __xenpin_memmap_end(int nid, unsigned long pfn, unsigned long end)
{
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
	end = min(end, NODE_DATA(nid)->first_deferred_pfn);
#endif
	log_boot(XP_DEFERRED_RANGE, nid, pfn, end > pfn ? end - pfn : 0, 1, XP_WHERE_NONE);
}

static void __init note_deferred(void)
{
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
	unsigned int nid;

	for_each_online_node(nid)
		if (nid < XP_LOG_NODES)
			xenpin_header.first_deferred_pfn[nid] =
				NODE_DATA(nid)->first_deferred_pfn;
#endif
}

void __init __xenpin_handover_begin(void)
{
	xenpin_mark_early();
	log_boot(XP_HANDOVER_BEGIN, 0, 0, 0, 1, XP_WHERE_NONE);
	note_deferred();
	in_handover = true;
}

void __init __xenpin_reserved_done(void)
{
	log_boot(XP_DEFERRED_RANGE, 0, 0, 0, 1, XP_WHERE_HANDOVER);
}

/* What comes between the end of the hand-over and this is the allocator's own book-keeping. */
void __init __xenpin_hook_begin(void)
{
	log_boot(XP_HANDOVER_END, 0, 0, totalram_pages(), 1, XP_WHERE_NONE);
	in_handover = false;
	log_boot(XP_HOOK_BEGIN, 0, 0, 0, 1, XP_WHERE_NONE);
	in_hook = true;
}

void __init __xenpin_hook_end(void)
{
	unsigned long marked, deferred;

	if (xenpin_marking_mode() == XP_MODE_REPAIR) {
		xenpin_track_repair();
		pr_info("repaired=%llu\n", xenpin_header.repaired);
	}
	in_hook = false;
	xenpin_track_count(&marked, &deferred);
	xenpin_header.marked = marked;
	xenpin_header.marked_deferred = deferred;
	log_boot(XP_HOOK_END, 0, 0, hook_marked, 1, XP_WHERE_NONE);
}

/* Deferred init leaves out what is reserved: that was initialised at the hand-over. */
static unsigned long __init deferred_pages(int nid, unsigned long pfn)
{
	phys_addr_t start, end;
	unsigned long pages = 0;
	u64 i;

	for_each_free_mem_range(i, nid, MEMBLOCK_NONE, &start, &end, NULL) {
		unsigned long from = max(PFN_UP(start), pfn), to = PFN_DOWN(end);

		pages += to > from ? to - from : 0;
	}
	return pages;
}

static unsigned long deferred_of_node[MAX_NUMNODES] __initdata;

/* At most: a thread for each CPU of the node, and not more than sections are touched. */
static unsigned int __init deferred_threads(int nid)
{
	unsigned long cpus = max(cpumask_weight(cpumask_of_node(nid)), 1U);

	return min(deferred_of_node[nid] / PAGES_PER_SECTION + 1, cpus);
}

void __init __xenpin_deferred_begin(int nid, unsigned long pfn)
{
	deferred_of_node[nid] = deferred_pages(nid, pfn);
	log_boot(XP_DEFERRED_BEGIN, nid, pfn, pgdat_end_pfn(NODE_DATA(nid)) - pfn,
		 deferred_threads(nid), XP_WHERE_NONE);
	trace_xenpin_deferred_begin(nid, pfn, pgdat_end_pfn(NODE_DATA(nid)) - pfn);
}

void __init __xenpin_deferred_end(int nid)
{
	log_boot(XP_DEFERRED_END, nid, 0, deferred_of_node[nid], deferred_threads(nid),
		 XP_WHERE_NONE);
	trace_xenpin_deferred_end(nid, deferred_of_node[nid]);
}

static bool track_wanted __initdata;

static int __init xenpin_track_setup(char *arg)
{
	return kstrtobool(arg ?: "1", &track_wanted);
}
early_param("xenpin.track", xenpin_track_setup);

void __init xenpin_begin(void (*mark)(void))
{
	bool marking = xenpin_marking_begin(mark), logging = xenpin_log_begin();

	xenpin_header.mode = xenpin_marking_mode();
	if (xenpin_track_begin(track_wanted || marking || logging) || logging)
		xenpin_console_begin();
}
