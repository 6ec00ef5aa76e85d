/* SPDX-License-Identifier: GPL-2.0-only */
/* What a monitoring system wants to know, as OpenMetrics or as Prometheus' own text. */
#ifndef XENPIN_METRICS_H
#define XENPIN_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../include/counters.h"
#include "../model/pins.h"

enum metrics_format { METRICS_OPENMETRICS, METRICS_TEXT };

extern const char *const metrics_content_types[];	/* by enum metrics_format */

struct metrics {
	const char *source;		/* "live" or "recording" */
	bool up;			/* the rest is meant */
	struct xp_counts counts;
	uint64_t missed, lost;		/* runs that the kernel skipped; records */
	bool complete;			/* the recording has an end, no damage, every hook */
	bool has_tables;		/* page tables were seen, one by one */
	uint64_t tables[XP_L4 + 1];	/* by level; 0: not known */
	uint64_t table_bytes;		/* of all processes; 0: not known */
	bool has_findings;		/* somebody looked */
	uint64_t findings[FINDING_CLASSES][GRADES];
	double looked_at;		/* seconds since 1970 */
	double look_seconds;		/* that the last look took */
};

/* Not of any pfn or pid: their number has no bound. */
void metrics__write(const struct metrics *metrics, enum metrics_format format, FILE *out);

#endif
