// SPDX-License-Identifier: GPL-2.0-only
/* What a boot left, opened, and what is missing of it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "boot_account.h"

void boot_account__gap(struct boot_account *a, const char *format, ...)
{
	va_list args;

	if (a->report.nr_gaps == BOOT_GAPS)
		return;
	va_start(args, format);
	vsnprintf(a->report.gaps[a->report.nr_gaps++], BOOT_GAP_LEN, format, args);
	va_end(args);
}

#define gap boot_account__gap

int boot_account__begin(struct boot_account *a)
{
	*a = (struct boot_account){};
	a->report.boot = &a->boot;
	return boot__begin(&a->boot);
}

void boot_account__end(struct boot_account *a)
{
	early__close(a->early);
	boot_log__close(&a->log);
	boot__end(&a->boot);
}

static void open_early(struct boot_account *a)
{
	char why[EARLY_WHY];
	int err;

	if (a->copy || !a->log.header.magic || a->log.header.end == XP_LOG_INIT)
		return;
	err = early__open(&a->early, why);
	/* Without a log there may be a ring or none, and nobody is asked for more. */
	if (err && a->log.header.end != XP_LOG_EARLY)
		return;
	if (!err && !a->log.header.released && early__first(a->early) != a->log.header.head) {
		gap(a, "the early ring does not continue this boot log");
		early__close(a->early);
		a->early = NULL;
	} else if (err == -ENOENT) {
		gap(a, "the early ring, which continues the boot log, is gone: somebody wrote 0 to "
		       "/sys/kernel/xenpin/early");
	} else if (err) {
		gap(a, "the early ring, which continues the boot log, cannot be read: %s", why);
	}
	a->report.early = a->early;
}

/* Was no log kept? */
static bool holds_nothing(const struct xp_boot_log *h)
{
	return h->end == XP_LOG_OFF || h->end == XP_LOG_NO_MEMORY;
}

/* Flags are counted where they are tracked, with a log or without; then boot page tables carry some. */
static bool has_counts(const struct xp_boot_log *h)
{
	return h->magic && (!holds_nothing(h) || h->marked || h->erased || h->untracked);
}

int boot_account__open(struct boot_account *a, const char *path, char why[BOOT_LOG_WHY])
{
	int err = boot_log__open(&a->log, path ?: BOOT_LOG_PATH, why);

	if (err)
		return err;
	a->copy = path;
	/* A kernel that was told to keep none says so in its header. */
	if (a->copy || !holds_nothing(&a->log.header))
		a->report.log = &a->log.header;
	a->report.series = a->log.header.magic;
	if (has_counts(&a->log.header))
		a->report.counts = &a->log.header;
	boot__expect(&a->boot, &a->log.header);
	open_early(a);
	return 0;
}

void boot_account__read_messages(struct boot_account *a, const struct platform *platform)
{
	struct timespec tick;
	int err = kmsg__read(&a->kmsg);

	a->kmsg.unread = err;
	if (err)
		gap(a, "the kernel's messages cannot be read: /dev/kmsg: %s", strerror(-err));
	if (!a->report.log)
		boot_ftrace__read(&a->ftrace, &a->kmsg);
	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		a->report.tick_ns = tick.tv_nsec;
	a->report.kernel = platform->kernel;
	a->report.dom0 = platform->dom0;
	a->report.kmsg = &a->kmsg;
	a->report.ftrace = &a->ftrace;
}

void boot_account__each(struct boot_account *a, record_fn fn, void *context)
{
	boot_log__each(&a->log, fn, context);
	if (a->early && early__read(a->early, fn, context) < 0)
		gap(a, "the early ring holds something that is no record");
}

void boot_account__again(struct boot_account *a, record_fn fn, void *context)
{
	if (a->early)
		early__rewind(a->early);
	boot_account__each(a, fn, context);
}

void boot_account__apply(void *account, struct xp_record *rec)
{
	struct boot_account *a = account;

	if (boot__apply(&a->boot, rec))
		gap(a, "there was no memory for all of its records");
}

/* Did the ring overflow before user space began?  What it kept is what came first. */
static bool lost_in_boot(const struct boot_account *a)
{
	return !a->kmsg.init ||
	       a->boot.last + a->log.header.printk_offset < (int64_t)a->kmsg.init;
}

static void check_early(struct boot_account *a, bool beyond)
{
	uint64_t dropped = early__dropped(a->early), missed = early__missed(a->early);

	if (early__taken(a->early))
		gap(a, "an earlier reader took the first %llu slots of the early ring",
		    (unsigned long long)early__taken(a->early));
	if (missed)
		gap(a, "the kernel skipped %llu runs of the early program",
		    (unsigned long long)missed);
	if (!dropped)
		return;
	a->report.dropped += dropped;
	if (beyond || lost_in_boot(a))
		gap(a, "the early ring was full, %llu records were dropped", (unsigned long long)dropped);
}

/* Why this kernel has no log. */
static const char *why_none(const struct xp_boot_log *h)
{
	if (!h->magic)
		return "this kernel keeps no boot log";
	if (h->end == XP_LOG_NO_MEMORY)
		return "the kernel found no memory for a boot log";
	return "the boot log is off (xenpin.log=1 on the command line switches it on)";
}

static void check_counts(struct boot_account *a)
{
	const struct xp_boot_log *h = a->report.counts;

	if (!h)
		gap(a, "%s: nothing tells whether flags were erased", why_none(&a->log.header));
	else if (h->erased)
		gap(a, "%s: the kernel's own count is all that tells of erased flags", why_none(h));
	else
		gap(a, "%s: no flag was erased, by the kernel's own count, and no more is known", why_none(h));
}

static void check_untracked(struct boot_account *a)
{
	const struct xp_boot_log *h = a->report.counts;

	if (h && h->untracked)
		gap(a, "%llu page tables or more could not be watched for erased flags",
		    (unsigned long long)h->untracked);
}

static void check_log(struct boot_account *a)
{
	const struct xp_boot_log *h = &a->log.header;

	if (*a->log.flaw)
		gap(a, "%s", a->log.flaw);
	if (h->end == XP_LOG_OFF)
		gap(a, "it is the boot log of a kernel that was not asked to keep one (xenpin.log=1)");
	if (h->end == XP_LOG_NO_MEMORY)
		gap(a, "%s", why_none(h));
	if (h->released)
		gap(a, "the boot log was given back with its records (somebody wrote 0 to "
		       BOOT_LOG_PATH "): the kernel's own counts are left");
	if (h->end == XP_LOG_RUNNING)
		gap(a, "the boot log was copied while the kernel still wrote to it");
	if (h->dropped)
		gap(a, "the boot log was too small: %llu records were dropped from slot %llu on%s%s",
		    (unsigned long long)h->dropped, (unsigned long long)h->hole, h->hole == h->slots ? "" :
		    ", where it keeps room for stages, erased flags and refusals alone",
		    h->head == h->slots && h->hole != h->slots ? ", and of these it could not hold all" : "");
	if (h->end == XP_LOG_EARLY && a->copy)
		gap(a, "the early ring, which continues the boot log, is not in its file");
	a->report.dropped += h->dropped;
}

static void check_records(struct boot_account *a)
{
	const struct boot *b = &a->boot;

	if (holds_nothing(&a->log.header) || a->log.header.released)
		return;
	if (b->missing)
		gap(a, "%llu slots are missing between records", (unsigned long long)b->missing);
	if (!b->handover.ended || !b->hook.ended)
		gap(a, "no record tells of the %s", b->handover.ended ? "hook" : "hand-over");
	if (b->nr_erased != a->log.header.erased)
		gap(a, "the kernel counted %llu erased flags, the records tell of %llu",
		    (unsigned long long)a->log.header.erased, (unsigned long long)b->nr_erased);
	if (b->repairs != a->log.header.repaired)
		gap(a, "the kernel counted %llu repaired flags, the records tell of %llu",
		    (unsigned long long)a->log.header.repaired, (unsigned long long)b->repairs);
	for (int n = 0; n < XP_LOG_NODES; n++)
		if (boot__node_open(&b->nodes[n]))
			gap(a, "the end of the deferred stage of node %d was not seen", n);
}

static uint64_t whole_boot(const struct boot_account *a)
{
	int64_t first = a->report.log ? a->boot.first + a->log.header.printk_offset :
					(int64_t)a->kmsg.first;

	if (!a->kmsg.init || (!a->report.log && !a->kmsg.complete))
		return 0;
	return a->kmsg.init - first;
}

void boot_account__conclude(struct boot_account *a, bool beyond)
{
	if (a->report.log) {
		check_log(a);
		check_records(a);
	} else {
		check_counts(a);
	}
	check_untracked(a);
	if (a->early)
		check_early(a, beyond);
	a->report.whole = a->report.log && !a->report.nr_gaps;
	a->report.boot_ns = whole_boot(a);
	boot_report__sum(&a->report, &a->boot);
}
