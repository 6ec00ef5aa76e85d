// SPDX-License-Identifier: GPL-2.0-only
/* xenpin page: what every witness says of one page, and who writes its flag. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/platform.h"
#include "base/signals.h"
#include "base/xenpin.h"
#include "guest/snapshot.h"
#include "guest/symbols.h"
#include "output/finding.h"
#include "output/sinks.h"
#include "record/comm.h"
#include "report/feed.h"
#include "trace/probes.h"
#include "trace/watchpoint.h"
#include "options.h"
#include "ready_file.h"
#include "tracing.h"

static struct page_options {
	const char *operand;
	bool json, verbose;
	uint64_t duration_ns;	/* 0: no limit */
	bool watch;
	uint64_t count;		/* 0: no limit */
	const char *recording;	/* NULL: none */
	const char *ready_file;
} given;

static const struct option_row rows[] = {
	JSON_ROW(given.json),
	DURATION_ROW(given.duration_ns),
	{ "watch", 'w', NULL, "then tell each write that changes its flag, with the kernel stack",
	  TO_FLAG(given.watch) },
	{ "count", 'n', "N", "stop after N changes", TO_COUNT(given.count) },
	{ "recording", 'r', "FILE", "what a recording tells of it", TO_STRING(given.recording) },
	READY_FILE_ROW(given.ready_file),
	VERBOSE_ROW(given.verbose),
	{}
};

struct page {
	const struct page_options *opts;
	struct platform platform;
	struct guest *guest;
	struct audit audit;
	uint64_t pfn;
	struct xp_seen seen;		/* as the audit, or a look of its own, left it */
	bool reached;
	uint8_t type;			/* enum xen_type */
	struct xp_owner owner;		/* .pid 0: no process */
	struct feed feed;		/* of --recording */
	struct pin_state history;	/* at its end */
	struct sink sink;
	uint64_t changes;
	int err;			/* -errno: memory or output ended */
};

static const struct finding *finding_of(const struct page *p)
{
	for (size_t i = 0; i < p->audit.nr_findings; i++)
		if (p->audit.findings[i].pfn == p->pfn)
			return &p->audit.findings[i];
	return NULL;
}

/* Find the page among the audit's tables, or else look at it alone. */
static int look_at_page(struct page *p)
{
	const struct audit *a = &p->audit;
	uint32_t index;
	uint64_t mfn;
	int err;

	for (size_t i = 0; i < a->nr_tables; i++) {
		index = a->chosen[i];
		if (p->guest->tables[index].pfn == p->pfn) {
			p->reached = true;
			p->seen = p->guest->tables[index];
			break;
		}
	}
	if (!p->reached) {
		err = guest__add(p->guest, p->pfn, 0);
		if (err < 0)
			return err;
		index = err;
		err = guest__again(p->guest, &index, 1);
		if (err)
			return err;
		p->seen = p->guest->tables[index];
	}
	mfn = p->seen.mfn;
	if (guest__types(p->guest, &mfn, &p->type, 1))
		p->type = XEN_T_UNKNOWN;
	return 0;
}

/*
 * The witnesses disagree, and the audit did not: the page was not at rest.  (On a page that no
 * tree refers to the flag's bit may mean something else, so the audit alone judges it.)
 */
static bool is_open(const struct page *p)
{
	return !finding_of(p) && (p->reached || !(p->seen.state & XP_S_FLAG)) &&
	       audit__contradiction(&p->audit, &p->seen, p->type, p->reached) != FINDING_CLASSES;
}

static bool is_whole(const struct page *p)
{
	return audit__is_whole(&p->audit) && !is_open(p);
}

static void find_owner(struct page *p)
{
	struct xp_owner *owners;
	int n = p->reached ? guest__owners(p->guest, &owners) : 0;

	for (int i = 0; i < n; i++)
		if (owners[i].mm == p->seen.mm)
			p->owner = owners[i];
	if (n > 0)
		free(owners);
}

static void on_record(void *context, struct xp_record *rec)
{
	struct page *p = context;

	p->err = feed__apply(&p->feed, rec);
	if (p->err)
		recording__stop(p->feed.recording);
}

/* Returns 0, or -errno and in @why what is wrong with the file. */
static int feed_recording(struct page *p, char why[RECORDING_WHY])
{
	const struct recording_info *info;
	int err = recording__open(&p->feed.recording, p->opts->recording, why);

	if (err)
		return err;
	info = recording__info(p->feed.recording);
	err = recording__read(p->feed.recording, on_record, p, why);
	if (p->err) {
		err = p->err;
		snprintf(why, RECORDING_WHY, "%s", strerror(-err));
	}
	feed__end(&p->feed);
	pins__find(p->feed.pins, p->pfn, &p->history);
	/* Nothing tells what a filter or a missing probe left out. */
	p->history.doubt |= info->session.filtered || feed__partial(info);
	recording__close(p->feed.recording);
	return err;
}

static bool read_history(struct page *p)
{
	char why[RECORDING_WHY];
	int err;

	p->feed.pins = pins__new((struct pins_handlers){});
	if (!p->feed.pins) {
		say("no memory");
		return false;
	}
	err = feed_recording(p, why);
	if (err)
		say("--recording: '%s': %s", p->opts->recording, why);
	pins__free(p->feed.pins);
	return !err;
}

static const char *flag_word(const struct page *p)
{
	return p->seen.state & XP_S_NO_FLAG ? "unknown" : p->seen.state & XP_S_FLAG ? "set" : "clear";
}

static const char *map_word(const struct page *p)
{
	return p->seen.state & XP_S_NO_MAP ? "unknown" :
	       p->seen.state & XP_S_READONLY ? "read-only" : "writable";
}

#define EXPLANATION ", as are the kernel's image, what it allocated at boot, text of modules and LDTs"

static bool is_explained(const struct page *p)
{
	return p->seen.state & XP_S_READONLY && !(p->seen.state & XP_S_FLAG) && !p->reached &&
	       audit__explains(&p->audit, &p->seen);
}

static void xen_words(const struct page *p, char *words, size_t size)
{
	if (p->type == XEN_T_UNKNOWN)
		snprintf(words, size, "unknown");
	else if ((p->type & XEN_T_LEVEL) > XEN_T_L4)
		snprintf(words, size, "not this domain's");
	else if (!(p->type & XEN_T_LEVEL))
		snprintf(words, size, "no page table");
	else
		snprintf(words, size, "L%d table%s", p->type & XEN_T_LEVEL,
			 p->type & XEN_T_PINNED ? ", pinned" : "");
}

static const char *history_words(const struct page *p)
{
	static const char *const known[] = {
		[PIN_UNKNOWN] = "unknown", [PIN_NOT] = "not pinned",
		[PIN_BY_TYPE] = "a table of a pinned tree", [PIN_EXPLICIT] = "pinned by itself",
	};

	return !p->opts->recording ? "unknown" : p->history.level || p->history.last ?
	       known[p->history.xen] : "no page table that it knows of";
}

static void print_json(const struct page *p)
{
	const struct finding *f = finding_of(p);
	char xen[40];
	json_t *object;

	xen_words(p, xen, sizeof(xen));
	object = json_pack("{sisssIsososisbsosisosssssbsssssbsbssss}", "schema", JSON_SCHEMA, "type", "page", "t",
			   (json_int_t)p->audit.begin, "pfn", json_hex(p->pfn), "mfn",
			   json_frame(p->seen.mfn), "level", p->seen.level, "in_tree", p->reached,
			   "mm", json_hex(p->seen.mm), "pid", (int)p->owner.pid, "comm",
			   json_comm(p->owner.comm), "flag", flag_word(p), "direct_map",
			   map_word(p), "explained", is_explained(p), "xen", xen, "history", history_words(p),
			   "history_in_doubt", p->history.doubt, "complete", is_whole(p),
			   "finding", f ? finding__class(f) : "", "grade",
			   f ? finding__grade(f) : "");
	if (f)
		finding__print_json(stdout, f, NULL);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_tree(const struct page *p)
{
	char name[XP_COMM_LEN + 1];

	if (!p->reached) {
		printf("tree        no pinned tree%s refers to it\n",
		       audit__is_whole(&p->audit) ? "" : " that was seen");
		return;
	}
	comm__printable(name, p->owner.comm);
	printf("tree        an L%u table of mm 0x%llx", p->seen.level, p->seen.mm);
	if (p->owner.pid)
		printf(", %s (pid %u)", name, p->owner.pid);
	else if (!p->seen.mm || p->seen.mm == p->guest->places->init_mm)
		printf(", the kernel's own");
	putchar('\n');
}

static void print_text(const struct page *p)
{
	const char *why = p->type == XEN_T_UNKNOWN ? p->guest->no_types : "";
	const struct finding *f = finding_of(p);
	char xen[40];

	xen_words(p, xen, sizeof(xen));
	if (f)
		finding__print_text(stdout, f, NULL);
	printf("page 0x%llx", (unsigned long long)p->pfn);
	if (p->seen.mfn != XP_NO_PFN)
		printf(", mfn 0x%llx", p->seen.mfn);
	printf("%s\nflag        %s\n", f ? "" : is_whole(p) ? ": no contradiction" : is_open(p) ?
	       ": its witnesses contradict each other, but it was not at rest, so that proves nothing" :
	       ": no contradiction was found, but the audit is incomplete, so that proves nothing",
	       flag_word(p));
	print_tree(p);
	printf("direct map  %s%s\n", map_word(p), is_explained(p) ? EXPLANATION : "");
	printf("Xen         %s%s%s\n", xen, *why ? ": " : "", why);
	printf("history     %s%s\n", history_words(p),
	       !p->opts->recording ? " (--recording FILE: what happened to it there)" :
	       p->history.doubt ? ", in doubt: records are missing" : "");
}

static void on_change(void *context, const struct xp_record *rec)
{
	struct page *p = context;

	if (p->err)
		return;
	p->changes++;
	p->sink.ops->record(&p->sink, rec);
	p->err = p->sink.ops->flush(&p->sink);
}

/* In ms, for poll(); @end 0: for ever. */
static int time_until(uint64_t end, uint64_t now)
{
	uint64_t ms = (end - now) / 1000000 + 1;

	return !end ? -1 : ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Until a signal, --duration or --count; or nobody reads stdout any more. */
static void follow(struct page *p, struct watch *w)
{
	struct pollfd fds[] = { { .fd = signals__catch(0), .events = POLLIN },
				{ .fd = watch__fd(w), .events = POLLIN },
				{ .fd = STDOUT_FILENO },
				{ .fd = watch__cpus_fd(w), .events = POLLIN } };
	uint64_t now = now_ns(), end = p->opts->duration_ns ? now + p->opts->duration_ns : 0;

	while (!p->err && !(fds[0].revents & POLLIN) && (!end || now < end) &&
	       (!p->opts->count || p->changes < p->opts->count)) {
		int err = poll(fds, 4, time_until(end, now)) < 0 ? -errno : watch__read(w);

		if (fds[3].revents & POLLIN)
			watch__follow_cpus(w);
		if (!p->err)
			p->err = err ?: fds[2].revents ? -EPIPE : 0;
		now = now_ns();
	}
	close(fds[0].fd);
}

/* How the watch ended. */
static enum exit_status conclude(const struct page *p, struct watch *w)
{
	char why[WATCH_REASON_LEN];
	int blind = watch__blind(w, why);

	if (blind)
		say("the watch is incomplete, it did not see what %d of the CPUs did: %s", blind,
		    why);
	if (p->err && p->err != -EPIPE)
		say("the watch ended early: %s", strerror(-p->err));
	if (p->err != -EPIPE)
		fprintf(stderr, "%llu changes in %llu writes of the flags, %llu dropped\n",
			(unsigned long long)p->changes, (unsigned long long)watch__writes(w),
			(unsigned long long)watch__dropped(w));
	return (p->err && p->err != -EPIPE) || watch__dropped(w) || blind ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static enum exit_status watch(struct page *p)
{
	const struct xp_places *places = p->guest->places;
	uint64_t address = places->vmemmap + p->pfn * places->page_size;
	char why[WATCH_REASON_LEN];
	enum exit_status status;
	struct watch *w;
	int err;

	p->sink = (struct sink){ .out = stdout, .ops = p->opts->json ? &sink_json : &sink_text,
				 .begin_ns = now_ns() };
	p->sink.symbols = symbols__open("/proc/kallsyms", p->platform.kernel);
	if (!p->sink.symbols) {
		say("--watch: cannot read /proc/kallsyms: %s", strerror(errno));
		return EXIT_CANNOT;
	}
	err = watch__open(&w, address, p->pfn, p->seen.level, p->seen.state & XP_S_FLAG,
			  on_change, p, why);
	if (err) {
		say("--watch: %s", why);
		symbols__close(p->sink.symbols);
		return err == -EPERM || err == -EACCES ? EXIT_CANNOT : EXIT_LOAD;
	}
	status = ready_file__create(p->opts->ready_file);
	if (!status) {
		follow(p, w);
		status = conclude(p, w);
	}
	watch__close(w);
	symbols__close(p->sink.symbols);
	return status;
}

static enum exit_status verdict(const struct page *p)
{
	if (finding_of(p))
		return EXIT_FINDING;
	return is_whole(p) && !(p->seen.state & (XP_S_NO_FLAG | XP_S_NO_MAP)) ? EXIT_CLEAN :
										  EXIT_INCOMPLETE;
}

/* A finding outranks what goes wrong later. */
static enum exit_status tell(struct page *p)
{
	enum exit_status status = verdict(p), then = EXIT_CLEAN;

	(p->opts->json ? print_json : print_text)(p);
	if (!fflush(stdout) && !ferror(stdout)) {
		then = p->opts->watch ? watch(p) : EXIT_CLEAN;
	} else if (errno != EPIPE) {
		say("cannot write to stdout: %s", strerror(errno));
		then = EXIT_INCOMPLETE;
	}
	return status == EXIT_FINDING ? status : then ?: status;
}

static enum exit_status look(struct page *p)
{
	int err = audit__take(&p->audit, p->guest);

	if (!err && p->pfn >= p->guest->places->max_pfn) {
		say("page: there is no pfn 0x%llx, the last is 0x%llx", (unsigned long long)p->pfn,
		    p->guest->places->max_pfn - 1);
		return EXIT_USAGE;
	}
	if (!err)
		err = look_at_page(p);
	if (err) {
		say("cannot look at the page: %s", strerror(-err));
		return EXIT_LOAD;
	}
	find_owner(p);
	if (p->opts->recording && !read_history(p))
		return EXIT_USAGE;
	return tell(p);
}

static enum exit_status cmd_page(void)
{
	const struct page_options *opts = &given;
	struct page p = { .opts = opts };
	char why[AUDIT_REASON_LEN], *end;
	enum exit_status status;
	int err;

	errno = 0;
	p.pfn = strtoull(opts->operand, &end, 0);
	if (errno || end == opts->operand || *end || *opts->operand == '-') {
		say("page: '%s' is not a frame number, such as 0x82e0", opts->operand);
		return EXIT_USAGE;
	}
	if (!opts->watch && (opts->duration_ns || opts->count || opts->ready_file)) {
		say("page: --duration, --count and --ready-file are for --watch");
		return EXIT_USAGE;
	}
	probes__verbose(opts->verbose);
	if (!tracing__possible(&p.platform))
		return EXIT_CANNOT;
	err = snapshot__open(&p.guest, p.platform.dom0, why);
	if (err) {
		say("cannot look: %s", why);
		return err == -ENOKEY ? EXIT_CANNOT : EXIT_LOAD;
	}
	status = look(&p);
	audit__free(&p.audit);
	guest__close(p.guest);
	return status;
}

const struct command command_page = {
	.name = "page",
	.args = "PFN",
	.what = "what every witness says of one page",
	.options = rows,
	.operand = &given.operand,
	.run = cmd_page,
};
