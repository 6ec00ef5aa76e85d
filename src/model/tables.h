/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model's memory: page tables by pfn, mms by address, the tables of an mm.
 *
 * Links are indices, so a table costs 40 bytes: half a million of them, the
 * direct map of 1 TiB, stay under 32 MiB.  The enums of pins.h say what the fields mean.
 */
#ifndef XENPIN_TABLES_H
#define XENPIN_TABLES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../include/record.h"

#define NIL UINT32_MAX

#define FRAME_BITS	40	/* x86 has 52 bits of physical address */
#define NO_MFN		((1ULL << FRAME_BITS) - 1)

struct table {
	uint64_t pfn : FRAME_BITS;
	uint64_t level : 3;		/* enum xp_level */
	uint64_t flag : 2;		/* enum pin_flag */
	uint64_t xen : 2;		/* enum pin_xen */
	uint64_t last : 5;		/* enum xp_kind of the last event */
	uint64_t gone : 1;		/* released while the state was being seeded: only that it was here is known */
	uint64_t mfn : FRAME_BITS;	/* or NO_MFN */
	uint32_t since;			/* time of the last event, in units of 2^30 ns */
	uint32_t epoch;			/* of gaps, when it was last known for sure */
	uint32_t mm;			/* index into mms, or NIL */
	uint32_t hash_next;
	uint32_t next, prev;		/* of the same mm; free entries use next */
};

_Static_assert(sizeof(struct table) == 40, "see above");
_Static_assert(XP_KIND_END <= 1 << 5, "a table's .last holds any kind");

struct mm {
	uint64_t address;
	uint32_t first;			/* table */
	uint32_t hash_next;
	uint32_t pgd;			/* table; NIL: not known */
	uint32_t moved;			/* pinned or unpinned while the state is being seeded */
};

/* An array whose free entries form a list. */
struct pool {
	void *entries;
	uint32_t used, size, free;
};

struct tables {
	struct pool table_pool, mm_pool;
	uint32_t *by_pfn, *by_mm;	/* heads of chains */
	uint32_t buckets;		/* a power of two, for both */
	uint32_t count;
	bool keep_mms;			/* also those without a table left */
};

/* 0 or -ENOMEM. */
int tables__init(struct tables *t);
void tables__destroy(struct tables *t);

static inline struct table *table_at(const struct tables *t, uint32_t i)
{
	return (struct table *)t->table_pool.entries + i;
}

static inline struct mm *mm_at(const struct tables *t, uint32_t i)
{
	return (struct mm *)t->mm_pool.entries + i;
}

/* Indices, or NIL. */
uint32_t tables__find(const struct tables *t, uint64_t pfn);
uint32_t tables__find_mm(const struct tables *t, uint64_t address);

/* A new entry of @pfn, which has none; NIL when there is no memory. */
uint32_t tables__add(struct tables *t, uint64_t pfn);
void tables__drop(struct tables *t, uint32_t i);

/* Move a table into the list of the mm at @address, or out of any.  0 or -ENOMEM. */
int tables__link(struct tables *t, uint32_t i, uint64_t address);
void tables__unlink(struct tables *t, uint32_t i);

/* End .keep_mms: drop all mms without a table. */
void tables__drop_empty_mms(struct tables *t);

/* 0 when it is not known. */
static inline uint64_t tables__mm_of(const struct tables *t, const struct table *e)
{
	return e->mm == NIL ? 0 : mm_at(t, e->mm)->address;
}

/* All entries, in a loop that may drop the one it is at. */
#define tables__each(t, i)                                                                \
	for (uint32_t i = 0; i < (t)->table_pool.used; i++)                                \
		if (table_at(t, i)->level || table_at(t, i)->last)

#endif
