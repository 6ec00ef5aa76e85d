// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two chained hashes over growing arrays: tables by pfn, and mms by address;
 * the tables of one mm are a doubly linked list.  Links are indices, so a
 * table costs 24 bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../record.h"
#include "tables.h"

#define NIL UINT32_MAX

struct table {
	uint64_t pfn : 52;
	uint64_t level : 3;
	uint64_t flag : 1;
	uint32_t mm;		/* index into mms, or NIL */
	uint32_t hash_next;
	uint32_t next, prev;	/* of the same mm; free entries use next */
};

struct mm {
	uint64_t address;
	uint32_t first;		/* table; NIL: free entry */
	uint32_t hash_next;
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
};

/* What tables__apply() passes along. */
struct apply {
	struct tables *tables;
	const struct xp_record *record;
	bool exact;
	flag_fn fn;
	void *context;
};

static struct table *table_at(const struct tables *t, uint32_t i)
{
	return (struct table *)t->table_pool.entries + i;
}

static struct mm *mm_at(const struct tables *t, uint32_t i)
{
	return (struct mm *)t->mm_pool.entries + i;
}

static uint32_t bucket(const struct tables *t, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15ULL >> 32) & (t->buckets - 1);
}

static uint32_t find_table(const struct tables *t, uint64_t pfn)
{
	uint32_t i = t->by_pfn[bucket(t, pfn)];

	while (i != NIL && table_at(t, i)->pfn != pfn)
		i = table_at(t, i)->hash_next;
	return i;
}

static uint32_t find_mm(const struct tables *t, uint64_t address)
{
	uint32_t i = t->by_mm[bucket(t, address)];

	while (i != NIL && mm_at(t, i)->address != address)
		i = mm_at(t, i)->hash_next;
	return i;
}

static int pool__grow(struct pool *pool, size_t each)
{
	uint32_t size = pool->size * 2 ?: 256;
	void *p = reallocarray(pool->entries, size, each);

	if (!p)
		return -ENOMEM;
	pool->entries = p;
	pool->size = size;
	return 0;
}

static int rehash(struct tables *t, uint32_t buckets)
{
	uint32_t *by_pfn = malloc(buckets * sizeof(*by_pfn));
	uint32_t *by_mm = malloc(buckets * sizeof(*by_mm));
	uint32_t *old_pfn = t->by_pfn, *old_mm = t->by_mm, old = t->buckets;

	if (!by_pfn || !by_mm) {
		free(by_pfn);
		free(by_mm);
		return -ENOMEM;
	}
	memset(by_pfn, 0xff, buckets * sizeof(*by_pfn));
	memset(by_mm, 0xff, buckets * sizeof(*by_mm));
	t->by_pfn = by_pfn;
	t->by_mm = by_mm;
	t->buckets = buckets;
	for (uint32_t b = 0; b < old; b++) {
		for (uint32_t i = old_pfn[b], next; i != NIL; i = next) {
			uint32_t *head = &by_pfn[bucket(t, table_at(t, i)->pfn)];

			next = table_at(t, i)->hash_next;
			table_at(t, i)->hash_next = *head;
			*head = i;
		}
		for (uint32_t i = old_mm[b], next; i != NIL; i = next) {
			uint32_t *head = &by_mm[bucket(t, mm_at(t, i)->address)];

			next = mm_at(t, i)->hash_next;
			mm_at(t, i)->hash_next = *head;
			*head = i;
		}
	}
	free(old_pfn);
	free(old_mm);
	return 0;
}

struct tables *tables__new(void)
{
	struct tables *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->table_pool.free = t->mm_pool.free = NIL;
	if (rehash(t, 256)) {
		free(t);
		return NULL;
	}
	return t;
}

void tables__free(struct tables *t)
{
	if (!t)
		return;
	free(t->table_pool.entries);
	free(t->mm_pool.entries);
	free(t->by_pfn);
	free(t->by_mm);
	free(t);
}

uint32_t tables__count(const struct tables *t)
{
	return t->count;
}

static uint32_t add_mm(struct tables *t, uint64_t address)
{
	uint32_t i = t->mm_pool.free, *head;

	if (i != NIL)
		t->mm_pool.free = mm_at(t, i)->hash_next;
	else if (t->mm_pool.used < t->mm_pool.size || !pool__grow(&t->mm_pool, sizeof(struct mm)))
		i = t->mm_pool.used++;
	else
		return NIL;
	head = &t->by_mm[bucket(t, address)];
	*mm_at(t, i) = (struct mm){ address, NIL, *head };
	*head = i;
	return i;
}

static void drop_mm(struct tables *t, uint32_t i)
{
	uint32_t *link = &t->by_mm[bucket(t, mm_at(t, i)->address)];

	while (*link != i)
		link = &mm_at(t, *link)->hash_next;
	*link = mm_at(t, i)->hash_next;
	mm_at(t, i)->hash_next = t->mm_pool.free;
	t->mm_pool.free = i;
}

static void unlink_from_mm(struct tables *t, uint32_t i)
{
	struct table *e = table_at(t, i);

	if (e->mm == NIL)
		return;
	if (e->next != NIL)
		table_at(t, e->next)->prev = e->prev;
	if (e->prev != NIL)
		table_at(t, e->prev)->next = e->next;
	else
		mm_at(t, e->mm)->first = e->next;
	if (mm_at(t, e->mm)->first == NIL)
		drop_mm(t, e->mm);
	e->mm = NIL;
}

static int link_to_mm(struct tables *t, uint32_t i, uint64_t address)
{
	struct table *e = table_at(t, i);
	uint32_t m;

	if (!address || (e->mm != NIL && mm_at(t, e->mm)->address == address))
		return 0;
	unlink_from_mm(t, i);
	m = find_mm(t, address);
	if (m == NIL)
		m = add_mm(t, address);
	if (m == NIL)
		return -ENOMEM;
	e->mm = m;
	e->prev = NIL;
	e->next = mm_at(t, m)->first;
	if (e->next != NIL)
		table_at(t, e->next)->prev = i;
	mm_at(t, m)->first = i;
	return 0;
}

static void drop_table(struct tables *t, uint32_t i)
{
	uint32_t *link = &t->by_pfn[bucket(t, table_at(t, i)->pfn)];

	unlink_from_mm(t, i);
	while (*link != i)
		link = &table_at(t, *link)->hash_next;
	*link = table_at(t, i)->hash_next;
	table_at(t, i)->next = t->table_pool.free;
	t->table_pool.free = i;
	t->count--;
}

/* The entry of @pfn, made if need be; NIL when there is no memory. */
static uint32_t get_table(struct tables *t, uint64_t pfn, uint8_t level, uint64_t mm)
{
	uint32_t i = find_table(t, pfn), *head;

	if (i == NIL) {
		if (t->count >= t->buckets && rehash(t, t->buckets * 2))
			return NIL;
		i = t->table_pool.free;
		if (i != NIL)
			t->table_pool.free = table_at(t, i)->next;
		else if (t->table_pool.used < t->table_pool.size ||
			 !pool__grow(&t->table_pool, sizeof(struct table)))
			i = t->table_pool.used++;
		else
			return NIL;
		head = &t->by_pfn[bucket(t, pfn)];
		*table_at(t, i) = (struct table){ .pfn = pfn, .mm = NIL, .hash_next = *head,
						  .next = NIL, .prev = NIL };
		*head = i;
		t->count++;
	}
	if (level)
		table_at(t, i)->level = level;
	return link_to_mm(t, i, mm) ? NIL : i;
}

static uint64_t mm_of(const struct tables *t, uint32_t i)
{
	return table_at(t, i)->mm == NIL ? 0 : mm_at(t, table_at(t, i)->mm)->address;
}

/* The flag of table @i changes; say so if the kernel does not. */
static void write_flag(struct apply *a, uint32_t i, bool set)
{
	struct table *e = table_at(a->tables, i);
	struct xp_record flag = {
		.kind = set ? XP_FLAG_SET : XP_FLAG_CLEAR,
		.nslots = 1,
		.cpu = a->record->cpu,
		.t = a->record->t,
		.pid = a->record->pid,
		.level = e->level,
		.flags = XP_F_INFERRED | XP_F_FLAG_KNOWN | (set ? 0 : XP_F_FLAG),
		.u.flag = { .pfn = e->pfn, .mm = mm_of(a->tables, i) },
	};

	if (e->flag == set)
		return;
	e->flag = set;
	if (a->exact)
		return;
	memcpy(flag.comm, a->record->comm, sizeof(flag.comm));
	a->fn(a->context, &flag);
}

static int apply_alloc(struct apply *a)
{
	const struct xp_record *rec = a->record;
	uint32_t i = find_table(a->tables, rec->u.table.pfn);

	/* Its release was not seen: this is another table. */
	if (i != NIL)
		drop_table(a->tables, i);
	i = get_table(a->tables, rec->u.table.pfn, rec->level, rec->u.table.mm);
	if (i == NIL)
		return -ENOMEM;
	if (rec->flags & XP_F_PINNED)
		write_flag(a, i, true);
	return 0;
}

static int apply_release(struct apply *a)
{
	const struct xp_record *rec = a->record;
	uint32_t i = get_table(a->tables, rec->u.table.pfn, rec->level, 0);

	if (i == NIL)
		return -ENOMEM;
	if (rec->flags & XP_F_FLAG) {
		table_at(a->tables, i)->flag = true;
		write_flag(a, i, false);
	}
	/* An L1 table's unpin is still to come; it wants the level. */
	if (rec->level == XP_L1 && (rec->flags & XP_F_FLAG))
		unlink_from_mm(a->tables, i);
	else
		drop_table(a->tables, i);
	return 0;
}

/* Pinning a tree marks all its tables, unpinning clears them. */
static int apply_tree(struct apply *a, bool pin)
{
	const struct xp_record *rec = a->record;
	uint32_t i = get_table(a->tables, rec->u.mm.pgd_pfn, XP_L4, rec->u.mm.mm);

	if (i == NIL)
		return -ENOMEM;
	if (!pin)
		table_at(a->tables, i)->flag = true;
	for (i = mm_at(a->tables, table_at(a->tables, i)->mm)->first; i != NIL;
	     i = table_at(a->tables, i)->next)
		write_flag(a, i, pin);
	return 0;
}

static int apply_op(struct apply *a, const struct xp_op *op)
{
	bool pin = op->op == XP_OP_PIN;
	uint32_t i;

	if (op->pfn == XP_NO_PFN)
		return 0;
	i = pin ? get_table(a->tables, op->pfn, op->level, 0) : find_table(a->tables, op->pfn);
	if (i == NIL)
		return pin ? -ENOMEM : 0;
	if (op->result)
		return 0;
	write_flag(a, i, pin);
	/* Nobody announces the end of a PGD page, nor of a released L1's unpin. */
	if (!pin && (op->level == XP_L4 || table_at(a->tables, i)->mm == NIL))
		drop_table(a->tables, i);
	return 0;
}

static int apply_batch(struct apply *a)
{
	const struct xp_op *ops = record__ops(a->record);

	for (uint32_t i = 0; i < a->record->u.batch.nops; i++) {
		int err = apply_op(a, &ops[i]);

		if (err)
			return err;
	}
	return 0;
}

void tables__complete(const struct tables *t, struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);
	uint32_t i;

	switch (rec->kind) {
	case XP_TABLE_RELEASE:
		i = find_table(t, rec->u.table.pfn);
		rec->u.table.mm = i == NIL ? 0 : mm_of(t, i);
		break;
	case XP_BATCH:
	case XP_DIRECT:
		for (uint32_t n = 0; n < rec->u.batch.nops; n++, op++) {
			if (op->op != XP_OP_UNPIN)
				continue;
			i = find_table(t, op->pfn);
			op->level = i == NIL ? XP_L_NONE : table_at(t, i)->level;
		}
		break;
	}
}

int tables__apply(struct tables *tables, const struct xp_record *record, bool exact, flag_fn fn,
		  void *context)
{
	struct apply a = { tables, record, exact, fn, context };

	switch (record->kind) {
	case XP_TABLE_ALLOC:
		return apply_alloc(&a);
	case XP_TABLE_RELEASE:
		return apply_release(&a);
	case XP_MM_PIN:
		return apply_tree(&a, true);
	case XP_MM_UNPIN:
		return apply_tree(&a, false);
	case XP_BATCH:
	case XP_DIRECT:
		return apply_batch(&a);
	default:
		return 0;
	}
}
