/* SPDX-License-Identifier: GPL-2.0-only */
/* What a monitoring system wants to know, as OpenMetrics or as Prometheus' own text. */
#ifndef XENPIN_METRICS_H
#define XENPIN_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../include/counter_maps.h"
#include "model/pins.h"
#include "boot_output.h"

enum metrics_format { METRICS_OPENMETRICS, METRICS_TEXT };

extern const char *const metrics_content_types[];	/* by enum metrics_format */

struct metrics {
	const char *source;		/* "live" or "recording" */
	bool up;			/* the fields below are valid */
	struct xp_counts counts;
	enum metrics_times { METRICS_TREES, METRICS_FLUSHES } times;	/* of these .counts has them */
	uint64_t missed, dropped;		/* runs that the kernel skipped; records */
	bool complete;			/* the recording has an end, no damage, every probe */
	bool has_tables;		/* page tables were seen, one by one */
	uint64_t tables[XP_L4 + 1];	/* by level; 0: not known */
	uint64_t table_bytes;		/* of all processes; 0: not known */
	bool has_findings;		/* an audit succeeded, or it is a recording */
	uint64_t findings[FINDING_CLASSES][GRADES];
	double looked_at;		/* seconds since 1970; 0: never */
	double look_seconds;		/* that this look took */
	struct metrics_audit {
		bool live;		/* there are audits: the rest is of the last one */
		bool failed;		/* what was found is of one before it, if of any */
		bool complete;		/* it saw every page table */
		uint64_t unknown;	/* of these it cannot judge so many */
	} audit;
	struct metrics_boot {
		bool has_deferred;	/* the boot log or the kernel's messages say so much */
		uint64_t deferred_ns;
		bool has_log;		/* the rest only a boot log */
		bool complete;		/* which has no gap */
		uint64_t deferred_pages, erased, unrepaired;
		bool has_saved;
		int64_t saved_ns;
	} boot;
};

void metrics__take_boot(struct metrics *metrics, const struct boot_report *report);

/* All of the last audit. */
uint64_t metrics__findings(const struct metrics *metrics);

/* Why it proves nothing that none was found, as the end of a sentence; NULL: all was judged. */
const char *metrics__audit_flaw(const struct metrics *metrics);

/* Not of any pfn or pid: their number has no bound. */
void metrics__write(const struct metrics *metrics, enum metrics_format format, FILE *out);

#endif
