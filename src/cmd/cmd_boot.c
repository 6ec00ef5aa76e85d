// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenpin boot: the account of this boot, from all that it left: boot log, early
 * ring, the kernel's messages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "audit/verify.h"
#include "base/platform.h"
#include "base/privileges.h"
#include "base/xenpin.h"
#include "boot/boot_account.h"
#include "output/boot_output.h"
#include "boot_files.h"
#include "options.h"
#include "until.h"

#define DRAIN_MS	100

static struct boot_options {
	bool json, verbose;
	uint64_t duration_ns;	/* 0: do not follow for a time */
	bool records;
	bool verify;
	const char *log;	/* NULL: this boot's own */
	const char *console;	/* NULL: none; "-": stdin */
	const char *compare[2];	/* NULL: none */
	char **cmd;		/* behind "--", or NULL */
} given;

static const struct option_row rows[] = {
	JSON_ROW(given.json),
	DURATION_ROW(given.duration_ns),
	{ "records", 0, NULL, "every record since boot, as JSON, before the account",
	  TO_FLAG(given.records) },
	{ "verify", 0, NULL, "compare with Xen's own list of page tables, frame by frame (dom0)",
	  TO_FLAG(given.verify) },
	{ "log", 0, "FILE", "a copy of a boot log instead of this boot's own",
	  TO_STRING(given.log) },
	{ "console", 0, "FILE", "why did this guest die: its console, or Xen's; -: stdin",
	  TO_STRING(given.console) },
	{ "compare", 0, "A B", "two accounts that --json wrote, and their difference",
	  TO_TWO_STRINGS(given.compare) },
	VERBOSE_ROW(given.verbose),
	{}
};

struct account {
	struct boot_account left;	/* by the boot, and what it comes to */
	const struct boot_options *opts;
	struct platform platform;
	struct until until;
	struct verify *verify;		/* NULL: not asked for */
	struct verify_result xen;
	int err;			/* -errno: memory or output ended */
};

static void on_record(void *context, struct xp_record *rec)
{
	struct account *a = context;

	if (a->err)
		return;
	a->err = boot__apply(&a->left.boot, rec);
	if (a->verify)
		verify__touch(a->verify, rec);
	if (!a->err && a->opts->records)
		boot_json__record(stdout, rec, a->left.log.header.t_offset);
}

static int flush_output(struct account *a)
{
	if (!a->err && (fflush(stdout) || ferror(stdout)))
		a->err = errno ? -errno : -EIO;
	return a->err;
}

/* The kernel's own log holds addresses: whom it is kept from, and what to do. */
static const char *who_may_read(int err)
{
	static char text[256];

	if (err == -EACCES)
		return "; run it as root";
	if (err != -EPERM)
		return "";
	if (platform__hides_symbols())
		snprintf(text, sizeof(text), ": %s", platform__hides_symbols());
	else if (!privileges__has(CAP_SYSLOG))
		snprintf(text, sizeof(text), ": it needs CAP_SYSLOG");
	else
		snprintf(text, sizeof(text), ": lockdown of the kernel forbids it (/sys/kernel/security/lockdown)");
	return text;
}

/* Returns an exit status; EXIT_CLEAN with no log on a kernel that keeps none. */
static enum exit_status open_log(struct account *a)
{
	const char *path = a->opts->log;
	char why[BOOT_LOG_WHY];
	int err = boot_account__open(&a->left, path, why);

	if (!err || (!path && err == -ENOENT))
		return EXIT_CLEAN;
	say("%s%s: %s%s", path ? "--log " : "", path ?: BOOT_LOG_PATH, why, path ? "" : who_may_read(err));
	return path ? EXIT_USAGE : EXIT_CANNOT;
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
		if (early__drain(a->left.early, on_record, a) < 0)
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

	boot_account__each(&a->left, on_record, a);
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
		uint64_t before = a->left.boot.records;

		usleep(QUIET_US);
		if (early__drain(a->left.early, on_record, a) < 0)
			return -EBADMSG;
		if (a->left.boot.records == before)
			return 1;
		err = verify__rescan(a->verify);
	}
	return err;
}

/* What is not known of some frame would look like a difference. */
static bool history_is_whole(const struct account *a)
{
	const struct boot_account *left = &a->left;

	return !*left->log.flaw && !left->log.header.dropped && !left->boot.missing &&
	       !early__taken(left->early) && !early__dropped(left->early) &&
	       !early__missed(left->early);
}

static void compare_with_xen(struct account *a)
{
	int quiet = wait_for_quiet(a);

	if (!history_is_whole(a)) {
		boot_account__gap(&a->left, "no comparison with Xen: records are missing");
		return;
	}
	if (quiet <= 0) {
		boot_account__gap(&a->left, "no comparison with Xen: %s", quiet ? strerror(-quiet) :
		    "page tables came and went all the time");
		return;
	}
	verify__compare(a->verify, a->left.boot.frames, &a->xen);
	a->left.report.xen = &a->xen;
	if (!a->xen.nr_differences)
		return;
	boot_log__each(&a->left.log, on_history, &a->xen);
	early__rewind(a->left.early);
	early__drain(a->left.early, on_history, &a->xen);
}

static enum exit_status print(struct account *a)
{
	if (a->opts->json || a->opts->records)
		boot_json__print(stdout, &a->left.report);
	else
		boot_text__print(stdout, &a->left.report);
	if (flush_output(a) && a->err != -EPIPE) {
		say("the account is incomplete, it could not be written: %s", strerror(-a->err));
		return EXIT_INCOMPLETE;
	}
	if (a->left.report.sum.open || a->xen.nr_differences)
		return EXIT_FINDING;
	return a->left.report.nr_gaps ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

/* Open everything, then give up what opening it took. */
static enum exit_status prepare(struct account *a)
{
	enum exit_status status = open_log(a);
	char why[XEN_REASON_LEN];
	int err;

	if (status)
		return status;
	if ((wants_live(a) || a->opts->verify) && !a->left.early) {
		say("%s%s", a->opts->verify ? "--verify: " : "", a->left.report.nr_gaps ?
		    a->left.report.gaps[0] : "there is no early ring to follow: boot a kernel with xenpin's "
		    "series, and with xenpin.log=1 xenpin.early=1");
		return EXIT_CANNOT;
	}
	if (a->opts->verify && !a->left.report.log) {
		say("--verify: without a boot log (xenpin.log=1) nobody knows what came before the early ring");
		return EXIT_CANNOT;
	}
	if (a->opts->verify && !a->platform.dom0) {
		say("--verify: only the control domain may ask Xen for its list of page tables; this is a domU");
		return EXIT_CANNOT;
	}
	if (a->opts->verify && verify__open(&a->verify, why)) {
		say("--verify: %s", why);
		return EXIT_CANNOT;
	}
	if (a->opts->log)
		return EXIT_CLEAN;
	boot_account__read_messages(&a->left, &a->platform);
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
	boot_account__conclude(&a->left, a->opts->records || wants_live(a));
	return print(a);
}

static enum exit_status account(const struct boot_options *opts)
{
	struct account a = { .opts = opts, .until.signals = -1 };
	enum exit_status status;

	platform__read(&a.platform);
	if (!opts->log && a.platform.guest != GUEST_PV) {
		say("%s", platform__obstacle(&a.platform));
		return EXIT_CANNOT;
	}
	if (boot_account__begin(&a.left)) {
		say("no memory");
		return EXIT_LOAD;
	}
	status = run(&a);
	if (wants_live(&a))
		until__end(&a.until);
	verify__close(a.verify);
	boot_account__end(&a.left);
	return status;
}

/* The option that names what other boots left; NULL: it is this boot that counts. */
static const char *elsewhere(const struct boot_options *opts)
{
	return opts->log ? "--log" : opts->console ? "--console" : opts->compare[0] ? "--compare" : NULL;
}

static enum exit_status cmd_boot(void)
{
	const struct boot_options *opts = &given;

	if (!!opts->log + !!opts->console + !!opts->compare[0] > 1) {
		say("--log, --console and --compare: only one at a time");
		return EXIT_USAGE;
	}
	if (elsewhere(opts) && (opts->verify || opts->duration_ns || opts->cmd)) {
		say("%s is of another boot: --verify, --duration and CMD are for this one", elsewhere(opts));
		return EXIT_USAGE;
	}
	if (opts->records && (opts->console || opts->compare[0])) {
		say("--records: %s has none", elsewhere(opts));
		return EXIT_USAGE;
	}
	if (opts->console)
		return boot_files__console(opts->console, opts->json);
	if (opts->compare[0])
		return boot_files__compare(opts->compare, opts->json);
	return account(opts);
}

const struct command command_boot = {
	.name = "boot",
	.args = "[-- CMD [ARG]...]",
	.what = "this boot's account: hand-over, hook, deferred init, erased flags",
	.options = rows,
	.child = &given.cmd,
	.run = cmd_boot,
};
