/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures of `export` and `top`: of counters and audits of this guest, or of a recording. */
#ifndef XENPIN_FIGURES_H
#define XENPIN_FIGURES_H

#include <time.h>

#include "audit/audit.h"
#include "base/platform.h"
#include "output/metrics.h"
#include "recording/recording.h"
#include "trace/live_counters.h"

struct figures {
	const char *recording;		/* a file; NULL: live */
	struct counters *counters;	/* NULL: of a recording */
	struct guest *guest;		/* for audits; NULL: none */
	struct timespec recorded;	/* when the recording, as it was read, was written to */
	char complaint[RECORDING_WHY];	/* about the recording, the last one */
	struct metrics metrics;
};

/*
 * Attach the counters, and read what this kernel tells of its boot.  Returns 0,
 * or -errno and why.
 */
int figures__count(struct figures *figures, const struct platform *platform,
		   char why[COUNTERS_WHY]);

/* Make audits possible.  Returns 0, or -errno and why. */
int figures__watch(struct figures *figures, const struct platform *platform,
		   char why[AUDIT_REASON_LEN]);

/* Bring .metrics up to date; an audit is made only by the latter.  What fails is said. */
void figures__refresh(struct figures *figures);
void figures__audit(struct figures *figures);

void figures__close(struct figures *figures);

#endif
