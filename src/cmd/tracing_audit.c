// SPDX-License-Identifier: GPL-2.0-only
/* The audits that a trace begins and ends with; with --findings the first one seeds the model. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/xenpin.h"
#include "tracing_internal.h"

/* The stream holds a record back for a millisecond, or until a half-written one is whole. */
#define CATCH_UP_US	2000
#define CATCH_UP_TRIES	500

/* Let pass what was recorded until @t.  Returns 0, -ETIME or what stopped the trace. */
static int catch_up(struct trace *trace, uint64_t t)
{
	for (int try = 0; try < CATCH_UP_TRIES; try++) {
		trace__drain(trace);
		if (trace->err || live__reached(trace->live) >= t)
			return trace->err;
		usleep(CATCH_UP_US);
	}
	return -ETIME;
}

/*
 * Audit while the stream is running, let the stream's records of that time pass,
 * then give the model what stood still.  A tree that was being unpinned when the
 * recording began would be seen as pinned, and nobody would tell of its end: so
 * that ends first.
 */
static int seed(struct trace *trace)
{
	struct audits *a = &trace->audits;
	int err;

	live__arm(trace->live);
	live__let_begun_end();
	pins__seed_begin(trace->pins);
	err = audit__take(&trace->audit, a->guest);
	if (!err)
		err = catch_up(trace, trace->audit.end);
	if (!err)
		err = audit__seed(&trace->audit, a->guest, trace->pins);
	pins__seed_end(trace->pins);
	return err;
}

/* What was there before, and nobody could say whether it is sound. */
static void note_unseen(struct trace *trace)
{
	const struct audit *a = &trace->audit;

	if (audit__is_whole(a))
		return;
	trace->partial |= trace->opts->findings || trace->opts->audit_ns;
	say("the audit of the begin %s, so that of older page tables no finding proves nothing",
	    a->complete ? "could not judge all tables" : "is incomplete");
}

/* With --findings the model begins with what the audit saw, and cannot do without. */
enum exit_status trace__audit_first(struct trace *trace)
{
	const struct tracing_options *opts = trace->opts;
	char why[AUDIT_REASON_LEN];
	int err = audits__open(&trace->audits, trace->platform, opts->audit_ns, why);

	if (err && !opts->findings && !opts->audit_ns) {
		say("page tables are not audited: %s", why);
		return EXIT_CLEAN;
	}
	if (err) {
		say("%s: %s", opts->findings ? "--findings" : "--audit", why);
		return err == -ENOKEY ? EXIT_CANNOT : EXIT_LOAD;
	}
	err = opts->findings ? seed(trace) : audit__take(&trace->audit, trace->audits.guest);
	if (err) {
		say("the audit of the begin failed: %s", strerror(-err));
		return EXIT_LOAD;
	}
	trace->session.audited = true;
	note_unseen(trace);
	return EXIT_CLEAN;
}

bool trace__wants_audits(const struct trace *trace)
{
	const struct tracing_options *opts = trace->opts;

	return opts->findings || opts->audit_ns ||
	       (trace->sink->audited && !tracing__is_filtered(opts));
}

/* What it could not judge may be anything; who asked for no audit has the records. */
void trace__audit_last(struct trace *trace)
{
	if (!trace->audits.guest || trace->err)
		return;
	audits__take(&trace->audits, trace__on_finding, trace);
	if (trace->audits.whole)
		return;
	trace->partial |= trace->opts->findings || trace->opts->audit_ns;
	say("the audit of the end did not see or judge all page tables, so that no finding proves "
	    "nothing");
}
