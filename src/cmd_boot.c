// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenpin boot: the account of this boot, from all that it left: boot log, early
 * ring, the kernel's messages.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/verify.h"
#include "boot_files.h"
#include "options.h"
#include "platform.h"
#include "sink/boot.h"
#include "source/early.h"
#include "until.h"
#include "xenpin.h"

#define DRAIN_MS	100

struct account {
	const struct options *opts;
	struct platform platform;
	struct boot_log log;
	struct early *early;		/* NULL: none */
	struct kmsg kmsg;
	struct boot_ftrace ftrace;
	struct boot boot;
	struct boot_report report;
	struct until until;
	struct verify *verify;		/* NULL: not asked for */
	struct verify_result xen;
	int err;			/* -errno: memory or output ended */
};

/* One more reason why the account is not the whole truth. */
static void __attribute__((format(printf, 2, 3)))
gap(struct account *a, const char *format, ...)
{
	va_list args;

	if (a->report.nr_gaps == BOOT_GAPS)
		return;
	va_start(args, format);
	vsnprintf(a->report.gaps[a->report.nr_gaps++], BOOT_GAP_LEN, format, args);
	va_end(args);
}

static void on_record(void *context, struct xp_record *rec)
{
	struct account *a = context;

	if (a->err)
		return;
	a->err = boot__apply(&a->boot, rec);
	if (a->verify)
		verify__touch(a->verify, rec);
	if (!a->err && a->opts->records)
		boot_json__record(stdout, rec, a->log.header.t_offset);
}

static int flush_output(struct account *a)
{
	if (!a->err && (fflush(stdout) || ferror(stdout)))
		a->err = errno ? -errno : -EIO;
	return a->err;
}

/* Returns an exit status; EXIT_CLEAN with no log on a kernel that keeps none. */
static enum exit_status open_log(struct account *a)
{
	const char *path = a->opts->log ?: BOOT_LOG_PATH;
	char why[BOOT_LOG_WHY];
	int err = boot_log__open(&a->log, path, why);

	if (!err) {
		a->report.log = &a->log.header;
		return EXIT_CLEAN;
	}
	if (!a->opts->log && err == -ENOENT)
		return EXIT_CLEAN;
	say("%s%s: %s%s", a->opts->log ? "--log " : "", path, why,
	    err == -EACCES && !a->opts->log ? "; run it as root" : "");
	return a->opts->log ? EXIT_USAGE : EXIT_CANNOT;
}

static void open_early(struct account *a)
{
	char why[EARLY_WHY];
	int err;

	if (a->opts->log || a->log.header.end != XP_LOG_EARLY)
		return;
	err = early__open(&a->early, why);
	if (!err && early__first(a->early) != a->log.header.head) {
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

/* What user space can know only of the kernel that it runs on. */
static void read_messages(struct account *a)
{
	struct timespec tick;
	int err = kmsg__read(&a->kmsg);

	if (err)
		gap(a, "the kernel's messages cannot be read: /dev/kmsg: %s", strerror(-err));
	if (!a->report.log)
		boot_ftrace__read(&a->ftrace, &a->kmsg);
	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		a->report.tick_ns = tick.tv_nsec;
	a->report.kernel = a->platform.kernel;
	a->report.dom0 = a->platform.dom0;
	a->report.kmsg = &a->kmsg;
	a->report.ftrace = &a->ftrace;
}

static bool wants_live(const struct account *a)
{
	return a->opts->cmd || a->opts->duration_ns;
}

static void follow(struct account *a)
{
	bool over;

	do {
		over = until__over(&a->until, DRAIN_MS);
		if (early__drain(a->early, on_record, a) < 0)
			a->err = -EBADMSG;
	} while (!flush_output(a) && !over);
}

/* CMD is started before capabilities are given up: it runs with what the user has. */
static enum exit_status cannot_run(const struct account *a, int err)
{
	say("cannot run '%s': %s", a->opts->cmd[0], strerror(-err));
	return EXIT_USAGE;
}

static enum exit_status read_records(struct account *a)
{
	int err;

	boot__expect(&a->boot, &a->log.header);
	boot_log__each(&a->log, on_record, a);
	if (a->early && early__drain(a->early, on_record, a) < 0)
		gap(a, "the early ring holds something that is no record");
	if (!wants_live(a))
		return EXIT_CLEAN;
	err = until__go(&a->until, a->opts->duration_ns);
	if (err)
		return cannot_run(a, err);
	follow(a);
	return EXIT_CLEAN;
}

static void on_history(void *context, struct xp_record *rec)
{
	verify__history(context, rec);
}

/* How often, and how long, to wait for a moment when nothing happens. */
#define QUIET_TRIES	100
#define QUIET_US	20000

/* Returns 1 when Xen's answers and the records are of one moment, 0 when none came, or -errno. */
static int wait_for_quiet(struct account *a)
{
	int err = verify__scan(a->verify);

	for (int try = 0; !err && try < QUIET_TRIES; try++) {
		uint64_t before = a->boot.records;

		usleep(QUIET_US);
		if (early__drain(a->early, on_record, a) < 0)
			return -EBADMSG;
		if (a->boot.records == before)
			return 1;
		err = verify__rescan(a->verify);
	}
	return err;
}

/* What is not known of some frame would look like a difference. */
static bool history_is_whole(const struct account *a)
{
	return !*a->log.flaw && !a->log.header.lost && !a->boot.missing &&
	       !early__taken(a->early) && !early__lost(a->early) && !early__missed(a->early);
}

static void compare_with_xen(struct account *a)
{
	int quiet = wait_for_quiet(a);

	if (!history_is_whole(a)) {
		gap(a, "no comparison with Xen: records are missing");
		return;
	}
	if (quiet <= 0) {
		gap(a, "no comparison with Xen: %s", quiet ? strerror(-quiet) :
		    "page tables came and went all the time");
		return;
	}
	verify__compare(a->verify, a->boot.frames, &a->xen);
	a->report.xen = &a->xen;
	if (!a->xen.nr_differences)
		return;
	boot_log__each(&a->log, on_history, &a->xen);
	early__rewind(a->early);
	early__drain(a->early, on_history, &a->xen);
}

/* Did the ring overflow before user space began?  What it kept is what came first. */
static bool lost_in_boot(const struct account *a)
{
	return !a->kmsg.init ||
	       a->boot.last + a->log.header.printk_offset < (int64_t)a->kmsg.init;
}

static void check_early(struct account *a)
{
	uint64_t lost = early__lost(a->early), missed = early__missed(a->early);

	if (early__taken(a->early))
		gap(a, "an earlier reader took the first %llu slots of the early ring",
		    (unsigned long long)early__taken(a->early));
	if (missed)
		gap(a, "the kernel skipped %llu runs of the early program",
		    (unsigned long long)missed);
	if (!lost)
		return;
	a->report.lost += lost;
	if (lost_in_boot(a) || a->opts->records || wants_live(a))
		gap(a, "the early ring was full, %llu records are lost", (unsigned long long)lost);
}

static void check_log(struct account *a)
{
	const struct xp_boot_log *h = &a->log.header;

	if (*a->log.flaw)
		gap(a, "%s", a->log.flaw);
	if (h->end == XP_LOG_OFF)
		gap(a, "it is the boot log of a kernel that kept none (xenpin.log=0)");
	if (h->end == XP_LOG_RUNNING)
		gap(a, "the boot log was copied while the kernel still wrote to it");
	if (h->lost)
		gap(a, "the boot log was too small: %llu slots hold the first records, %llu more "
		       "are lost; CONFIG_XENPIN_BOOT_LOG_KB makes it larger",
		    (unsigned long long)h->slots, (unsigned long long)h->lost);
	if (h->untracked)
		gap(a, "%llu page tables could not be watched for erased flags",
		    (unsigned long long)h->untracked);
	if (h->end == XP_LOG_EARLY && a->opts->log)
		gap(a, "the early ring, which continues the boot log, is not in its file");
	a->report.lost += h->lost;
}

static void check_records(struct account *a)
{
	const struct boot *b = &a->boot;

	if (a->log.header.end == XP_LOG_OFF)
		return;
	if (b->missing)
		gap(a, "%llu slots are missing between records", (unsigned long long)b->missing);
	if (!b->handover.ended || !b->hook.ended)
		gap(a, "no record tells of the %s", b->handover.ended ? "hook" : "hand-over");
	if (b->nr_erased != a->log.header.erased)
		gap(a, "the kernel counted %llu erased flags, the records tell of %llu",
		    (unsigned long long)a->log.header.erased, (unsigned long long)b->nr_erased);
	for (int n = 0; n < XP_LOG_NODES; n++)
		if (boot__node_open(&b->nodes[n]))
			gap(a, "the end of the deferred stage of node %d was not seen", n);
}

static uint64_t whole_boot(const struct account *a)
{
	int64_t first = a->report.log ? a->boot.first + a->log.header.printk_offset :
					(int64_t)a->kmsg.first;

	if (!a->kmsg.init || (!a->report.log && !a->kmsg.complete))
		return 0;
	return a->kmsg.init - first;
}

static void conclude(struct account *a)
{
	if (a->report.log) {
		check_log(a);
		check_records(a);
	} else {
		gap(a, "%s: nothing tells whether flags were erased", a->log.header.magic ?
		    "the boot log is off (xenpin.log=0)" : "this kernel keeps no boot log");
	}
	if (a->early)
		check_early(a);
	a->report.boot = &a->boot;
	a->report.boot_ns = whole_boot(a);
	boot__sum(&a->boot, &a->report.sum);
}

static enum exit_status print(struct account *a)
{
	if (a->opts->json || a->opts->records)
		boot_json__print(stdout, &a->report);
	else
		boot_text__print(stdout, &a->report);
	if (flush_output(a) && a->err != -EPIPE) {
		say("the account is incomplete, it could not be written: %s", strerror(-a->err));
		return EXIT_INCOMPLETE;
	}
	if (a->report.sum.open || a->xen.nr_differences)
		return EXIT_FINDING;
	return a->report.nr_gaps ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

/* Open everything, then give up what opening it took. */
static enum exit_status prepare(struct account *a)
{
	enum exit_status status = open_log(a);
	char why[XEN_REASON_LEN];
	int err;

	if (status)
		return status;
	open_early(a);
	if ((wants_live(a) || a->opts->verify) && !a->early) {
		say("there is no early ring to follow: boot a kernel with xenpin's series, and "
		    "with xenpin.early=1");
		return EXIT_CANNOT;
	}
	if (a->opts->verify && verify__open(&a->verify, why)) {
		say("--verify: %s", why);
		return EXIT_CANNOT;
	}
	if (a->opts->log)
		return EXIT_CLEAN;
	if (a->log.header.end == XP_LOG_OFF)
		a->report.log = NULL;
	read_messages(a);
	err = wants_live(a) ? until__begin(&a->until, a->opts->cmd) : 0;
	if (err)
		return cannot_run(a, err);
	err = privileges__drop();
	if (err)
		say("cannot give up capabilities: %s", strerror(-err));
	return err ? EXIT_LOAD : EXIT_CLEAN;
}

static enum exit_status run(struct account *a)
{
	enum exit_status status = prepare(a) ?: read_records(a);

	if (status)
		return status;
	if (a->err && a->err != -EPIPE) {
		say("the account ends early: %s", strerror(-a->err));
		return EXIT_INCOMPLETE;
	}
	if (a->verify)
		compare_with_xen(a);
	conclude(a);
	return print(a);
}

static enum exit_status account(const struct options *opts)
{
	struct account a = { .opts = opts, .until.signals = -1 };
	enum exit_status status;

	platform__read(&a.platform);
	if (!opts->log && a.platform.guest != GUEST_PV) {
		say("%s", platform__obstacle(&a.platform));
		return EXIT_CANNOT;
	}
	if (boot__begin(&a.boot)) {
		say("no memory");
		return EXIT_LOAD;
	}
	status = run(&a);
	if (wants_live(&a))
		until__end(&a.until);
	verify__close(a.verify);
	early__close(a.early);
	boot_log__close(&a.log);
	boot__end(&a.boot);
	return status;
}

int cmd_boot(const struct options *opts)
{
	signal(SIGPIPE, SIG_IGN);
	if (!!opts->log + !!opts->console + !!opts->compare[0] > 1) {
		say("--log, --console and --compare: only one at a time");
		return EXIT_USAGE;
	}
	if (opts->console)
		return boot_files__console(opts);
	if (opts->compare[0])
		return boot_files__compare(opts);
	return account(opts);
}
