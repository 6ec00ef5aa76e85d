/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reader's side of struct xp_ring: the rings of all CPUs as one stream in
 * the order of time.  Only memory: where the rings come from is not its matter.
 */
#ifndef XENPIN_STREAM_H
#define XENPIN_STREAM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

struct stream;

/*
 * A record is valid during the call.  Where a ring was full there are records of
 * XP_DROPPED: with a count where the gap begins, and, when drains have come so far,
 * without one where it ended.
 */
typedef void (*record_fn)(void *context, struct xp_record *record);

/*
 * @nr_cpus rings of @slots (a power of two) slots each, @stride bytes apart at
 * @rings; they stay the caller's.  NULL when there is no memory.
 */
struct stream *stream__new(void *rings, size_t stride, int nr_cpus, uint32_t slots);
void stream__free(struct stream *stream);

/*
 * Hand over all records that no older one can precede any more; @now is
 * CLOCK_MONOTONIC, read before the call.  Returns how full the fullest ring
 * was, in percent, or -ENOMEM.
 */
int stream__drain(struct stream *stream, uint64_t now, record_fn fn, void *context);

/* The time until which drains have handed over all records. */
uint64_t stream__reached(const struct stream *stream);

/* Has a gap been handed over whose end has not? */
bool stream__in_gap(const struct stream *stream);

/* Was the same record of @cpu half written at the last two looks? */
bool stream__stuck(const struct stream *stream, int cpu);

/* Take what is complete.  Returns 1 while a half-written record is left, 0, or -ENOMEM. */
int stream__settle(struct stream *stream);

/* The writers are gone: hand over what was taken, and at @now what was dropped and nobody told. */
int stream__end(struct stream *stream, uint64_t now, record_fn fn, void *context);

#endif
