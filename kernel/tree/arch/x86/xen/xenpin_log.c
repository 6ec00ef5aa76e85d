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

#include <linux/capability.h>
#include <linux/clocksource.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kmemleak.h>
#include <linux/kobject.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/security.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include <asm/tsc.h>
#include <xen/xen.h>

#include <trace/events/xenpin.h>

#include "xenpin_internal.h"

/* Until memblock can be asked: the direct map takes two slots for each GiB, and a little more. */
#define FIRST_SLOTS	4096

static u8 log_first[FIRST_SLOTS * XP_SLOT] __aligned(XP_SLOT) __initdata;
/* Moved by xenpin_log_begin(). */
static u8 *log_slots __refdata = log_first;

static u64 log_limit = FIRST_SLOTS;
static atomic64_t log_kept;	/* of these free, for records that must not be missing */
static u64 log_size_wanted __initdata;	/* bytes; 0: by the guest's size */
static bool log_wanted __initdata = IS_ENABLED(CONFIG_XENPIN_BOOT_LOG_DEFAULT_ON);
static bool log_refused __initdata;	/* xenpin.log=0 */
static bool log_on = true;
static bool log_in_ns;
static u64 log_tsc0;
static u32 log_mult, log_shift;
static atomic64_t log_head;
static atomic64_t log_dropped;
static atomic64_t log_hole;	/* .hole of the header */

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
static bool log_must_keep(const struct xp_record *r, const void *more)
{
	const struct xp_op *ops = more;
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

static void log_append(const struct xp_record *r, const void *more)
{
	struct xp_record *dst;
	u64 slot;

	dst = log_reserve(r->nslots, log_must_keep(r, more), &slot);
	if (!dst)
		return;
	*dst = *r;
	memcpy(dst + 1, more, (r->nslots - 1) * XP_SLOT);
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

static void __init log_append_first(const struct xp_record *r, const void *more)
{
	if (log_waiting.kind && log_is_pin_of(r, more, log_waiting.u.table.pfn)) {
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
	log_append(r, more);
	log_run = NULL;
}

static bool log_is_first(void)
{
	return log_slots == log_first;
}

bool xenpin_logged(void)
{
	return READ_ONCE(log_on) || trace_xenpin_record_enabled();
}

/*
 * Complete @r and append it to the log, or hand it to those who took over, with
 * @bytes of what the kind has @more; the caller has padded that to whole slots.
 */
void __ref xenpin_log(struct xp_record *r, const void *more, size_t bytes)
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
	r->nslots = 1 + DIV_ROUND_UP(bytes, XP_SLOT);
	r->cpu = raw_smp_processor_id();
	r->pid = current->tgid;
	memcpy(r->comm, current->comm, sizeof(r->comm));

	if (on && log_is_first())
		log_append_first(r, more);
	else if (on)
		log_append(r, more);
	else
		trace_xenpin_record(r, (void *)more, bytes);
	local_irq_restore(flags);
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
		xenpin_header.end = end;
	WRITE_ONCE(log_on, false);
	return head;
}

static int __init xenpin_log_setup(char *arg)
{
	/* What begins like a number is on or off to kstrtobool(), and may be meant as a size. */
	int err = arg && isdigit(arg[0]) && arg[1] ? -EINVAL : kstrtobool(arg ?: "1", &log_wanted);

	if (err)
		pr_warn("log=%s: neither on nor off; xenpin.log_size= says how large\n", arg);
	log_refused = !err && !log_wanted;
	return 0;
}
early_param("xenpin.log", xenpin_log_setup);

/* For those who want to see what a log does that is too small. */
static int __init xenpin_log_size_setup(char *arg)
{
	char *end = arg;

	log_size_wanted = arg ? memparse(arg, &end) : 0;
	if (log_size_wanted < XP_SLOT || *end) {
		pr_warn("log_size=%s: no size; as large as this guest needs\n", arg ?: "");
		log_size_wanted = 0;
	}
	return 0;
}
early_param("xenpin.log_size", xenpin_log_size_setup);

/* Is @r about @pfn, and as what?  For a batch, the operation. */
static bool about_pfn(const struct xp_record *r, unsigned long pfn, const struct xp_op **op)
{
	const struct xp_op *ops = (const void *)(r + 1);
	unsigned int i;

	*op = NULL;
	switch (r->kind) {
	case XP_BATCH:
	case XP_UNBATCHED:
		for (i = 0; i < r->u.batch.nops && i < XP_OPS_MAX; i++) {
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

/* For a guest that dies: call @fn for each record that is about @pfn, the oldest first. */
void xenpin_log_each_about(unsigned long pfn, xenpin_about_fn fn, void *context)
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

/* Whoever gives the log a size gets no more than this part of the guest. */
#define LOG_PART_MAX	16U

/*
 * Page tables of the direct map: one for each 2 MiB.  Each can be marked twice,
 * before the hand-over and by the hook, erased, and repaired.
 */
static void __init log_set_size(void)
{
	u64 tables = max_pfn / PTRS_PER_PTE, kept = tables * 9 / 4 + 4096;

	log_limit = kept + tables * 9 / 4 + 12288;
	if (log_size_wanted > PFN_PHYS(max_pfn) / LOG_PART_MAX) {
		pr_warn("log_size=%llu: more than 1/%u of memory; as large as this guest needs\n",
			log_size_wanted, LOG_PART_MAX);
	} else if (log_size_wanted) {
		/* It holds something already. */
		log_limit = max_t(u64, log_size_wanted / XP_SLOT, 2 * atomic64_read(&log_head));
		kept = log_limit / 4;
	}
	atomic64_set(&log_kept, kept);
}

/* The log watches from the start; what tracers hold of the key is theirs. */
static void __init log_unwatch(void)
{
	static bool done __initdata;

	if (!done)
		static_branch_dec(&xenpin_key);
	done = true;
}

/* Bare metal and other guests have nothing to log: the first hook that they meet says so. */
void __init xenpin_log_elsewhere(void)
{
	WRITE_ONCE(log_on, false);
	log_unwatch();
}

static bool __init log_end_first(enum xp_log_end end)
{
	xenpin_log_stop(end);
	atomic64_set(&log_head, 0);
	log_slots = NULL;
	log_unwatch();
	return false;
}

/* memblock has memory that is mapped: leave the static part, or end it.  Is there a log? */
bool __init xenpin_log_begin(void)
{
	void *area;

	if (log_refused || !(log_wanted || xenpin_early_wanted()))
		return log_end_first(XP_LOG_OFF);
	if (log_waiting.kind)
		log_append(&log_waiting, NULL);
	log_set_size();
	area = memblock_alloc(PAGE_ALIGN(log_limit * XP_SLOT), PAGE_SIZE);
	if (!area) {
		pr_warn("no memory for a boot log of %llu KiB\n", log_limit * XP_SLOT / 1024);
		return log_end_first(XP_LOG_NO_MEMORY);
	}
	memcpy(area, log_first, atomic64_read(&log_head) * XP_SLOT);
	log_slots = area;
	xenpin_header.slots = log_limit;
	return true;
}

/* The time of a record in nanoseconds; 0 until the TSC's rate is known. */
u64 xenpin_log_time(const struct xp_record *r)
{
	return log_in_ns ? r->t : log_scale() ? log_ns(r->t) : 0;
}

void xenpin_log_print_state(void)
{
	pr_emerg("log head=%llu dropped=%llu slots=%llu\n", (u64)atomic64_read(&log_head),
		 (u64)atomic64_read(&log_dropped), log_limit);
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

	if (bytes < log_bytes) {
		kmemleak_free_part_phys(__pa(log_slots + bytes), log_bytes - bytes);
		free_reserved_area(log_slots + bytes, log_slots + log_bytes, -1, NULL);
	}
	log_bytes = bytes;
}

/* It holds kernel addresses: who opened it counts, not whom the file was handed to. */
static int log_may_read(const struct file *file)
{
	if (!file_ns_capable(file, &init_user_ns, CAP_SYSLOG) || kptr_restrict >= 2)
		return -EPERM;
	return security_locked_down(LOCKDOWN_KCORE);
}

static ssize_t boot_log_read(struct file *file, struct kobject *kobj,
			     xenpin_bin_attribute *attr, char *buf, loff_t off, size_t count)
{
	const loff_t hsize = sizeof(xenpin_header);
	ssize_t n = log_may_read(file);

	if (n)
		return n;
	if (off < hsize)
		return memory_read_from_buffer(buf, count, &off, &xenpin_header, hsize);
	off -= hsize;
	mutex_lock(&log_mutex);
	n = memory_read_from_buffer(buf, count, &off, log_slots, xenpin_header.head * XP_SLOT);
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
	xenpin_header.released = 1;
	xenpin_header.head = 0;
	/* A guest that dies now may still look into it; one that dies later asks for no record. */
	atomic64_set(&log_head, 0);
	synchronize_rcu();
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
	log_unwatch();
	synchronize_rcu();

	if (!log_scale())
		pr_warn("no TSC rate, the boot log has no times\n");
	log_convert();
	/* Without a log these are the early ring's. */
	xenpin_header.tsc_khz = tsc_khz;
	xenpin_header.t_offset = log_offset(ktime_get_ns);
	xenpin_header.printk_offset = log_offset(local_clock);
	if (log_slots) {
		xenpin_header.head = atomic64_read(&log_head);
		xenpin_header.dropped = atomic64_read(&log_dropped);
		xenpin_header.hole = atomic64_read(&log_hole);
		log_bytes = PAGE_ALIGN(log_limit * XP_SLOT);
		log_give_back(xenpin_header.head * XP_SLOT);
	}

	dir = kobject_create_and_add("xenpin", kernel_kobj);
	if (!dir)
		return -ENOMEM;
	boot_log_attr.size = sizeof(xenpin_header) + xenpin_header.head * XP_SLOT;
	return sysfs_create_bin_file(dir, &boot_log_attr) ?: xenpin_early_publish(dir);
}
/* After every initcall of the boot. */
late_initcall_sync(xenpin_log_publish);
