/* SPDX-License-Identifier: GPL-2.0-only */
/* The early ring of a patched kernel (include/boot_log.h): boot goes on there, and so does life. */
#ifndef XENPIN_EARLY_H
#define XENPIN_EARLY_H

#include "../../include/boot_log.h"
#include "trace/stream.h"

#define EARLY_WHY	160

struct early;

/*
 * Find the ring by its name and map it.  Returns 0, -ENOENT when this kernel
 * has none, or -errno and a sentence in @why.  Needs CAP_SYS_ADMIN.
 */
int early__open(struct early **early, char why[EARLY_WHY]);
void early__close(struct early *early);

/* The same over memory of the caller's: a ring of @slots slots, a power of two. */
struct early *early__new(struct xp_ring *ring, uint64_t first, uint32_t slots);

/*
 * All complete records that were not handed over before, in the order of their
 * numbers.  A record of XP_DROPPED, without a number, tells what the ring had no
 * room for since the last call.  Returns how full the ring is, in percent, or
 * -EBADMSG when a record is no record.
 */
int early__read(struct early *early, record_fn fn, void *context);

/*
 * The same, for who goes on reading: what was read stays in the ring, for the
 * next who wants the whole boot, until more than half of it is used.
 */
int early__drain(struct early *early, record_fn fn, void *context);

/* Begin again with the oldest record that is still there. */
void early__rewind(struct early *early);

uint64_t early__first(const struct early *early);	/* the number of its first slot */
uint64_t early__taken(const struct early *early);	/* slots that another reader gave back */
uint64_t early__dropped(const struct early *early);	/* records that found it full */
uint64_t early__missed(const struct early *early);	/* runs of its program that were skipped */

#endif
