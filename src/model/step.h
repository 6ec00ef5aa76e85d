/* SPDX-License-Identifier: GPL-2.0-only */
/* One record on its way into the state: shared by the files that know a kind of record. */
#ifndef XENPIN_STEP_H
#define XENPIN_STEP_H

#include "state.h"

/* init_mm and its pgd are in the kernel's image, all others on the heap. */
#define KERNEL_IMAGE	0xffffffff80000000ULL

struct step {
	struct pins *pins;
	const struct xp_record *record;
};

/* While the state is being seeded it stays known that a table was here, and no longer whose. */
static inline void step__drop(struct pins *pins, uint32_t i)
{
	if (pins->seeding) {
		at(pins, i)->gone = true;
		tables__unlink(&pins->tables, i);
	} else {
		tables__drop(&pins->tables, i);
	}
}

/* From here on the table is known for sure, whatever was dropped before. */
static inline void step__renew(struct pins *pins, struct table *e)
{
	e->epoch = pins->epoch;
}

static inline void table__touch(struct table *e, const struct xp_record *rec)
{
	e->last = rec->kind;
	e->since = rec->t >> SINCE_SHIFT;
}

static inline bool table__is_pinned(const struct table *e)
{
	return e->xen == PIN_BY_TYPE || e->xen == PIN_EXPLICIT;
}

/* The entry of @pfn, made if need be; NIL when there is no memory. */
uint32_t step__get(struct pins *pins, uint64_t pfn);

/* An mm's PGD; NIL when it is not known. */
uint32_t step__find_pgd(const struct pins *pins, uint64_t mm);

/* The page has become another table, and no record told the end of the one before: forget that. */
void step__begin_another_life(struct step *step, uint32_t i);

/* A table's level; of an L4, that it is its mm's PGD. */
void step__set_level(struct pins *pins, uint32_t i, uint8_t level);

/* Probes, as bits, whose records were dropped since @table was known for sure. */
uint16_t step__dropped(const struct pins *pins, const struct table *table);

/* Judge @table, if it is known, or else what @op or the record names.  0 or -ENOMEM. */
int step__judge(struct step *step, enum rule rule, const struct table *table,
		const struct xp_op *op);

/*
 * unknown.c: as pins__step(), for a record in which a frame, level or mm may be unknown.  It counts
 * such records, and forgets what was known of the pages that they may be about.
 */
int unknown__apply(struct pins *pins, const struct xp_record *record);

/* The flag of @table is written: say so, if somebody wants what is inferred. */
void step__write_flag(struct step *step, struct table *table, bool set);

/* life.c: a table is made or moved, released, or its tree is pinned or unpinned.  0 or -ENOMEM. */
int life__alloc(struct step *step);
int life__release(struct step *step);
int life__tree(struct step *step, bool pin);

/* ops.c: the operations of a hypercall, with Xen's results; any entry that Xen refused.  0 or -ENOMEM. */
int ops__batch(struct step *step);
int ops__refused(struct step *step);

/* writes.c: what a kernel with the series tells of the flag itself.  0 or -ENOMEM. */
int writes__set(struct step *step);
int writes__clear(struct step *step);
int writes__erased(struct step *step);

#endif
