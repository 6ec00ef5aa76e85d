// SPDX-License-Identifier: GPL-2.0-only
/* The model as others see it: records and losses in, state out, and seeding it. */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "record/records.h"
#include "step.h"

struct pins *pins__new(struct pins_handlers handlers)
{
	struct pins *pins = calloc(1, sizeof(*pins));

	if (!pins)
		return NULL;
	pins->handlers = handlers;
	if (tables__init(&pins->tables)) {
		free(pins);
		return NULL;
	}
	return pins;
}

void pins__free(struct pins *pins)
{
	if (!pins)
		return;
	tables__destroy(&pins->tables);
	held__free(&pins->held);
	free(pins->gaps.open);
	free(pins->told.all);
	free(pins);
}

/* Returns 0 or -ENOMEM. */
static int follow_gap(struct gaps *g, const struct xp_record *rec)
{
	uint16_t bit = 1U << rec->u.dropped.probe;

	while (g->nr <= rec->cpu) {
		if (GROW(g->open, g->nr, g->size, 16))
			return -ENOMEM;
		g->open[g->nr++] = 0;
	}
	if (!!(g->open[rec->cpu] & bit) == !record__ends_gap(rec))
		return 0;
	g->open[rec->cpu] ^= bit;
	g->count += record__ends_gap(rec) ? -1 : 1;
	return 0;
}

bool pins__begins_gap(const struct pins *pins, const struct xp_record *rec)
{
	return rec->kind == XP_DROPPED && !record__ends_gap(rec) && !pins->gaps.count;
}

/* What Xen refused changes no table: what is known of them rests on other records. */
static bool tells_of_tables(int probe)
{
	return probe != XP_PROBE_REFUSED;
}

void pins__without(struct pins *pins, int probe)
{
	if (!tells_of_tables(probe))
		return;
	pins->without |= 1U << probe;
}

int pins__apply(struct pins *pins, const struct xp_record *rec)
{
	if (rec->kind == XP_DROPPED && rec->u.dropped.probe < XP_PROBES_MAX) {
		pins__dropped(pins, rec->u.dropped.probe);
		return follow_gap(&pins->gaps, rec);
	}
	return unknown__apply(pins, rec);
}

void pins__complete(const struct pins *pins, struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);
	uint32_t i;

	if (rec->kind == XP_TABLE_RELEASE) {
		i = find(pins, rec->u.table.pfn);
		if (i != NIL)
			rec->u.table.mm = tables__mm_of(&pins->tables, at(pins, i));
	}
	if (!record__has_ops(rec))
		return;
	for (uint32_t n = 0; n < rec->u.batch.nops; n++, op++) {
		if (op->op != XP_OP_UNPIN)
			continue;
		i = find(pins, op->pfn);
		if (i != NIL)
			op->level = at(pins, i)->level;
	}
}

/* The epoch's bits are used up: from here on all that is known is in doubt. */
static void restart_epochs(struct pins *pins)
{
	tables__each(&pins->tables, i)
		at(pins, i)->epoch = 0;
	pins->seed_epoch = 0;
	for (int p = 0; p < XP_PROBES_MAX; p++)
		pins->dropped_at[p] = 1;
	pins->epoch = 1;
}

void pins__dropped(struct pins *pins, int probe)
{
	if (probe < 0 || probe >= XP_PROBES_MAX || !tells_of_tables(probe))
		return;
	if (pins->epoch == EPOCH_MAX)
		restart_epochs(pins);
	pins->dropped_at[probe] = ++pins->epoch;
	held__lose(&pins->held, probe);
}

void pins__confirm(struct pins *pins)
{
	held__confirm(&pins->held, pins->handlers.finding, pins->handlers.context);
}

bool pins__waiting(const struct pins *pins)
{
	return pins->held.count;
}

void pins__seed_begin(struct pins *pins)
{
	pins->seeding = pins->tables.keep_mms = true;
	pins->seed_epoch = pins->epoch;
}

/* The stream knows this table, or its tree moved: the audit may have seen the state before. */
static bool moved(const struct pins *pins, const struct pin_state *seen)
{
	uint32_t mm = tables__find_mm(&pins->tables, seen->mm);

	return tables__find(&pins->tables, seen->pfn) != NIL ||
	       (mm != NIL && mm_at(&pins->tables, mm)->moved);
}

int pins__seed(struct pins *pins, const struct pin_state *seen)
{
	struct table *e;
	uint32_t i;

	if (seen->pfn >= NO_MFN || moved(pins, seen))
		return 0;
	i = tables__add(&pins->tables, seen->pfn);
	if (i == NIL || tables__link(&pins->tables, i, seen->mm))
		return -ENOMEM;
	e = at(pins, i);
	step__set_level(pins, i, seen->level);
	e->xen = seen->xen;
	e->flag = seen->flag;
	e->mfn = seen->mfn < NO_MFN ? seen->mfn : NO_MFN;
	e->since = seen->since >> SINCE_SHIFT;
	e->epoch = pins->seed_epoch;
	if (e->level == XP_L1 && e->xen == PIN_EXPLICIT)
		pins->pins_l1 = true;
	return 0;
}

void pins__seed_end(struct pins *pins)
{
	pins->seeding = false;
	tables__each(&pins->tables, i)
		if (at(pins, i)->gone)
			tables__drop(&pins->tables, i);
	tables__drop_empty_mms(&pins->tables);
}

static struct pin_state state_of(const struct pins *pins, const struct table *e)
{
	struct pin_state state = {
		.pfn = e->pfn,
		.mfn = e->mfn == NO_MFN ? XP_NO_PFN : e->mfn,
		.mm = tables__mm_of(&pins->tables, e),
		.since = (uint64_t)e->since << SINCE_SHIFT,
		.level = e->level,
		.xen = e->xen,
		.flag = e->flag,
		.last = e->last,
	};

	for (int p = 0; p < XP_PROBES_MAX; p++)
		state.doubt |= pins->dropped_at[p] > e->epoch;
	return state;
}

bool pins__find(const struct pins *pins, uint64_t pfn, struct pin_state *state)
{
	uint32_t i = find(pins, pfn);

	if (i == NIL)
		return false;
	*state = state_of(pins, at(pins, i));
	return true;
}

void pins__each(const struct pins *pins, pin_fn fn, void *context)
{
	tables__each(&pins->tables, i) {
		struct pin_state state = state_of(pins, at(pins, i));

		if (!at(pins, i)->gone)
			fn(context, &state);
	}
}

uint32_t pins__count(const struct pins *pins)
{
	return pins->tables.count;
}

uint64_t pins__unknown(const struct pins *pins)
{
	return pins->unknown;
}

uint64_t pins__unjudged(const struct pins *pins)
{
	return pins->unjudged + pins->held.silenced;
}
