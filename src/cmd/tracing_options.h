/* SPDX-License-Identifier: GPL-2.0-only */
/* What `trace` and `record` are asked for, and the rows of options that they share. */
#ifndef XENPIN_TRACING_OPTIONS_H
#define XENPIN_TRACING_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/word.h"
#include "trace/request.h"
#include "options.h"

struct tracing_options {
	struct trace_request trace;
	bool findings;		/* only these */
	uint64_t audit_ns;	/* an audit so often; 0: none in between */
	uint64_t duration_ns;	/* 0: no limit */
	uint64_t count;		/* 0: no limit */
	const char *ready_file;
	bool verbose;
	char **cmd;		/* behind "--", or NULL */
};

#define TRACING_DEFAULTS	{ .trace = { .pfn.to = UINT64_MAX, .ring_pages = 256 } }

/* Words of --level, --op and --via. */
extern const struct word tracing_levels[], tracing_ops[], tracing_ways[];

/* Of the struct trace_request @to: what to trace. */
#define FILTER_ROWS(to) \
	{ "pid", 'p', "PID", "only of this process", TO_U32((to).pid, 1, 1 << 22) }, \
	{ "comm", 'c', "NAME", "only of tasks with this name", TO_COMM((to).comm) }, \
	{ "mm", 0, "ADDRESS", "only of this mm_struct", TO_ADDRESS((to).mm) }, \
	{ "level", 'l', "L1,..", "only tables of these levels", \
	  TO_BITS((to).levels, tracing_levels) }, \
	{ "pfn", 0, "FROM-TO", "only these frames", TO_PFNS((to).pfn) }

#define AUDIT_ROW(field) \
	{ "audit", 'a', "S", "an audit every S seconds, one at the begin and one at the end", \
	  TO_SECONDS(field) }

/* Of the struct tracing_options @to: how to attach. */
#define ATTACH_ROWS(to) \
	{ "stack", 's', NULL, "kernel stacks, with source lines where debug information is", \
	  TO_FLAG((to).trace.stack) }, \
	READY_FILE_ROW((to).ready_file), \
	{ "ring-pages", 0, "N", "buffer per CPU, in pages of 4 KiB (default 256)", \
	  TO_POWER_OF_2((to).trace.ring_pages, 1, 512) }, \
	{ "via", 0, "WAY", "begin with this way to attach: tp, tp_btf, raw_tp", \
	  TO_ONE_OF((to).trace.via, tracing_ways) }, \
	{ "dry-run", 0, NULL, "load and verify, attach nothing", TO_FLAG((to).trace.dry_run) }

/* A trace of some of the records cannot tell what the others would explain: it has no findings. */
bool tracing__is_filtered(const struct tracing_options *opts);

#endif
