/* SPDX-License-Identifier: GPL-2.0-only */
/* The live source: attached probes, and the stream that their rings make. */
#ifndef XENPIN_LIVE_H
#define XENPIN_LIVE_H

#include "probes.h"
#include "stream.h"

struct live;

/*
 * Load and attach as @request says (or, on a dry run, only load).  Returns 0 and
 * the source, or -errno and a sentence in @why.
 */
int live__open(struct live **live, const struct trace_request *request, char why[REASON_LEN]);

/* From here on records are made.  Returns the time, CLOCK_MONOTONIC ns. */
uint64_t live__arm(struct live *live);

/*
 * Return when every CPU has ended what it was in the middle of: pinning or
 * unpinning a tree, one of our programs.  The kernel is not preempted in either.
 */
void live__let_begun_end(void);

/* stream__drain() with the clock of now. */
int live__drain(struct live *live, record_fn fn, void *context);

/* The time until which drains have handed over all records. */
uint64_t live__reached(const struct live *live);

/* As stream__in_gap(). */
bool live__in_gap(const struct live *live);

/*
 * Detach, then hand over the rest, untold losses included; nothing was recorded any more
 * at *@end_ns.
 */
int live__stop(struct live *live, record_fn fn, void *context, uint64_t *end_ns);

const struct attachment *live__attachments(const struct live *live);

/* Skipped by the kernel, of one probe. */
uint64_t live__missed(const struct live *live, int probe);

void live__close(struct live *live);

#endif
