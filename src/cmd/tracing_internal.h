/* SPDX-License-Identifier: GPL-2.0-only */
/* A trace under way, of which tracing.c and tracing_audit.c each do a part. */
#ifndef XENPIN_TRACING_INTERNAL_H
#define XENPIN_TRACING_INTERNAL_H

#include "base/platform.h"
#include "base/xenpin.h"
#include "model/pins.h"
#include "record/sink.h"
#include "trace/live.h"
#include "audits.h"
#include "tracing_options.h"
#include "until.h"

struct trace {
	const struct tracing_options *opts;
	const struct platform *platform;
	struct live *live;
	struct pins *pins;
	struct sink *sink;
	struct session session;
	struct probe_report probes[LIVE_PROBES];
	struct until until;
	struct audits audits;
	struct audit audit;	/* of the begin: what was there before */
	uint32_t wanted;	/* enum xp_what */
	bool partial;		/* an optional probe failed */
	bool done;		/* --count reached */
	int err;		/* -errno: memory or output ended */
};

/* Deal with what was recorded until now.  Returns as live__drain(); .err: why the trace must end. */
int trace__drain(struct trace *trace);

/* A finding of the model or of an audit, for the sink; @trace is a struct trace. */
void trace__on_finding(void *trace, const struct finding *finding);

/* A recording is for a verdict; a trace is audited when it is asked for one. */
bool trace__wants_audits(const struct trace *trace);

/*
 * The audits of the begin and of the end.  They say what goes wrong; the first returns EXIT_CLEAN
 * also when it could not audit and nobody asked for it.
 */
enum exit_status trace__audit_first(struct trace *trace);
void trace__audit_last(struct trace *trace);

#endif
