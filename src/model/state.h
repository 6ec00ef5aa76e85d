/* SPDX-License-Identifier: GPL-2.0-only */
/* The model's state, shared by the files that make it up. */
#ifndef XENPIN_STATE_H
#define XENPIN_STATE_H

#include "held.h"
#include "pins.h"
#include "tables.h"

#define SINCE_SHIFT	30
#define EPOCH_MAX	UINT32_MAX

/* Gaps that an XP_DROPPED began and none has ended yet. */
struct gaps {
	uint16_t *open;			/* by CPU: probes, as bits */
	size_t nr, size;
	uint32_t count;
};

/* An operation of its CPU's last batch that Xen refused, as the batch's record says. */
struct told_refusal {
	uint64_t mfn;
	int64_t result;
	uint16_t cpu;
};

struct told_refusals {
	struct told_refusal *all;
	size_t nr, size;
};

struct pins {
	struct tables tables;
	struct held held;
	struct gaps gaps;
	struct told_refusals told;
	uint16_t without;		/* probes, as bits, that are not attached */
	struct pins_handlers handlers;
	uint32_t epoch;			/* grows with every gap */
	uint32_t dropped_at[XP_PROBES_MAX];	/* the epoch that a probe's last gap began */
	uint64_t unjudged;
	uint64_t unknown;		/* records that did not say all */
	uint64_t in_runs;		/* tables that came in runs */
	bool pins_l1;			/* this kernel pins L1 tables by themselves */
	bool seeding;
	uint32_t seed_epoch;		/* the epoch when that began, which what is seeded gets */
};

static inline struct table *at(const struct pins *pins, uint32_t i)
{
	return table_at(&pins->tables, i);
}

static inline uint32_t find(const struct pins *pins, uint64_t pfn)
{
	uint32_t i = pfn < NO_MFN ? tables__find(&pins->tables, pfn) : NIL;

	return i == NIL || at(pins, i)->gone ? NIL : i;
}

/* Change the state by one record whose frames are in range.  0 or -ENOMEM. */
int pins__step(struct pins *pins, const struct xp_record *record);

#endif
