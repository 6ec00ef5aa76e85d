/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a trace goes, as its source sees it: output/sinks.h and recording/recorder.h are such. */
#ifndef XENPIN_SINK_H
#define XENPIN_SINK_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../include/record.h"
#include "base/platform.h"

/* Names and counts of one probe, for the first and the last object. */
struct probe_report {
	const char *name, *via;
	uint64_t delivered, dropped, missed;
};

struct session {
	const struct platform *platform;
	struct probe_report *probes;
	int nr_probes;
	uint64_t begin_ns, end_ns;	/* CLOCK_MONOTONIC */
	uint64_t delivered;		/* records from the kernel, handed to the sink */
	uint64_t inferred;		/* flag records, concluded from those */
	uint64_t dropped, missed, findings;
	bool audited;			/* audits look, too */
	bool filtered;			/* not all records are wanted: there can be no findings */
	/* Counts now what was missed, which is counted at the end otherwise.  NULL: nothing is missed. */
	void (*refresh)(void *refreshing);
	void *refreshing;
};

struct finding;
struct symbols;

struct sink {
	FILE *out;
	struct symbols *symbols;	/* NULL: no stacks */
	const struct sink_ops *ops;
	bool plain;			/* only what the kernel delivered, nothing inferred */
	bool audited;			/* page tables are audited, wanted or not */
	bool unjudged;			/* no findings either: records come as the kernel made them */
	uint64_t begin_ns;		/* text counts from here */
};

struct sink_ops {
	void (*start)(struct sink *sink, const struct session *session);
	void (*record)(struct sink *sink, const struct xp_record *record);
	void (*finding)(struct sink *sink, const struct finding *finding);
	void (*end)(struct sink *sink, const struct session *session);
	/* Called several times a second: let out what was given.  Returns 0 or -errno. */
	int (*flush)(struct sink *sink);
};

#endif
