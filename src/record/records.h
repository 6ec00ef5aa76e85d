/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands behind a record's head. */
#ifndef XENPIN_SRC_RECORD_H
#define XENPIN_SRC_RECORD_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

/* Members of struct xp_record's union. */
enum record_shape {
#define SHAPE(name, ...) SHAPE_##name,
#include "../../include/kinds.def"
	SHAPES
};

/* Tables in all runs of a boot: those of 8 TiB.  More of them are nobody's. */
#define XP_RUNS_MAX	(1UL << 22)

/* A row of include/kinds.def, which says what the fields mean. */
struct record_kind {
	const char *word, *what, *past;
	uint8_t probe;
};

extern const struct record_kind record_kinds[XP_KIND_END];

/* Its row; of a kind that is none, one without a word. */
static inline const struct record_kind *record__kind(const struct xp_record *rec)
{
	return &record_kinds[rec->kind < XP_KIND_END ? rec->kind : 0];
}

/* Two more of its columns, by any number of a kind, since each record is asked for them: SHAPES and 0 of none. */
extern const uint8_t record_shapes[UINT8_MAX + 1];
extern const uint16_t record_wanted[UINT8_MAX + 1];

static inline enum record_shape record__shape(const struct xp_record *rec)
{
	return record_shapes[rec->kind];
}

static inline bool record__has_ops(const struct xp_record *rec)
{
	return record__shape(rec) == SHAPE_batch;
}

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

/* The .u.batch.nops operations of a record that has some. */
static inline struct xp_op *record__ops(const struct xp_record *rec)
{
	size_t stack = rec->flags & XP_F_STACK ? XP_STACK_BYTES : 0;

	return (struct xp_op *)((char *)(rec + 1) + stack);
}

/*
 * An XP_DROPPED with count 0 marks the end of a gap that an earlier XP_DROPPED of the same CPU
 * and probe began.  Only the model cares.
 */
static inline bool record__ends_gap(const struct xp_record *rec)
{
	return rec->kind == XP_DROPPED && !rec->u.dropped.count;
}

/*
 * The @i-th of the frames that @rec is about, from 0 on, in *@pfn: those of its operations, the
 * page table, or the root of the tree.  False: there are not so many.
 */
bool record__frame(const struct xp_record *rec, uint32_t i, uint64_t *pfn);

/* Is @pfn one of them? */
bool record__is_about(const struct xp_record *rec, uint64_t pfn);

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

/* The word of a place where struct pages are initialised, in the series' lines and JSON: "handover". */
const char *record__where_name(uint16_t where);

/* A row of include/probes.def. */
extern const struct record_probe {
	const char *name, *what;
} record_probes[XP_PROBE_END];

/* "flush" of XP_PROBE_FLUSH, "other" of no probe; and the probe of a name, or XP_PROBE_END. */
const char *record__probe_name(uint32_t probe);
uint32_t record__probe_named(const char *name);

#endif
