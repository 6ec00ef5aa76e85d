// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two chained hashes over growing arrays: tables by pfn, and mms by address;
 * the tables of one mm are a doubly linked list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

static uint32_t bucket(const struct tables *t, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15ULL >> 32) & (t->buckets - 1);
}

uint32_t tables__find(const struct tables *t, uint64_t pfn)
{
	uint32_t i = t->by_pfn[bucket(t, pfn)];

	while (i != NIL && table_at(t, i)->pfn != pfn)
		i = table_at(t, i)->hash_next;
	return i;
}

uint32_t tables__find_mm(const struct tables *t, uint64_t address)
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

int tables__init(struct tables *t)
{
	*t = (struct tables){ .table_pool.free = NIL, .mm_pool.free = NIL };
	return rehash(t, 256);
}

void tables__destroy(struct tables *t)
{
	free(t->table_pool.entries);
	free(t->mm_pool.entries);
	free(t->by_pfn);
	free(t->by_mm);
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
	*mm_at(t, i) = (struct mm){ .address = address, .first = NIL, .pgd = NIL,
				     .hash_next = *head };
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

void tables__unlink(struct tables *t, uint32_t i)
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
	if (mm_at(t, e->mm)->pgd == i)
		mm_at(t, e->mm)->pgd = NIL;
	if (mm_at(t, e->mm)->first == NIL && !t->keep_mms)
		drop_mm(t, e->mm);
	e->mm = NIL;
}

void tables__drop_empty_mms(struct tables *t)
{
	t->keep_mms = false;
	for (uint32_t b = 0; b < t->buckets; b++) {
		for (uint32_t i = t->by_mm[b], next; i != NIL; i = next) {
			next = mm_at(t, i)->hash_next;
			if (mm_at(t, i)->first == NIL)
				drop_mm(t, i);
		}
	}
}

int tables__link(struct tables *t, uint32_t i, uint64_t address)
{
	struct table *e = table_at(t, i);
	uint32_t m;

	if (e->mm != NIL && mm_at(t, e->mm)->address == address)
		return 0;
	tables__unlink(t, i);
	if (!address)
		return 0;
	m = tables__find_mm(t, address);
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

uint32_t tables__add(struct tables *t, uint64_t pfn)
{
	uint32_t i = t->table_pool.free, *head;

	if (t->count >= t->buckets && rehash(t, t->buckets * 2))
		return NIL;
	if (i != NIL)
		t->table_pool.free = table_at(t, i)->next;
	else if (t->table_pool.used < t->table_pool.size ||
		 !pool__grow(&t->table_pool, sizeof(struct table)))
		i = t->table_pool.used++;
	else
		return NIL;
	head = &t->by_pfn[bucket(t, pfn)];
	*table_at(t, i) = (struct table){ .pfn = pfn, .mfn = NO_MFN, .mm = NIL, .hash_next = *head,
					  .next = NIL, .prev = NIL };
	*head = i;
	t->count++;
	return i;
}

void tables__drop(struct tables *t, uint32_t i)
{
	uint32_t *link = &t->by_pfn[bucket(t, table_at(t, i)->pfn)];

	tables__unlink(t, i);
	while (*link != i)
		link = &table_at(t, *link)->hash_next;
	*link = table_at(t, i)->hash_next;
	table_at(t, i)->level = 0;
	table_at(t, i)->last = 0;
	table_at(t, i)->next = t->table_pool.free;
	t->table_pool.free = i;
	t->count--;
}
