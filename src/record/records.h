/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands behind a record's head. */
#ifndef XENPIN_SRC_RECORD_H
#define XENPIN_SRC_RECORD_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

/* Room for any. */
union any_record {
	struct xp_record head;
	uint8_t slots[XP_RECORD_SLOTS_MAX * XP_SLOT];
};

/* XP_STACK_MAX return addresses, 0-terminated when fewer; NULL when there are none. */
static inline const __u64 *record__stack(const struct xp_record *rec)
{
	return rec->flags & XP_F_STACK ? (const __u64 *)(rec + 1) : NULL;
}

/* The .u.batch.nops operations of a batch. */
static inline struct xp_op *record__ops(const struct xp_record *rec)
{
	size_t stack = rec->flags & XP_F_STACK ? XP_STACK_BYTES : 0;

	return (struct xp_op *)((char *)(rec + 1) + stack);
}

/*
 * An XP_LOST with count 0 marks the end of a gap that an earlier XP_LOST of the same CPU
 * and hook began.  Only the model cares.
 */
static inline bool record__ends_gap(const struct xp_record *rec)
{
	return rec->kind == XP_LOST && !rec->u.lost.count;
}

/* How many slots it takes, by its kind, flags and operations. */
size_t record__slots(const struct xp_record *rec);

/*
 * NULL when @rec, found at slot @slot of its stream with @left slots (this one
 * included) behind it, can be used; otherwise what is wrong with it, as the
 * end of a sentence.  For records that come from a file.
 */
const char *record__flaw(const struct xp_record *rec, uint64_t slot, uint64_t left);

/* Beyond what any machine has: 64 bits of addresses. */
#define XP_FRAMES_MAX	(1ULL << 52)

/* Years from now, or before the machine was: such a time was made up, and sums overflow. */
#define XP_TIME_MAX	(1LL << 60)

static inline bool is_time(int64_t ns)
{
	return ns <= XP_TIME_MAX && ns >= -XP_TIME_MAX;
}

/* The words of the series' console lines and of JSON: "flag-set", "handover". */
const char *record__kind_name(uint8_t kind);
const char *record__where_name(uint16_t where);

#endif
