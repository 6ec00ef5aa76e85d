// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens between Xen and the page tables of a PV guest, and to the
 * guest's own memo of it, PagePinned.  See include/xen/xenpin.h.
 */
#include <linux/hash.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/interface/xen.h>
#include <xen/xenpin.h>

#define CREATE_TRACE_POINTS
#include <trace/events/xenpin.h>

/* The pins and unpins of one hypercall, each with the entry that carries it. */
struct xenpin_batch {
	u64 start;
	unsigned int entries;
	unsigned int nops;
	struct xp_op ops[XP_OPS_MAX];
	u8 entry[XP_OPS_MAX];
};

static DEFINE_PER_CPU(struct xenpin_batch, xenpin_batch);

static bool xenpin_fill_op(struct xp_op *op, unsigned int cmd, unsigned long mfn,
			   unsigned long pfn)
{
	if (cmd > MMUEXT_UNPIN_TABLE)
		return false;

	memset(op, 0, sizeof(*op));
	op->mfn = mfn;
	op->pfn = pfn;
	if (cmd == MMUEXT_UNPIN_TABLE) {
		op->op = XP_OP_UNPIN;
		op->level = XP_L_NONE;
	} else {
		op->op = XP_OP_PIN;
		op->level = XP_L1 + cmd - MMUEXT_PIN_L1_TABLE;
	}
	return true;
}

static void xenpin_report_ops(struct xenpin_batch *b, u64 latency, bool direct)
{
	unsigned int i;

	/* Two operations fill a slot of a record. */
	if (b->nops % 2)
		memset(&b->ops[b->nops], 0, sizeof(b->ops[0]));
	if (xenpin_logged())
		xenpin_log_ops(b->entries, b->nops, b->ops, latency, direct);
	trace_xenpin_batch(b->entries, b->nops, b->ops, latency, direct);
	if (trace_xenpin_op_enabled())
		for (i = 0; i < b->nops; i++)
			trace_xenpin_op(&b->ops[i], direct);
}

struct xenpin_batch *__xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n)
{
	struct xenpin_batch *b = this_cpu_ptr(&xenpin_batch);
	unsigned int i, j;

	b->entries = n;
	b->nops = 0;
	for (i = 0; i < n; i++) {
		const struct mmuext_op *op = (const void *)mc[i].args[0];

		if (mc[i].op != __HYPERVISOR_mmuext_op)
			continue;
		for (j = 0; j < mc[i].args[1] && b->nops < XP_OPS_MAX; j++, op++) {
			if (op->cmd > MMUEXT_UNPIN_TABLE)
				continue;
			xenpin_fill_op(&b->ops[b->nops], op->cmd, op->arg1.mfn,
				       mfn_to_pfn(op->arg1.mfn));
			b->entry[b->nops++] = i;
		}
	}
	if (!b->nops)
		return NULL;
	b->start = local_clock();
	return b;
}

/*
 * An entry has one result for all its operations: when it is an error, Xen
 * stopped at one of them, and does not say at which.
 */
void __xenpin_batch_end(struct xenpin_batch *b, const struct multicall_entry *mc)
{
	u64 latency = local_clock() - b->start;
	unsigned int i;

	for (i = 0; i < b->nops; i++)
		b->ops[i].result = (long)mc[b->entry[i]].result;
	xenpin_report_ops(b, latency, false);
}

void __xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn, long result)
{
	struct xenpin_batch *b;
	unsigned long flags;

	local_irq_save(flags);
	b = this_cpu_ptr(&xenpin_batch);
	b->entries = 1;
	b->nops = 1;
	if (xenpin_fill_op(&b->ops[0], cmd, mfn, pfn)) {
		b->ops[0].result = result;
		xenpin_report_ops(b, 0, true);
	}
	local_irq_restore(flags);
}

/*
 * The pages whose PagePinned is set, while not all struct pages are valid: an
 * open hash of pfns with their levels.  Allocated when boot memory can be, and
 * freed after deferred init.  Sized for a table for every 2 MiB of memory, as
 * the direct map of a PV guest has it, at a load of at most a quarter.
 */
struct xenpin_tracked {
	unsigned long pfn;
	u8 used;
	u8 set;
	u8 level;
	u8 erased;
	u8 where;
};

DEFINE_STATIC_KEY_FALSE(xenpin_tracking);
static bool xenpin_track_wanted __initdata;
static struct xenpin_tracked *xenpin_table;
static unsigned int xenpin_table_bits;
static DEFINE_RAW_SPINLOCK(xenpin_table_lock);
static bool xenpin_in_handover;
static bool xenpin_after_handover;

static int __init xenpin_track_setup(char *arg)
{
	return kstrtobool(arg ?: "1", &xenpin_track_wanted);
}
early_param("xenpin.track", xenpin_track_setup);

void __init xenpin_track_request(void)
{
	xenpin_track_wanted = true;
}

/* The entry of @pfn, or the empty one where it belongs; NULL: neither is there. */
static struct xenpin_tracked *xenpin_slot(struct xenpin_tracked *table, unsigned long pfn)
{
	unsigned int size = 1U << xenpin_table_bits, i, n;

	if (!table)
		return NULL;
	i = hash_long(pfn, xenpin_table_bits);
	for (n = 0; n < size; n++, i = (i + 1) & (size - 1))
		if (!table[i].used || table[i].pfn == pfn)
			return &table[i];
	return NULL;
}

/* Call with the lock held; NULL: not there, or with @add, no space. */
static struct xenpin_tracked *xenpin_find(unsigned long pfn, bool add)
{
	struct xenpin_tracked *t = xenpin_slot(xenpin_table, pfn);

	if (!t || t->used || !add)
		return t && t->used ? t : NULL;
	t->used = true;
	t->pfn = pfn;
	return t;
}

static void xenpin_track(unsigned long pfn, unsigned int level, bool set)
{
	struct xenpin_tracked *t;
	unsigned long flags;

	raw_spin_lock_irqsave(&xenpin_table_lock, flags);
	t = xenpin_find(pfn, set);
	if (t) {
		t->set = set;
		t->level = level;
		t->erased = false;
	} else if (set && xenpin_table) {
		xenpin_note_untracked();
	}
	raw_spin_unlock_irqrestore(&xenpin_table_lock, flags);
}

void __init xenpin_track_begin(void)
{
	unsigned long tables = max_pfn / PTRS_PER_PTE + 1024;

	xenpin_log_init();
	if (!xenpin_track_wanted && !xenpin_log_active())
		return;
	xenpin_table_bits = order_base_2(4 * tables);
	xenpin_table = memblock_alloc(sizeof(*xenpin_table) << xenpin_table_bits, PAGE_SIZE);
	if (!xenpin_table) {
		pr_warn("xenpin: no memory to track flags; erased ones go unnoticed\n");
		return;
	}
	static_branch_enable(&xenpin_tracking);
}

void __init xenpin_track_end(void)
{
	struct xenpin_tracked *table = xenpin_table;

	if (!table)
		return;
	static_branch_disable(&xenpin_tracking);
	raw_spin_lock_irq(&xenpin_table_lock);
	WRITE_ONCE(xenpin_table, NULL);
	raw_spin_unlock_irq(&xenpin_table_lock);
	/* A CPU that dies just now may still look into it. */
	synchronize_rcu();
	free_reserved_area(table, table + (1UL << xenpin_table_bits), -1, NULL);
}

/* How many page tables carry the flag, and how many of them could have lost it. */
static void __init xenpin_count_marked(void)
{
	unsigned long marked = 0, deferred = 0;
	unsigned int i;

	for (i = 0; xenpin_table && i < 1U << xenpin_table_bits; i++) {
		if (!xenpin_table[i].set)
			continue;
		marked++;
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
		if (xenpin_table[i].pfn >=
		    NODE_DATA(early_pfn_to_nid(xenpin_table[i].pfn))->first_deferred_pfn)
			deferred++;
#endif
	}
	xenpin_note_marked(marked, deferred);
}

/*
 * Call @mark, which sets the flag, for each page that still lacks what struct
 * page init took: boot page tables that no walk of init_mm finds.
 */
void __init xenpin_repair_erased(void (*mark)(unsigned long pfn, unsigned int level))
{
	unsigned int i;

	for (i = 0; xenpin_table && i < 1U << xenpin_table_bits; i++)
		if (xenpin_table[i].erased)
			mark(xenpin_table[i].pfn, xenpin_table[i].level);
}

void __xenpin_flag(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		   bool set, bool old, unsigned long ip)
{
	if (static_branch_unlikely(&xenpin_tracking))
		xenpin_track(pfn, level, set);
	if (xenpin_logged())
		xenpin_log_flag(set ? XP_FLAG_SET : XP_FLAG_CLEAR, mm, pfn, level, old,
				XP_WHERE_NONE, ip);
	if (set)
		trace_xenpin_flag_set(mm, pfn, level, old, ip);
	else
		trace_xenpin_flag_clear(mm, pfn, level, old, ip);
}

void __xenpin_repaired(const struct mm_struct *mm, unsigned long pfn, unsigned int level)
{
	xenpin_note_repaired();
	if (xenpin_logged())
		xenpin_log_flag(XP_REPAIRED, mm, pfn, level, false, XP_WHERE_NONE, _RET_IP_);
	trace_xenpin_repaired(pfn, level);
}

/*
 * Who initialises this struct page?  Before the hand-over, memmap init; during
 * it, reserved pages; after it, deferred init, which first withdraws the node's
 * first_deferred_pfn, or somebody who needed memory before that.
 */
static enum xp_where xenpin_where(int nid)
{
	if (xenpin_in_handover)
		return XP_WHERE_HANDOVER;
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
	if (xenpin_after_handover)
		return NODE_DATA(nid)->first_deferred_pfn == ULONG_MAX ?
		       XP_WHERE_DEFERRED : XP_WHERE_GROW;
#endif
	return XP_WHERE_NONE;
}

void __xenpin_page_init(unsigned long pfn, int nid)
{
	enum xp_where where = xenpin_where(nid);
	struct xenpin_tracked *t;
	unsigned int level = 0;
	bool erased = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&xenpin_table_lock, flags);
	t = xenpin_find(pfn, false);
	if (t && t->set) {
		erased = true;
		level = t->level;
		t->set = false;
		t->erased = true;
		t->where = where;
	}
	raw_spin_unlock_irqrestore(&xenpin_table_lock, flags);

	if (!erased)
		return;
	xenpin_note_erased(pfn, level, where);
	if (xenpin_logged())
		xenpin_log_flag(XP_ERASED, NULL, pfn, level, true, where, _RET_IP_);
	trace_xenpin_erased(pfn, level, where);
}

/*
 * For the console of a dying guest, interrupts off: no lock that its death may
 * have left held, and a table that may be in the middle of a change.
 */
bool xenpin_was_erased(unsigned long pfn, unsigned int *level, enum xp_where *where)
{
	struct xenpin_tracked *t = xenpin_slot(READ_ONCE(xenpin_table), pfn);

	if (!t || !t->used)
		return false;
	*level = t->level;
	*where = t->where;
	return t->erased;
}

void __ref __xenpin_boot(enum xp_kind kind, unsigned int node, unsigned long pfn,
			 unsigned long pages, unsigned int threads)
{
	if (kind == XP_HANDOVER_BEGIN)
		xen_mark_early();
	if (xenpin_logged())
		xenpin_log_boot(kind, node, pfn, pages, threads, XP_WHERE_NONE);

	switch (kind) {
	case XP_HANDOVER_BEGIN:
		xenpin_note_deferred();
		xenpin_in_handover = true;
		trace_xenpin_handover_begin(node, pfn, pages, threads);
		break;
	case XP_HANDOVER_END:
		xenpin_in_handover = false;
		xenpin_after_handover = true;
		trace_xenpin_handover_end(node, pfn, pages, threads);
		break;
	case XP_HOOK_BEGIN:
		trace_xenpin_hook_begin(node, pfn, pages, threads);
		break;
	case XP_HOOK_END:
		xenpin_count_marked();
		trace_xenpin_hook_end(node, pfn, pages, threads);
		break;
	case XP_DEFERRED_BEGIN:
		trace_xenpin_deferred_begin(node, pfn, pages, threads);
		break;
	case XP_DEFERRED_END:
		trace_xenpin_deferred_end(node, pfn, pages, threads);
		break;
	default:
		break;
	}
}

void __xenpin_deferred_range(unsigned int node, unsigned long pfn, unsigned long pages,
			     unsigned int threads, enum xp_where where)
{
	if (xenpin_logged())
		xenpin_log_boot(XP_DEFERRED_RANGE, node, pfn, pages, threads, where);
	trace_xenpin_deferred_range(node, pfn, pages, threads, where);
}
