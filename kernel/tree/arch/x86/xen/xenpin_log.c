// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boot log: what happens to page tables and to PagePinned before a tracer
 * can exist, from the first pinned page table in xen_start_kernel() on.
 *
 * The first records lie in static memory, where the direct map's page tables,
 * which are made one by one, take a record a run.  As soon as memblock can
 * give memory that is mapped, the log moves to an area that is sized by the
 * guest.  What boot does not use of it goes back to the allocator, and so does
 * the rest when user space writes 0 to the file.
 *
 * Records have the format of BPF's ring, so that one reader serves both.  The
 * log fills from the start and never overwrites: what comes first is what
 * nothing else can tell.  A part of it is kept for the stages of boot, for flags
 * that are erased and set again, and for what Xen refuses: page tables that come
 * and go cannot take it.  It ends where the early BPF ring takes over, with
 * all CPUs stopped, so that each event is in exactly one of the two and the
 * ring's first slot has the next number; or, without that ring, when user space
 * is about to start.
 *
 * Time.  Most of the log is older than any clock: CLOCK_MONOTONIC starts in
 * timekeeping_init(), and until clocksource_done_booting() it advances by whole
 * jiffies.  The TSC is there from the first instruction.  So records take the
 * TSC, which is turned into nanoseconds since the first record once its rate is
 * known, and the header carries the difference to CLOCK_MONOTONIC, measured
 * when that has its final clocksource.
 */
#define pr_fmt(fmt) "xenpin: " fmt

#include <linux/clocksource.h>
#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/kobject.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/panic_notifier.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/security.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include <asm/special_insns.h>
#include <asm/trap_pf.h>
#include <asm/tsc.h>
#include <xen/xen.h>
#include <xen/xenpin.h>
#include <xen/xenpin_compat.h>

#include <trace/events/xenpin.h>

/* Until memblock can be asked: the direct map takes a slot for each GiB, and a little more. */
#define FIRST_SLOTS	1024

DEFINE_STATIC_KEY_TRUE(xenpin_logging);

static u8 log_first[FIRST_SLOTS * XP_SLOT] __aligned(XP_SLOT) __initdata;
/* Moved by xenpin_log_init(). */
static u8 *log_slots __refdata = log_first;
static struct xp_boot_log log_header = {
	.magic		= XP_LOG_MAGIC,
	.version	= XP_LOG_VERSION,
	.record_size	= XP_SLOT,
	.header_size	= sizeof(struct xp_boot_log),
	.nodes		= MAX_NUMNODES < XP_LOG_NODES ? MAX_NUMNODES : XP_LOG_NODES,
	.first_deferred_pfn = { [0 ... XP_LOG_NODES - 1] = XP_NO_PFN },
};

static u64 log_limit = FIRST_SLOTS;
static atomic64_t log_kept;	/* of these free, for records that must not be missing */
static u64 log_size_wanted __initdata;	/* slots; 0: by the guest's size */
static bool log_wanted = IS_ENABLED(CONFIG_XENPIN_BOOT_LOG_DEFAULT_ON);
static bool log_on = true;
static bool log_in_ns;
static u64 log_tsc0;
static u32 log_mult, log_shift;
static atomic64_t log_head;
static atomic64_t log_dropped;
static atomic64_t log_hole;	/* .hole of the header */

#define ERASED_MAX	32

/* The first losses, for a console that is all that is left of the guest. */
static struct { unsigned long pfn; u8 level, where; } erased[ERASED_MAX];
static unsigned long erased_total;
static DEFINE_RAW_SPINLOCK(erased_lock);

static u64 log_ns(u64 tsc)
{
	return mul_u64_u32_shr(tsc - log_tsc0, log_mult, log_shift);
}

static bool log_scale(void)
{
	if (!log_mult && tsc_khz)
		clocks_calc_mult_shift(&log_mult, &log_shift, tsc_khz, NSEC_PER_MSEC, 0);
	return log_mult;
}

bool __init xenpin_clock_ready(void)
{
	return log_scale();
}

/* Nanoseconds since the first record, for those who continue the log. */
u64 xenpin_clock(void)
{
	return log_ns(rdtsc());
}

/* Is this a record that must not be missing, however many page tables come and go? */
static bool log_must_keep(const struct xp_record *r, const struct xp_op *ops)
{
	unsigned int i;

	switch (r->kind) {
	case XP_BATCH:
	case XP_UNBATCHED:
		for (i = 0; i < r->u.batch.nops; i++)
			if (ops[i].result)
				return true;
		return false;
	case XP_TABLE_ALLOC:
	case XP_TABLE_RELEASE:
	case XP_MM_PIN:
	case XP_MM_UNPIN:
	case XP_FLAG_SET:
	case XP_FLAG_CLEAR:
		return false;
	default:
		return true;
	}
}

/*
 * The start of a new record, not yet visible, or NULL; interrupts off.  Once an
 * ordinary record was dropped, no other is taken: the log is whole up to
 * there, and from there on has only what must not be missing.
 */
static void *log_reserve(unsigned int nslots, bool keep, u64 *slot)
{
	u64 limit = keep ? log_limit : log_limit - max_t(s64, atomic64_read(&log_kept), 0);
	u64 head = atomic64_read(&log_head);

	do {
		if (head + nslots > limit || (!keep && atomic64_read(&log_dropped))) {
			if (atomic64_inc_return(&log_dropped) == 1)
				atomic64_set(&log_hole, head);
			return NULL;
		}
	} while (!atomic64_try_cmpxchg(&log_head, &head, head + nslots));
	if (keep)
		atomic64_sub(nslots, &log_kept);
	*slot = head;
	return log_slots + head * XP_SLOT;
}

static void log_append(const struct xp_record *r, const struct xp_op *ops)
{
	struct xp_record *dst;
	u64 slot;

	dst = log_reserve(r->nslots, log_must_keep(r, ops), &slot);
	if (!dst)
		return;
	*dst = *r;
	memcpy(dst + 1, ops, (r->nslots - 1) * XP_SLOT);
	/* A record whose number is there is complete. */
	smp_store_release(&dst->seq, slot + 1);
}

/*
 * While the log is in static memory, with one CPU.  The direct map's L1 tables
 * are allocated and at once pinned by a hypercall of their own, 512 for each
 * GiB, and mostly lie side by side: that becomes one record for a run of them.
 */
static struct xp_record log_waiting __initdata;		/* .kind 0: none */
static struct xp_record *log_run __initdata;		/* the last record, if it is a run */

static bool __init log_is_pin_of(const struct xp_record *r, const struct xp_op *op, u64 pfn)
{
	return r->kind == XP_UNBATCHED && r->u.batch.nops == 1 && op->op == XP_OP_PIN &&
	       op->level == XP_L1 && !op->result && op->pfn == pfn;
}

/* Add the table that waited, which Xen has by now. */
static void __init log_extend_run(void)
{
	u64 pfn = log_waiting.u.table.pfn, slot = atomic64_read(&log_head);

	bool room = log_run && log_run->u.boot.pages < XP_RUN_MAX;

	if (room && pfn == log_run->u.boot.pfn - 1) {
		log_run->u.boot.pfn--;
		log_run->u.boot.pages++;
	} else if (room && pfn == log_run->u.boot.pfn + log_run->u.boot.pages) {
		log_run->u.boot.pages++;
	} else {
		struct xp_record r = log_waiting;

		r.kind = XP_TABLE_RUN;
		r.flags = 0;
		r.u.boot = (typeof(r.u.boot)){ .pfn = pfn, .pages = 1 };
		log_append(&r, NULL);
		log_run = atomic64_read(&log_head) > slot ?
			  (void *)(log_slots + slot * XP_SLOT) : NULL;
	}
}

static void __init log_append_first(const struct xp_record *r, const struct xp_op *ops)
{
	if (log_waiting.kind && log_is_pin_of(r, ops, log_waiting.u.table.pfn)) {
		log_extend_run();
		log_waiting.kind = 0;
		return;
	}
	if (log_waiting.kind) {
		log_append(&log_waiting, NULL);
		log_waiting.kind = 0;
		log_run = NULL;
	}
	if (r->kind == XP_TABLE_ALLOC && r->level == XP_L1 && r->flags & XP_F_PINNED) {
		log_waiting = *r;
		return;
	}
	log_append(r, ops);
	log_run = NULL;
}

static bool log_is_first(void)
{
	return log_slots == log_first;
}

/*
 * Complete @r and append it to the log, or hand it to those who took over, with
 * the @nops operations that follow it; an odd one is padded with an empty one.
 */
static void __ref xenpin_log(struct xp_record *r, const struct xp_op *ops, unsigned int nops)
{
	unsigned long flags;
	bool on;

	if (!xen_pv_domain())
		return;
	local_irq_save(flags);
	on = READ_ONCE(log_on);
	r->t = on ? rdtsc() : xenpin_clock();
	if (!log_tsc0)
		log_tsc0 = r->t;
	r->nslots = 1 + DIV_ROUND_UP(nops * sizeof(*ops), XP_SLOT);
	r->cpu = raw_smp_processor_id();
	r->pid = current->tgid;
	memcpy(r->comm, current->comm, sizeof(r->comm));

	if (on && log_is_first())
		log_append_first(r, ops);
	else if (on)
		log_append(r, ops);
	else
		trace_xenpin_record(r, ops, nops);
	local_irq_restore(flags);
}

void xenpin_log_table(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		      unsigned int level, bool pinned)
{
	struct xp_record r = {
		.kind = kind,
		.level = level,
		.flags = pinned ? XP_F_PINNED : 0,
		.u.table = { .pfn = pfn, .mm = (unsigned long)mm, .ip = _RET_IP_ },
	};

	/* Xen's release tracepoint says the flag, alloc's says the mm's state. */
	if (kind == XP_TABLE_RELEASE && level)
		r.flags |= XP_F_FLAG_KNOWN | (pinned ? XP_F_FLAG : 0);
	xenpin_log(&r, NULL, 0);
}

void xenpin_log_mm(enum xp_kind kind, const struct mm_struct *mm, const void *pgd)
{
	struct xp_record r = {
		.kind = kind,
		.level = XP_L4,
		.u.mm = { .mm = (unsigned long)mm, .pgd = (unsigned long)pgd,
			  .pgd_pfn = PFN_DOWN(__pa(pgd)) },
	};

	xenpin_log(&r, NULL, 0);
}

void xenpin_log_flag(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		     unsigned int level, bool old, enum xp_where where, unsigned long ip)
{
	struct xp_record r = {
		.kind = kind,
		.level = level,
		.flags = XP_F_FLAG_KNOWN | (old ? XP_F_FLAG : 0),
		.where = where,
		.u.flag = { .pfn = pfn, .mm = (unsigned long)mm, .ip = ip },
	};

	xenpin_log(&r, NULL, 0);
}

void xenpin_log_boot(enum xp_kind kind, unsigned int node, unsigned long pfn,
		     unsigned long pages, unsigned int threads, enum xp_where where)
{
	struct xp_record r = {
		.kind = kind,
		.where = where,
		.u.boot = { .pfn = pfn, .pages = pages, .node = node, .threads = threads },
	};

	xenpin_log(&r, NULL, 0);
}

void xenpin_log_ops(unsigned int entries, unsigned int nops, const struct xp_op *ops,
		    u64 latency, bool direct)
{
	struct xp_record r = {
		.kind = direct ? XP_UNBATCHED : XP_BATCH,
		.flags = XP_F_RESULT,
		.u.batch = { .entries = entries, .nops = nops, .latency_ns = latency },
	};

	xenpin_log(&r, ops, nops);
}

void xenpin_note_erased(unsigned long pfn, unsigned int level, enum xp_where where)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&erased_lock, flags);
	if (erased_total < ERASED_MAX) {
		erased[erased_total].pfn = pfn;
		erased[erased_total].level = level;
		erased[erased_total].where = where;
	}
	log_header.erased = ++erased_total;
	raw_spin_unlock_irqrestore(&erased_lock, flags);
}

void __init xenpin_note_deferred(void)
{
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
	unsigned int nid;

	for_each_online_node(nid)
		if (nid < XP_LOG_NODES)
			log_header.first_deferred_pfn[nid] = NODE_DATA(nid)->first_deferred_pfn;
#endif
}

void __init xenpin_note_marked(unsigned long marked, unsigned long deferred)
{
	log_header.marked = marked;
	log_header.marked_deferred = deferred;
}

void __init xenpin_note_mode(enum xp_log_mode mode)
{
	log_header.mode = mode;
}

void xenpin_note_repaired(void)
{
	log_header.repaired++;
}

void xenpin_note_untracked(void)
{
	log_header.untracked++;
}

bool __init xenpin_log_active(void)
{
	return log_on;
}

/*
 * From now on the log stays as it is.  The caller sees to it that no CPU is in
 * xenpin_log(): by stopping the others, or by synchronize_rcu() afterwards.
 * Returns the number of slots used.
 */
u64 xenpin_log_stop(enum xp_log_end end)
{
	u64 head = atomic64_read(&log_head);

	/* A log that is off stays so, and an early ring without it starts at 0. */
	if (log_on)
		log_header.end = end;
	WRITE_ONCE(log_on, false);
	return head;
}

static int __init xenpin_log_setup(char *arg)
{
	return kstrtobool(arg ?: "1", &log_wanted);
}
early_param("xenpin.log", xenpin_log_setup);

/* For those who want to see what a log does that is too small. */
static int __init xenpin_log_size_setup(char *arg)
{
	log_size_wanted = arg ? memparse(arg, NULL) / XP_SLOT : 0;
	if (!log_size_wanted)
		pr_warn("log_size=%s: no size; as large as this guest needs\n", arg ?: "");
	return 0;
}
early_param("xenpin.log_size", xenpin_log_size_setup);

/*
 * The last words of a guest, on its console, one "xenpin: WORD key=value..." a
 * line; programs read them.
 */
static const char * const where_name[] = {
	[XP_WHERE_NONE]		= "memmap",
	[XP_WHERE_HANDOVER]	= "handover",
	[XP_WHERE_DEFERRED]	= "deferred",
	[XP_WHERE_GROW]		= "grow",
};

static const char * const kind_name[XP_KIND_END] = {
#define KIND(name, word, ...) [XP_##name] = word,
#include <xen/xenpin/kinds.def>
};

static void print_erased(void)
{
	unsigned int i, shown = min_t(unsigned long, erased_total, ERASED_MAX);

	pr_emerg("erased total=%lu shown=%u\n", erased_total, shown);
	for (i = 0; i < shown; i++)
		pr_emerg("erased pfn=0x%lx level=%u where=%s\n", erased[i].pfn,
			 erased[i].level, where_name[erased[i].where]);
}

/* Is @r about @pfn, and as what?  For a batch, the operation. */
static bool about_pfn(const struct xp_record *r, unsigned long pfn, const struct xp_op **op)
{
	const struct xp_op *ops = (const void *)(r + 1);
	unsigned int i;

	*op = NULL;
	switch (r->kind) {
	case XP_BATCH:
	case XP_UNBATCHED:
		for (i = 0; i < r->u.batch.nops; i++) {
			if (ops[i].pfn == pfn) {
				*op = &ops[i];
				return true;
			}
		}
		return false;
	case XP_MM_PIN:
	case XP_MM_UNPIN:
		return r->u.mm.pgd_pfn == pfn;
	case XP_TABLE_ALLOC:
	case XP_TABLE_RELEASE:
	case XP_FLAG_SET:
	case XP_FLAG_CLEAR:
	case XP_ERASED:
	case XP_REPAIRED:
		return r->u.flag.pfn == pfn;
	case XP_TABLE_RUN:
		return pfn >= r->u.boot.pfn && pfn - r->u.boot.pfn < r->u.boot.pages;
	default:
		return false;
	}
}

#define LAST_MAX	8

static void print_record(const struct xp_record *r, unsigned long pfn)
{
	u64 t = log_in_ns ? r->t : log_scale() ? log_ns(r->t) : 0;
	const struct xp_op *op;
	unsigned int level = r->level;

	about_pfn(r, pfn, &op);
	if (op)
		pr_emerg("last seq=%u t=%llu cpu=%u kind=%s pfn=0x%lx level=%u op=%s mfn=0x%llx result=%lld\n",
			 r->seq, t, r->cpu, kind_name[r->kind], pfn, op->level,
			 op->op == XP_OP_PIN ? "pin" : "unpin", op->mfn, op->result);
	else
		pr_emerg("last seq=%u t=%llu cpu=%u kind=%s pfn=0x%lx level=%u where=%s ip=%pS\n",
			 r->seq, t, r->cpu, kind_name[r->kind], pfn, level,
			 r->kind == XP_ERASED || r->kind == XP_REPAIRED ?
			 where_name[r->where] : "-",
			 r->kind == XP_TABLE_RUN ? NULL : (void *)(unsigned long)r->u.flag.ip);
}

typedef void (*about_fn)(const struct xp_record *r, const struct xp_op *op, void *context);

/* Call @fn for each record that is about @pfn, the oldest first. */
static void each_about(unsigned long pfn, about_fn fn, void *context)
{
	u64 slot, head = atomic64_read(&log_head);
	const struct xp_record *r;
	const struct xp_op *op;

	for (slot = 0; slot < head; slot += r->nslots) {
		r = (const void *)(log_slots + slot * XP_SLOT);
		/* What log_append() numbered is complete; this writer did not finish. */
		if (smp_load_acquire(&r->seq) != (u32)slot + 1 || !r->nslots)
			break;
		if (about_pfn(r, pfn, &op))
			fn(r, op, context);
	}
}

struct last_records {
	const struct xp_record *r[LAST_MAX];
	unsigned int n;
	unsigned int level;		/* of the page, by the last that tells */
	bool erased;			/* and nobody set the flag since */
	enum xp_where where;
};

static void remember_last(const struct xp_record *r, const struct xp_op *op, void *context)
{
	struct last_records *last = context;

	last->r[last->n++ % LAST_MAX] = r;
	last->level = (op ? op->level : r->level) ?: last->level;
	if (r->kind == XP_ERASED) {
		last->erased = true;
		last->where = r->where;
	} else if (r->kind == XP_REPAIRED || r->kind == XP_FLAG_SET) {
		last->erased = false;
	}
}

static void print_last(const struct last_records *last, unsigned long pfn)
{
	unsigned int i;

	for (i = last->n > LAST_MAX ? last->n - LAST_MAX : 0; i < last->n; i++)
		print_record(last->r[i % LAST_MAX], pfn);
	pr_emerg("log head=%llu dropped=%llu slots=%llu\n", (u64)atomic64_read(&log_head),
		 (u64)atomic64_read(&log_dropped), log_limit);
}

/* While flags are tracked the table knows each page; afterwards the log does. */
static void print_fault(unsigned long addr)
{
	struct last_records last = {};
	unsigned int level = 0;
	enum xp_where where = XP_WHERE_NONE;
	unsigned long pfn;
	bool was_erased;

	if (!virt_addr_valid(addr)) {
		pr_emerg("fault addr=0x%lx pfn=- level=0 flag=- erased=- where=-\n", addr);
		return;
	}
	pfn = PFN_DOWN(__pa(addr));
	each_about(pfn, remember_last, &last);
	was_erased = xenpin_was_erased(pfn, &level, &where);
	if (!was_erased && last.erased) {
		was_erased = true;
		where = last.where;
	}
	pr_emerg("fault addr=0x%lx pfn=0x%lx level=%u flag=%d erased=%d where=%s\n", addr, pfn,
		 level ?: last.level, xenpin_page_flag(pfn_to_page(pfn)), was_erased,
		 was_erased ? where_name[where] : "-");
	print_last(&last, pfn);
}

/* Of so many oopses. */
#define FAULTS_MAX	4

static atomic_t faults_printed = ATOMIC_INIT(0);
static bool erased_printed;

/* A write to mapped, read-only memory: so a page table dies that is taken for unpinned. */
#define WRITE_TO_READONLY	(X86_PF_PROT | X86_PF_WRITE)

static int xenpin_die(struct notifier_block *nb, unsigned long val, void *data)
{
	struct die_args *args = data;
	bool fault;

	if (val != DIE_OOPS || user_mode(args->regs))
		return NOTIFY_DONE;
	if (erased_total && !xchg(&erased_printed, true))
		print_erased();
	/* Its string is all that tells a page fault from other traps here. */
	fault = !strcmp(args->str, "Oops");
	if (!fault || (system_state == SYSTEM_RUNNING && args->err != WRITE_TO_READONLY))
		return NOTIFY_DONE;
	if (atomic_inc_return(&faults_printed) <= FAULTS_MAX)
		print_fault(read_cr2());
	return NOTIFY_DONE;
}

static int xenpin_panic(struct notifier_block *nb, unsigned long val, void *data)
{
	if (erased_total && !xchg(&erased_printed, true))
		print_erased();
	return NOTIFY_DONE;
}

static struct notifier_block die_nb = { .notifier_call = xenpin_die };
static struct notifier_block panic_nb = { .notifier_call = xenpin_panic };

/*
 * Page tables of the direct map: one for each 2 MiB.  Each can be marked twice,
 * before the hand-over and by the hook, erased, and repaired.
 */
static void __init log_set_size(void)
{
	u64 tables = max_pfn / PTRS_PER_PTE, kept = tables * 9 / 4 + 4096;

	log_limit = kept + tables * 9 / 4 + 12288;
	if (log_size_wanted) {
		/* It holds something already. */
		log_limit = max_t(u64, log_size_wanted, 2 * atomic64_read(&log_head));
		kept = log_limit / 4;
	}
	atomic64_set(&log_kept, kept);
}

static void __init log_switch_off(void)
{
	xenpin_log_stop(XP_LOG_OFF);
	atomic64_set(&log_head, 0);
	log_slots = NULL;
	static_branch_disable(&xenpin_logging);
}

/* memblock has memory that is mapped: leave the static part, or end it. */
void __init xenpin_log_init(void)
{
	void *area = NULL;

	if (log_wanted) {
		if (log_waiting.kind)
			log_append(&log_waiting, NULL);
		log_set_size();
		area = memblock_alloc(PAGE_ALIGN(log_limit * XP_SLOT), PAGE_SIZE);
		if (!area)
			pr_warn("no memory for a boot log of %llu KiB\n",
				log_limit * XP_SLOT / 1024);
	}
	if (!area) {
		log_switch_off();
		return;
	}
	memcpy(area, log_first, atomic64_read(&log_head) * XP_SLOT);
	log_slots = area;
	log_header.slots = log_limit;
	register_die_notifier(&die_nb);
	atomic_notifier_chain_register(&panic_notifier_list, &panic_nb);
}

/* Turn the records' time into nanoseconds; nobody writes any more. */
static void __init log_convert(void)
{
	u64 slot, head = atomic64_read(&log_head);
	struct xp_record *r;

	for (slot = 0; slot < head; slot += r->nslots) {
		r = (void *)(log_slots + slot * XP_SLOT);
		if (WARN_ON_ONCE(r->seq != (u32)slot + 1 || !r->nslots))
			break;
		r->t = log_ns(r->t);
	}
	log_in_ns = true;
}

/* What to add to a record's time for the time of @clock. */
static s64 __init log_offset(u64 (*clock)(void))
{
	unsigned long flags;
	u64 before, there, after;

	local_irq_save(flags);
	before = xenpin_clock();
	there = clock();
	after = xenpin_clock();
	local_irq_restore(flags);
	return there - (before + (after - before) / 2);
}

static DEFINE_MUTEX(log_mutex);
static unsigned long log_bytes;		/* of the area, that are not given back */

static void log_give_back(unsigned long keep)
{
	unsigned long bytes = PAGE_ALIGN(keep);

	if (bytes < log_bytes)
		free_reserved_area(log_slots + bytes, log_slots + log_bytes, -1, NULL);
	log_bytes = bytes;
}

/* It holds kernel addresses. */
static int log_may_read(void)
{
	if (!capable(CAP_SYSLOG) || kptr_restrict >= 2)
		return -EPERM;
	return security_locked_down(LOCKDOWN_KCORE);
}

static ssize_t boot_log_read(struct file *file, struct kobject *kobj,
			     xenpin_bin_attribute *attr, char *buf, loff_t off, size_t count)
{
	const loff_t hsize = sizeof(log_header);
	ssize_t n = log_may_read();

	if (n)
		return n;
	if (off < hsize)
		return memory_read_from_buffer(buf, count, &off, &log_header, hsize);
	off -= hsize;
	mutex_lock(&log_mutex);
	n = memory_read_from_buffer(buf, count, &off, log_slots, log_header.head * XP_SLOT);
	mutex_unlock(&log_mutex);
	return n;
}

/* 0: its memory is wanted back, the header stays. */
static ssize_t boot_log_write(struct file *file, struct kobject *kobj,
			      xenpin_bin_attribute *attr, char *buf, loff_t off, size_t count)
{
	if (off || !count || buf[0] != '0' || (count > 1 && buf[1] != '\n'))
		return -EINVAL;
	if (!log_slots)
		return count;
	mutex_lock(&log_mutex);
	log_header.end = XP_LOG_RELEASED;
	log_header.head = 0;
	/* A dying guest asks for no record any more. */
	atomic64_set(&log_head, 0);
	log_give_back(0);
	mutex_unlock(&log_mutex);
	return count;
}

static struct bin_attribute boot_log_attr = {
	.attr = { .name = "boot_log", .mode = 0600 },
	.read = boot_log_read,
	.write = boot_log_write,
};

static int __init xenpin_log_publish(void)
{
	struct kobject *dir;

	/* Boot has the same stages elsewhere, but no page tables to tell of. */
	if (!xen_pv_domain())
		return 0;
	if (log_on)
		xenpin_log_stop(XP_LOG_INIT);
	static_branch_disable(&xenpin_logging);
	synchronize_rcu();

	if (!log_scale())
		pr_warn("no TSC rate, the boot log has no times\n");
	log_convert();
	/* Without a log these are the early ring's. */
	log_header.tsc_khz = tsc_khz;
	log_header.t_offset = log_offset(ktime_get_ns);
	log_header.printk_offset = log_offset(local_clock);
	if (log_slots) {
		log_header.head = atomic64_read(&log_head);
		log_header.dropped = atomic64_read(&log_dropped);
		log_header.hole = atomic64_read(&log_hole);
		log_bytes = PAGE_ALIGN(log_limit * XP_SLOT);
		log_give_back(log_header.head * XP_SLOT);
	}

	dir = kobject_create_and_add("xenpin", kernel_kobj);
	if (!dir)
		return -ENOMEM;
	boot_log_attr.size = sizeof(log_header) + log_header.head * XP_SLOT;
	return sysfs_create_bin_file(dir, &boot_log_attr) ?: xenpin_early_publish(dir);
}
/* After every initcall of the boot. */
late_initcall_sync(xenpin_log_publish);

/* Bare metal and other guests have nothing to log. */
static int __init xenpin_log_elsewhere(void)
{
	if (!xen_pv_domain())
		static_branch_disable(&xenpin_logging);
	return 0;
}
early_initcall(xenpin_log_elsewhere);
