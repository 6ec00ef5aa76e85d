/* SPDX-License-Identifier: GPL-2.0-only */
/* Audits beside a trace: at its begin, at its end, and in between; each finding is told once. */
#ifndef XENPIN_AUDITS_H
#define XENPIN_AUDITS_H

#include "audit/audit.h"
#include "base/platform.h"

struct audits {
	struct guest *guest;		/* NULL: none are made */
	uint64_t every_ns;		/* 0: none in between */
	uint64_t next_ns;		/* CLOCK_MONOTONIC */
	bool whole;			/* the last one saw and judged all */
	struct told *told;
	size_t nr_told, max_told;
};

typedef void (*finding_fn)(void *context, const struct finding *finding);

/*
 * Load what audits need, for which capabilities are needed.  0, or -errno with a sentence in
 * @why (as snapshot__open()), and no audits will be made.
 */
int audits__open(struct audits *audits, const struct platform *platform, uint64_t every_ns,
		 char why[AUDIT_REASON_LEN]);
void audits__close(struct audits *audits);

/* What @audit found, and no audit before it.  0 or -ENOMEM. */
int audits__tell(struct audits *audits, const struct audit *audit, finding_fn fn, void *context);

/* Audit now, if there is anything to audit with, and tell.  0 or -errno. */
int audits__take(struct audits *audits, finding_fn fn, void *context);

/* Is it time for the next of those in between? */
bool audits__due(const struct audits *audits);

#endif
