// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last words of a guest, on its console, one "xenpin: WORD key=value..." a
 * line; programs read them.  Which flags were lost, what page it faulted on, and
 * what the boot log knows of that page.
 */
#define pr_fmt(fmt) "xenpin: " fmt

#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/panic_notifier.h>
#include <linux/spinlock.h>

#include <asm/special_insns.h>
#include <asm/trap_pf.h>

#include "xenpin_internal.h"

#define ERASED_MAX	32

/* The first losses, for a console that is all that is left of the guest. */
static struct { unsigned long pfn; u8 level, where; } erased[ERASED_MAX];
static unsigned long erased_total;
static DEFINE_RAW_SPINLOCK(erased_lock);

void xenpin_note_erased(unsigned long pfn, unsigned int level, enum xp_where where)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&erased_lock, flags);
	if (erased_total < ERASED_MAX) {
		erased[erased_total].pfn = pfn;
		erased[erased_total].level = level;
		erased[erased_total].where = where;
	}
	xenpin_header.erased = ++erased_total;
	raw_spin_unlock_irqrestore(&erased_lock, flags);
}

static const char * const where_name[] = {
	[XP_WHERE_NONE]		= "memmap",
	[XP_WHERE_HANDOVER]	= "handover",
	[XP_WHERE_DEFERRED]	= "deferred",
	[XP_WHERE_GROW]		= "grow",
};

static const char * const kind_name[XP_KIND_END] = {
#define KIND(name, word, ...) \
	[XP_##name] = word,
#include <xen/xenpin/kinds.def>
};

static bool erased_printed;

static void print_erased(void)
{
	unsigned int i, shown = min_t(unsigned long, erased_total, ERASED_MAX);

	if (!erased_total || xchg(&erased_printed, true))
		return;
	pr_emerg("erased total=%lu shown=%u\n", erased_total, shown);
	if (xenpin_header.repaired)
		pr_emerg("repaired=%llu\n", xenpin_header.repaired);
	for (i = 0; i < shown; i++)
		pr_emerg("erased pfn=0x%lx level=%u where=%s\n", erased[i].pfn,
			 erased[i].level, where_name[erased[i].where]);
}

/* Struct pages are all initialised.  Where no log can be asked, this is how a loss is told. */
void __init xenpin_console_tracked(void)
{
	if (!xenpin_logged() && erased_total > xenpin_header.repaired)
		print_erased();
}

#define LAST_MAX	8

struct last_record {
	const struct xp_record *r;
	const struct xp_op *op;		/* of a batch, the one about the page */
};

struct last_records {
	struct last_record last[LAST_MAX];
	unsigned int n;
	unsigned int level;		/* of the page, by the last that tells */
	bool erased;			/* and nobody set the flag since */
	enum xp_where where;
};

static void remember_last(const struct xp_record *r, const struct xp_op *op, void *context)
{
	struct last_records *about = context;

	about->last[about->n++ % LAST_MAX] = (struct last_record){ r, op };
	about->level = (op ? op->level : r->kind == XP_TABLE_RUN ? XP_L1 : r->level) ?:
		       about->level;
	if (r->kind == XP_ERASED) {
		about->erased = true;
		about->where = r->where;
	} else if (r->kind == XP_REPAIRED || r->kind == XP_FLAG_SET) {
		about->erased = false;
	}
}

static void print_record(const struct last_record *last, unsigned long pfn)
{
	const struct xp_record *r = last->r;
	const struct xp_op *op = last->op;
	u64 t = xenpin_log_time(r);
	bool erasure = r->kind == XP_ERASED || r->kind == XP_REPAIRED;

	if (op)
		pr_emerg("last seq=%u t=%llu cpu=%u kind=%s pfn=0x%lx level=%u op=%s mfn=0x%llx result=%lld\n",
			 r->seq, t, r->cpu, kind_name[r->kind], pfn, op->level,
			 op->op == XP_OP_PIN ? "pin" : "unpin", op->mfn, op->result);
	else
		pr_emerg("last seq=%u t=%llu cpu=%u kind=%s pfn=0x%lx level=%u where=%s ip=%pS\n",
			 r->seq, t, r->cpu, kind_name[r->kind], pfn, r->level,
			 erasure ? where_name[r->where] : "-",
			 r->kind == XP_TABLE_RUN ? NULL : (void *)(unsigned long)r->u.flag.ip);
}

static void print_last(const struct last_records *about, unsigned long pfn)
{
	unsigned int i;

	for (i = about->n > LAST_MAX ? about->n - LAST_MAX : 0; i < about->n; i++)
		print_record(&about->last[i % LAST_MAX], pfn);
	xenpin_log_print_state();
}

/* The struct page itself is not there: whose, and what that page is. */
static void print_memmap_fault(unsigned long addr)
{
	unsigned long pfn = page_to_pfn((struct page *)addr);
	struct last_records about = {};

	xenpin_log_each_about(pfn, remember_last, &about);
	pr_emerg("memmap addr=0x%lx pfn=0x%lx level=%u\n", addr, pfn, about.level);
	print_last(&about, pfn);
}

/* While flags are tracked the table knows each page; afterwards the log does. */
static void print_fault(unsigned long addr)
{
	struct last_records about = {};
	unsigned int level = 0;
	enum xp_where where = XP_WHERE_NONE;
	unsigned long pfn;
	bool was_erased;

	if (!virt_addr_valid(addr)) {
		pr_emerg("fault addr=0x%lx pfn=- level=0 flag=- erased=- where=-\n", addr);
		return;
	}
	pfn = PFN_DOWN(__pa(addr));
	xenpin_log_each_about(pfn, remember_last, &about);
	was_erased = xenpin_was_erased(pfn, &level, &where);
	if (!was_erased && about.erased) {
		was_erased = true;
		where = about.where;
	}
	pr_emerg("fault addr=0x%lx pfn=0x%lx level=%u flag=%d erased=%d where=%s\n", addr, pfn,
		 level ?: about.level, xenpin_page_flag(pfn_to_page(pfn)), was_erased,
		 was_erased ? where_name[where] : "-");
	print_last(&about, pfn);
}

/* Of so many oopses. */
#define FAULTS_MAX	4

static atomic_t faults_printed = ATOMIC_INIT(0);

/* A write to mapped, read-only memory: so a page table dies that is taken for unpinned. */
#define WRITE_TO_READONLY	(X86_PF_PROT | X86_PF_WRITE)

static int xenpin_die(struct notifier_block *nb, unsigned long val, void *data)
{
	struct die_args *args = data;
	unsigned long addr;

	if (val != DIE_OOPS || user_mode(args->regs))
		return NOTIFY_DONE;
	print_erased();
	/* Its string is all that tells a page fault from other traps here. */
	if (strcmp(args->str, "Oops"))
		return NOTIFY_DONE;
	addr = read_cr2();
	if (addr >= VMEMMAP_START && addr < (unsigned long)pfn_to_page(max_pfn)) {
		if (atomic_inc_return(&faults_printed) <= FAULTS_MAX)
			print_memmap_fault(addr);
	} else if (system_state != SYSTEM_RUNNING || args->err == WRITE_TO_READONLY) {
		if (atomic_inc_return(&faults_printed) <= FAULTS_MAX)
			print_fault(addr);
	}
	return NOTIFY_DONE;
}

static int xenpin_panic(struct notifier_block *nb, unsigned long val, void *data)
{
	print_erased();
	return NOTIFY_DONE;
}

static struct notifier_block die_nb = { .notifier_call = xenpin_die };
static struct notifier_block panic_nb = { .notifier_call = xenpin_panic };

/* Who watches wants to be told how it ended. */
void __init xenpin_console_begin(void)
{
	register_die_notifier(&die_nb);
	atomic_notifier_chain_register(&panic_notifier_list, &panic_nb);
}
