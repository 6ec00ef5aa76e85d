// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs are found through a hash of their names, and processes are told
 * apart by a hash set of (pid, program); both grow by doubling.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/records.h"
#include "account.h"

#define FIRST_SLICE_NS	10000000ULL
#define HASH		0x9e3779b97f4a7c15ULL

/* Open addressing; 0 is a free place. */
struct account_index {
	uint64_t *seen;			/* pid << 32 | program + 1 */
	uint32_t *by_name;		/* program + 1 */
	size_t nr_seen, max_seen, max_names, max_programs;
};

uint64_t latency__bucket_end(int i)
{
	return i < 4 ? i + 1U : (uint64_t)(5 + (i & 3)) << (i / 4 - 1);
}

static int bucket_of(uint64_t ns)
{
	int log, i;

	if (ns < 5)
		return ns ? ns - 1 : 0;
	ns--;
	log = 63 - __builtin_clzll(ns);
	i = 4 * (log - 1) + (ns >> (log - 2) & 3);
	return i < LATENCY_BUCKETS ? i : LATENCY_BUCKETS - 1;
}

void latency__add(struct latencies *l, uint64_t ns)
{
	l->count++;
	l->sum += ns;
	if (ns > l->max)
		l->max = ns;
	l->buckets[bucket_of(ns)]++;
}

uint64_t latency__percentile(const struct latencies *l, unsigned int permille)
{
	uint64_t wanted = (l->count * permille + 999) / 1000, sum = 0;

	for (int i = 0; l->count && i < LATENCY_BUCKETS; i++) {
		uint64_t end = latency__bucket_end(i);

		sum += l->buckets[i];
		if (sum >= wanted)
			return end < l->max ? end : l->max;
	}
	return l->max;
}

/* The slice of @t; when the time is longer than all slices, each pair becomes one. */
static struct slice *slice_at(struct account *a, uint64_t t)
{
	uint64_t i = t > a->first_t ? (t - a->first_t) / a->slice_ns : 0;

	for (; i >= SLICES; i /= 2) {
		for (int s = 0; s < SLICES / 2; s++) {
			const struct slice *x = &a->slices[2 * s], *y = x + 1;

			a->slices[s] = (struct slice){
				x->pins + y->pins, x->unpins + y->unpins, x->allocs + y->allocs,
				x->releases + y->releases, x->dropped + y->dropped,
			};
		}
		memset(&a->slices[SLICES / 2], 0, sizeof(a->slices) / 2);
		a->slice_ns *= 2;
		a->nr_slices = (a->nr_slices + 1) / 2;
	}
	if (i >= a->nr_slices)
		a->nr_slices = i + 1;
	return &a->slices[i];
}

static uint64_t hash_of(uint64_t key, size_t places)
{
	return key * HASH >> 32 & (places - 1);
}

static uint64_t name_key(const char *comm)
{
	uint64_t key[2];

	memcpy(key, comm, sizeof(key));
	return key[0] ^ key[1] * 31;
}

static int grow_names(struct account *a)
{
	struct account_index *x = a->index;
	size_t places = x->max_names * 2 ?: 64;
	uint32_t *bigger = calloc(places, sizeof(*bigger));
	void *programs = bigger ? reallocarray(a->programs, places / 2, sizeof(*a->programs)) : NULL;

	if (!programs) {
		free(bigger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < a->nr_programs; i++) {
		const struct program *p = (struct program *)programs + i;
		size_t at = hash_of(name_key(p->comm), places);

		while (bigger[at])
			at = (at + 1) & (places - 1);
		bigger[at] = i + 1;
	}
	free(x->by_name);
	x->by_name = bigger;
	x->max_names = places;
	x->max_programs = places / 2;
	a->programs = programs;
	return 0;
}

static struct program *find_program(struct account *a, const char *comm)
{
	struct account_index *x = a->index;
	size_t at;

	if (a->nr_programs == x->max_programs && grow_names(a))
		return NULL;
	at = hash_of(name_key(comm), x->max_names);
	for (; x->by_name[at]; at = (at + 1) & (x->max_names - 1)) {
		struct program *p = &a->programs[x->by_name[at] - 1];

		if (!memcmp(p->comm, comm, XP_COMM_LEN))
			return p;
	}
	x->by_name[at] = ++a->nr_programs;
	a->programs[a->nr_programs - 1] = (struct program){};
	memcpy(a->programs[a->nr_programs - 1].comm, comm, XP_COMM_LEN);
	return &a->programs[a->nr_programs - 1];
}

static int grow_seen(struct account_index *x)
{
	size_t places = x->max_seen * 2 ?: 1024;
	uint64_t *bigger = calloc(places, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	for (size_t i = 0; i < x->max_seen; i++) {
		size_t at = hash_of(x->seen[i], places);

		if (!x->seen[i])
			continue;
		while (bigger[at])
			at = (at + 1) & (places - 1);
		bigger[at] = x->seen[i];
	}
	free(x->seen);
	x->seen = bigger;
	x->max_seen = places;
	return 0;
}

static int see_process(struct account *a, struct program *p, uint32_t pid)
{
	struct account_index *x = a->index;
	uint64_t key = (uint64_t)pid << 32 | (p - a->programs + 1);
	size_t at;

	if (p->processes && p->pid == pid)
		return 0;
	if (x->nr_seen * 2 >= x->max_seen && grow_seen(x))
		return -ENOMEM;
	p->pid = pid;
	at = hash_of(key, x->max_seen);
	while (x->seen[at] && x->seen[at] != key)
		at = (at + 1) & (x->max_seen - 1);
	if (x->seen[at])
		return 0;
	x->seen[at] = key;
	x->nr_seen++;
	p->processes++;
	return 0;
}

static void see_pfn(struct account *a, uint64_t pfn)
{
	/* Neither unknown nor made up: no machine has more frames. */
	if (pfn < XP_FRAMES_MAX && pfn > a->max_pfn)
		a->max_pfn = pfn;
}

static void add_ops(struct account *a, struct program *p, struct slice *s,
		    const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);

	for (uint32_t i = 0; i < rec->u.batch.nops; i++, op++) {
		bool pin = op->op == XP_OP_PIN;

		see_pfn(a, op->pfn);
		if (rec->flags & XP_F_RESULT && op->result) {
			a->failed++;
			p->failed++;
			continue;
		}
		*(pin ? &a->pins : &a->unpins) += 1;
		*(pin ? &p->pins : &p->unpins) += 1;
		*(pin ? &s->pins : &s->unpins) += 1;
		if (pin)
			a->pins_of[op->level]++;
	}
}

static void add_batch(struct account *a, struct program *p, struct slice *s,
		      const struct xp_record *rec)
{
	add_ops(a, p, s, rec);
	p->flushes++;
	if (rec->u.batch.latency_ns == XP_NO_TIME || rec->kind != XP_BATCH)
		return;
	p->flush_ns += rec->u.batch.latency_ns;
	latency__add(&a->latencies, rec->u.batch.latency_ns);
}

static int add_by_task(struct account *a, struct slice *s, const struct xp_record *rec)
{
	struct program *p = find_program(a, rec->comm);

	if (!p || see_process(a, p, rec->pid))
		return -ENOMEM;
	if (record__has_ops(rec))
		add_batch(a, p, s, rec);
	else if (record__shape(rec) == SHAPE_table)
		see_pfn(a, rec->u.table.pfn);
	p->allocs += rec->kind == XP_TABLE_ALLOC;
	s->allocs += rec->kind == XP_TABLE_ALLOC;
	p->releases += rec->kind == XP_TABLE_RELEASE;
	s->releases += rec->kind == XP_TABLE_RELEASE;
	p->trees += rec->kind == XP_MM_PIN;
	return 0;
}

int account__apply(struct account *a, const struct xp_record *rec)
{
	struct slice *s;

	if (record__shape(rec) == SHAPES)
		return 0;
	if (!a->last_t)
		a->first_t = rec->t;
	if (rec->t > a->last_t)
		a->last_t = rec->t;
	a->records[rec->kind]++;
	s = slice_at(a, rec->t);
	switch (record__shape(rec)) {
	case SHAPE_dropped:
		if (rec->u.dropped.probe < XP_PROBE_END)
			a->dropped[rec->u.dropped.probe] += rec->u.dropped.count;
		a->dropped_total += rec->u.dropped.count;
		s->dropped += rec->u.dropped.count;
		return 0;
	case SHAPE_flag:
		see_pfn(a, rec->u.flag.pfn);
		return 0;
	case SHAPE_batch:
	case SHAPE_table:
	case SHAPE_mm:
		return add_by_task(a, s, rec);
	case SHAPE_boot:
	case SHAPE_refused:
	case SHAPES:
		break;
	}
	return 0;
}

static int by_work(const void *x, const void *y)
{
	const struct program *a = x, *b = y;
	uint64_t m = a->pins + a->unpins, n = b->pins + b->unpins;

	if (m != n)
		return m < n ? 1 : -1;
	if (a->allocs != b->allocs)
		return a->allocs < b->allocs ? 1 : -1;
	return memcmp(a->comm, b->comm, XP_COMM_LEN);
}

void account__sort(struct account *a)
{
	if (a->nr_programs)
		qsort(a->programs, a->nr_programs, sizeof(*a->programs), by_work);
}

int account__begin(struct account *a)
{
	*a = (struct account){ .slice_ns = FIRST_SLICE_NS };
	a->index = calloc(1, sizeof(*a->index));
	return a->index ? 0 : -ENOMEM;
}

void account__end(struct account *a)
{
	if (a->index) {
		free(a->index->seen);
		free(a->index->by_name);
	}
	free(a->index);
	free(a->programs);
	*a = (struct account){};
}
