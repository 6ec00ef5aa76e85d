// SPDX-License-Identifier: GPL-2.0-only
/* Live records into a sink, in time order, until something ends it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../include/config.h"
#include "base/clock.h"
#include "base/platform.h"
#include "base/privileges.h"
#include "base/xenpin.h"
#include "guest/symbols.h"
#include "model/pins.h"
#include "record/records.h"
#include "record/sink.h"
#include "trace/live.h"
#include "ready_file.h"
#include "tracing.h"
#include "tracing_internal.h"

/* Drain in good time, yet rarely enough to cost nothing: when a ring fills to this. */
#define WANTED_PERCENT	25
#define MOST_MS		50

/* --count is of what is printed: of findings, where these are all. */
static void count_out(struct trace *trace)
{
	const struct session *s = &trace->session;
	uint64_t printed = trace->opts->findings ? s->findings : s->delivered + s->inferred;

	if (trace->opts->count && printed >= trace->opts->count)
		trace->done = true;
}

static void print(struct trace *trace, const struct xp_record *rec)
{
	trace->sink->ops->record(trace->sink, rec);
	count_out(trace);
}

/* The model infers each write of a flag; where the kernel tells of them that is old news. */
static void on_inferred(void *context, const struct xp_record *flag)
{
	struct trace *trace = context;

	if (trace->done || !(trace->wanted & record_wanted[flag->kind]) ||
	    live__attachments(trace->live)[record__kind(flag)->probe].way >= 0)
		return;
	trace->session.inferred++;
	print(trace, flag);
}

void trace__on_finding(void *context, const struct finding *finding)
{
	struct trace *trace = context;

	if (trace->done && trace->opts->findings)
		return;
	trace->session.findings++;
	trace->sink->ops->finding(trace->sink, finding);
	count_out(trace);
}

/* Runs that the kernel skipped are told by no record: they may be anywhere since the last look. */
static void note_missed(struct trace *trace)
{
	for (int p = 0; p < LIVE_PROBES; p++) {
		uint64_t missed = live__missed(trace->live, p);

		if (missed == trace->probes[p].missed)
			continue;
		trace->probes[p].missed = missed;
		if (trace->pins)
			pins__dropped(trace->pins, p);
	}
}

static void confirm(struct trace *trace)
{
	if (!trace->pins || !pins__waiting(trace->pins))
		return;
	note_missed(trace);
	pins__confirm(trace->pins);
}

static void on_dropped(struct trace *trace, const struct xp_record *rec)
{
	uint32_t probe = rec->u.dropped.probe;

	if (probe < LIVE_PROBES)
		trace->probes[probe].dropped += rec->u.dropped.count;
	trace->session.dropped += rec->u.dropped.count;
	if (trace->pins && pins__begins_gap(trace->pins, rec))
		confirm(trace);
	trace->sink->ops->record(trace->sink, rec);
}

static void judge(struct trace *trace, const struct xp_record *rec)
{
	if (trace->pins)
		trace->err = pins__apply(trace->pins, rec);
}

static uint32_t what_of(const struct xp_op *op)
{
	return op->op == XP_OP_PIN ? XP_W_PIN : XP_W_UNPIN;
}

/*
 * @batch with those of its operations that are wanted: the kernel gives more when the
 * model needs them.  NULL: there are none.
 */
static const struct xp_record *narrowed(const struct trace *trace, const struct xp_record *batch,
					union any_record *copy)
{
	struct xp_op *op;
	uint32_t all = batch->u.batch.nops;

	memcpy(copy, batch, batch->nslots * XP_SLOT);
	op = record__ops(&copy->head);
	copy->head.u.batch.nops = 0;
	for (uint32_t i = 0; i < all; i++)
		if (trace->wanted & what_of(&op[i]))
			op[copy->head.u.batch.nops++] = op[i];
	copy->head.nslots = record__slots(&copy->head);
	return copy->head.u.batch.nops ? &copy->head : NULL;
}

static void deliver(struct trace *trace, const struct xp_record *rec)
{
	const uint32_t ops = XP_W_PIN | XP_W_UNPIN;
	union any_record copy;

	if (!(trace->wanted & record_wanted[rec->kind]))
		return;
	if (rec->kind == XP_BATCH && (trace->wanted & ops) != ops)
		rec = narrowed(trace, rec, &copy);
	if (!rec)
		return;
	trace->probes[record__kind(rec)->probe].delivered++;
	trace->session.delivered++;
	print(trace, rec);
}

static void on_record(void *context, struct xp_record *rec)
{
	struct trace *trace = context;

	if (trace->done || trace->err)
		return;
	if (rec->kind == XP_DROPPED) {
		on_dropped(trace, rec);
		judge(trace, rec);
		return;
	}
	if (!record_wanted[rec->kind])
		return;
	/* First what completes the record, then the record, then what it implies. */
	if (trace->pins)
		pins__complete(trace->pins, rec);
	deliver(trace, rec);
	judge(trace, rec);
}

/* As struct session asks for it. */
static void refresh(void *refreshing)
{
	struct trace *trace = refreshing;

	note_missed(trace);
	trace->session.missed = 0;
	for (int p = 0; p < LIVE_PROBES; p++)
		trace->session.missed += trace->probes[p].missed;
}

int trace__drain(struct trace *trace)
{
	int fill = live__drain(trace->live, on_record, trace);

	if (fill < 0)
		trace->err = fill;
	/* What was dropped on one CPU may explain what others told until the gap's end. */
	if (!live__in_gap(trace->live))
		confirm(trace);
	if (!trace->err)
		trace->err = trace->sink->ops->flush(trace->sink);
	return fill;
}

/* @fill percent came in @ms: when will it be as much as is wanted, at that rate? */
static int next_timeout(int ms, int fill)
{
	int next = fill > 0 ? ms * WANTED_PERCENT / fill : MOST_MS;

	return next < 1 ? 1 : next > MOST_MS ? MOST_MS : next;
}

static void follow(struct trace *trace)
{
	int timeout = MOST_MS;

	while (!trace->done && !trace->err && !until__over(&trace->until, timeout)) {
		timeout = next_timeout(timeout, trace__drain(trace));
		if (audits__due(&trace->audits))
			audits__take(&trace->audits, trace__on_finding, trace);
	}
}

static void report_probes(struct trace *trace)
{
	const struct attachment *at = live__attachments(trace->live);

	for (int p = 0; p < LIVE_PROBES; p++) {
		trace->probes[p].name = record_probes[p].name;
		trace->probes[p].via = probes__via(at, p);
		if (at[p].way != WAY_NONE)	/* absent is no gap */
			continue;
		trace->partial = true;
		if (trace->pins)
			pins__without(trace->pins, p);
		say("the probe %s (%s) is missing, so coverage is partial: %s", record_probes[p].name,
		    record_probes[p].what, at[p].reason[0]);
	}
	trace->session.probes = trace->probes;
	trace->session.nr_probes = probes__here();
	trace->session.platform = trace->platform;
	trace->session.filtered = tracing__is_filtered(trace->opts);
	trace->session.refresh = refresh;
	trace->session.refreshing = trace;
}

/* Arm, give up privileges, tell who waits, let CMD go.  Returns an exit status. */
static enum exit_status begin(struct trace *trace)
{
	const struct tracing_options *opts = trace->opts;
	int err = privileges__drop();

	if (err) {
		say("cannot give up capabilities: %s", strerror(-err));
		return EXIT_LOAD;
	}
	trace->session.begin_ns = live__arm(trace->live);
	trace->sink->ops->start(trace->sink, &trace->session);
	if (ready_file__create(opts->ready_file))
		return EXIT_USAGE;
	err = until__go(&trace->until, opts->duration_ns);
	if (err) {
		say("cannot run '%s': %s", opts->cmd[0], strerror(-err));
		return EXIT_USAGE;
	}
	return EXIT_CLEAN;
}

static enum exit_status finish(struct trace *trace)
{
	struct session *s = &trace->session;
	int err = live__stop(trace->live, on_record, trace, &s->end_ns);
	uint64_t unknown;

	confirm(trace);
	trace__audit_last(trace);
	refresh(trace);
	if (trace->err != -EPIPE) {
		trace->sink->ops->end(trace->sink, s);
		if (!trace->err)
			trace->err = trace->sink->ops->flush(trace->sink);
	}
	if (trace->err && trace->err != -EPIPE)
		say("the trace is incomplete, it could not be written: %s", strerror(-trace->err));
	if (err)
		say("the trace is incomplete, its last records could not be read: %s",
		    strerror(-err));
	unknown = trace->pins && !s->filtered ? pins__unknown(trace->pins) : 0;
	if (unknown)
		say("%llu records do not say which page they are about, or of what level or mm: "
		    "nothing was concluded from them", (unsigned long long)unknown);
	if (s->findings)
		return EXIT_FINDING;
	if ((trace->err && trace->err != -EPIPE) || err || s->dropped || s->missed || unknown ||
	    trace->partial)
		return EXIT_INCOMPLETE;
	return EXIT_CLEAN;
}

static int dry_run(struct trace *trace)
{
	for (int p = 0; p < trace->session.nr_probes; p++)
		printf("%-10s would attach via %s\n", trace->probes[p].name, trace->probes[p].via);
	return stdout_ends(trace->partial ? EXIT_INCOMPLETE : EXIT_CLEAN);
}

/* A look at the tables of each tree that is unpinned costs a fork 3 %: a plain recording has none. */
static bool wants_look(const struct tracing_options *opts)
{
	return opts->findings || opts->audit_ns;
}

static struct pins *new_model(struct trace *trace)
{
	return pins__new((struct pins_handlers){
		.flag = trace->sink->plain ? NULL : on_inferred,
		.finding = tracing__is_filtered(trace->opts) ? NULL : trace__on_finding,
		.context = trace,
	});
}

static enum exit_status run(struct trace *trace)
{
	const struct tracing_options *opts = trace->opts;
	struct trace_request request = opts->trace;
	char why[REASON_LEN];
	enum exit_status status;
	int err;

	if (opts->trace.stack) {
		trace->sink->symbols = symbols__open("/proc/kallsyms", trace->platform->kernel);
		if (!trace->sink->symbols) {
			say("--stack: cannot read /proc/kallsyms: %s", strerror(errno));
			return EXIT_CANNOT;
		}
		if (platform__hides_symbols())
			say("--stack shows addresses without names: %s", platform__hides_symbols());
	}
	if (!trace->sink->unjudged) {
		trace->pins = new_model(trace);
		if (!trace->pins) {
			say("no memory");
			return EXIT_LOAD;
		}
	}
	request.look = wants_look(opts);
	err = live__open(&trace->live, &request, why);
	if (err) {
		say("cannot trace: %s", why);
		return err == -ENOKEY ? EXIT_CANNOT : EXIT_LOAD;
	}
	report_probes(trace);
	if (opts->trace.dry_run)
		return dry_run(trace);
	status = trace__wants_audits(trace) ? trace__audit_first(trace) : EXIT_CLEAN;
	if (!status)
		status = begin(trace);
	if (status)
		return status;
	if (trace->audits.guest)
		audits__tell(&trace->audits, &trace->audit, trace__on_finding, trace);
	follow(trace);
	return finish(trace);
}

bool tracing__possible(struct platform *platform)
{
	const char *obstacle;

	platform__read(platform);
	obstacle = platform__obstacle(platform);
	if (obstacle)
		say("%s", obstacle);
	return !obstacle;
}

enum exit_status tracing__run(const struct tracing_options *opts, const struct platform *platform,
			      uint32_t wanted, struct sink *sink)
{
	struct trace trace = {
		.opts = opts,
		.platform = platform,
		.wanted = wanted,
		.sink = sink,
	};
	enum exit_status status;
	int err;

	probes__verbose(opts->verbose);
	err = until__begin(&trace.until, opts->cmd);
	if (err) {
		say("cannot run '%s': %s", opts->cmd[0], strerror(-err));
		status = EXIT_USAGE;
	} else {
		status = run(&trace);
	}
	until__end(&trace.until);
	live__close(trace.live);
	pins__free(trace.pins);
	audit__free(&trace.audit);
	audits__close(&trace.audits);
	symbols__close(sink->symbols);
	return status;
}
