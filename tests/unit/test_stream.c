// SPDX-License-Identifier: GPL-2.0-only
/* Rings of several CPUs read as one stream; the test writes as BPF does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../include/config.h"
#include "random.h"
#include "trace/stream.h"

#define SLOTS	8U
#define CPUS	2
#define STRIDE	(sizeof(struct xp_ring) + (SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT)
#define LATER	(1ULL << 40)	/* a clock that nothing is too young for */

struct fixture {
	void *rings;
	struct stream *stream;
	uint64_t got[64];	/* times, in the order of the stream */
	uint64_t dropped, dropped_t;	/* all, and the time of the last record that told */
	int gaps;
	int n;
};

static struct xp_ring *ring(struct fixture *f, int cpu)
{
	return f->rings + cpu * STRIDE;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->rings = calloc(CPUS, STRIDE);
	f->stream = stream__new(f->rings, STRIDE, CPUS, SLOTS);
	*state = f;
	return !f->stream;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stream__free(f->stream);
	free(f->rings);
	free(f);
	return 0;
}

static void on_record(void *context, struct xp_record *rec)
{
	struct fixture *f = context;

	if (rec->kind == XP_DROPPED) {
		f->dropped += rec->u.dropped.count;
		f->gaps++;
		f->dropped_t = rec->t;
		return;
	}
	/* A record of several slots came whole: its last byte is what it was. */
	assert_int_equal(((uint8_t *)rec)[rec->nslots * XP_SLOT - 1], rec->nslots == 1 ?
			 rec->u.table.ip >> 56 : 0xab);
	f->got[f->n++] = rec->t;
}

/* Reserve; NULL when the ring is full. */
static struct xp_record *reserve(struct fixture *f, int cpu, uint64_t t, int nslots)
{
	struct xp_ring *r = ring(f, cpu);
	struct xp_record *rec = (void *)r->slots + r->head % SLOTS * XP_SLOT;

	if (r->head + nslots - r->tail > SLOTS)
		return NULL;
	/* Whatever a reader left in the first word, it must not look like a record. */
	assert_int_equal(rec->seq, 0);
	r->head += nslots;
	rec->kind = XP_TABLE_ALLOC;
	rec->nslots = nslots;
	rec->t = t;
	if (nslots > 1)
		((uint8_t *)rec)[nslots * XP_SLOT - 1] = 0xab;
	return rec;
}

static void commit(struct fixture *f, int cpu, struct xp_record *rec, uint64_t slot)
{
	rec->seq = (slot + 1) | XP_SEQ_WRITTEN;
}

static void write_one(struct fixture *f, int cpu, uint64_t t, int nslots)
{
	uint64_t slot = ring(f, cpu)->head;
	struct xp_record *rec = reserve(f, cpu, t, nslots);

	assert_non_null(rec);
	commit(f, cpu, rec, slot);
}

static void drain(struct fixture *f, uint64_t now)
{
	assert_true(stream__drain(f->stream, now, on_record, f) >= 0);
}

static void expect(struct fixture *f, int n, const uint64_t *times)
{
	assert_int_equal(f->n, n);
	assert_memory_equal(f->got, times, n * sizeof(*times));
}

static void cpus_are_merged_by_time(void **state)
{
	struct fixture *f = *state;

	write_one(f, 1, 20, 1);
	write_one(f, 1, 40, 1);
	write_one(f, 0, 10, 1);
	write_one(f, 0, 30, 1);
	drain(f, LATER);
	expect(f, 4, (uint64_t[]){ 10, 20, 30, 40 });
}

static void what_is_too_young_waits(void **state)
{
	struct fixture *f = *state;
	uint64_t now = LATER;

	write_one(f, 0, now - 2000000, 1);
	write_one(f, 0, now, 3);
	write_one(f, 1, now + 5, 1);
	drain(f, now);
	expect(f, 1, (uint64_t[]){ now - 2000000 });
	drain(f, 2 * now);
	expect(f, 3, (uint64_t[]){ now - 2000000, now, now + 5 });
}

static void a_half_written_record_holds_back_the_younger(void **state)
{
	struct fixture *f = *state;
	struct xp_record *half;

	write_one(f, 0, 10, 1);
	half = reserve(f, 0, 30, 2);
	write_one(f, 0, 25, 1);		/* an interrupt, finished first */
	write_one(f, 1, 5, 1);
	write_one(f, 1, 40, 1);
	drain(f, LATER);
	expect(f, 2, (uint64_t[]){ 5, 10 });
	assert_int_equal(stream__reached(f->stream), 10);
	assert_int_equal(stream__settle(f->stream), 1);
	commit(f, 0, half, 1);
	drain(f, LATER);
	assert_true(stream__reached(f->stream) > 40);
	expect(f, 5, (uint64_t[]){ 5, 10, 25, 30, 40 });
	assert_int_equal(stream__settle(f->stream), 0);
}

static void the_ring_wraps(void **state)
{
	struct fixture *f = *state;
	int written = 0;

	for (int i = 0; i < 60; i++) {
		write_one(f, 0, ++written, 1 + i % 5);
		drain(f, LATER);
		assert_int_equal(f->n, written);
		assert_int_equal(ring(f, 0)->tail, ring(f, 0)->head);
	}
}

static void a_full_ring_is_given_back(void **state)
{
	struct fixture *f = *state;

	write_one(f, 0, 1, 5);
	write_one(f, 0, 2, 3);
	assert_null(reserve(f, 0, 3, 1));
	assert_int_equal(stream__drain(f->stream, LATER, on_record, f), 100);
	write_one(f, 0, 3, 5);
}

/* As the writer does that finds no room. */
static void lose(struct fixture *f, int cpu, int count)
{
	ring(f, cpu)->dropped[XP_PROBE_ALLOC] += count;
	ring(f, cpu)->closed = 1;
}

static void a_closed_ring_is_emptied_told_and_opened(void **state)
{
	struct fixture *f = *state;
	struct xp_record *half;

	write_one(f, 0, 10, 1);
	half = reserve(f, 0, 20, 1);
	lose(f, 0, 3);
	drain(f, LATER);
	assert_int_equal(f->dropped, 0);
	assert_int_equal(ring(f, 0)->closed, 1);
	commit(f, 0, half, 1);
	drain(f, LATER);
	expect(f, 2, (uint64_t[]){ 10, 20 });
	assert_int_equal(f->dropped, 3);
	assert_int_equal(ring(f, 0)->closed, 0);
	lose(f, 0, 2);
	drain(f, LATER);
	assert_int_equal(f->dropped, 5);
}

/* What others told until then rests on nothing that this CPU had to say. */
static void a_gap_ends_when_the_ring_is_known_to_be_open(void **state)
{
	struct fixture *f = *state;

	write_one(f, 0, 10, 1);
	lose(f, 0, 3);
	drain(f, LATER);
	expect(f, 1, (uint64_t[]){ 10 });
	assert_true(f->dropped == 3 && f->gaps == 1 && f->dropped_t == 10);
	assert_true(stream__in_gap(f->stream));
	write_one(f, 1, LATER + 5, 1);
	drain(f, LATER + 10);
	assert_true(f->gaps == 1 && stream__in_gap(f->stream));
	drain(f, 2 * LATER + 20);
	expect(f, 2, (uint64_t[]){ 10, LATER + 5 });
	assert_true(f->dropped == 3 && f->gaps == 2 && f->dropped_t == LATER + 10);
	assert_false(stream__in_gap(f->stream));
}

static void the_end_ends_gaps_too(void **state)
{
	struct fixture *f = *state;

	lose(f, 0, 3);
	drain(f, LATER);
	assert_int_equal(stream__end(f->stream, LATER + 1, on_record, f), 0);
	assert_true(f->dropped == 3 && f->gaps == 2 && f->dropped_t == LATER + 1);
}

static void untold_losses_come_at_the_end(void **state)
{
	struct fixture *f = *state;

	lose(f, 1, 4);
	drain(f, LATER);
	drain(f, LATER);
	assert_int_equal(f->dropped, 4);
	ring(f, 1)->dropped[XP_PROBE_ALLOC] += 3;
	drain(f, LATER);
	assert_int_equal(f->dropped, 4);
	assert_int_equal(stream__end(f->stream, LATER + 1, on_record, f), 0);
	assert_int_equal(f->dropped, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Slot 2^32 - 1 is as good as any: half written it holds back, and then it comes. */
static void slot_numbers_wrap(void **state)
{
	const uint64_t before = (1ULL << 32) - 3;
	struct fixture *f = *state;

	stream__free(f->stream);
	ring(f, 0)->head = ring(f, 0)->tail = before;
	f->stream = stream__new(f->rings, STRIDE, CPUS, SLOTS);
	for (uint64_t slot = before; slot < before + 6; slot++) {
		struct xp_record *rec = reserve(f, 0, slot, 1);
		int n = f->n;

		assert_non_null(rec);
		drain(f, UINT64_MAX / 2);
		assert_int_equal(f->n, n);
		commit(f, 0, rec, slot);
		drain(f, UINT64_MAX / 2);
		assert_int_equal(f->n, n + 1);
		assert_int_equal(f->got[n], slot);
	}
}

#define MANY_CPUS	7
#define MANY_SLOTS	256U
#define MANY_STRIDE	(sizeof(struct xp_ring) + (MANY_SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT)

struct order {
	uint64_t times[MANY_CPUS * MANY_SLOTS], read[MANY_CPUS * MANY_SLOTS];	/* a record's number, as read */
	unsigned int n;
};

static void on_ordered(void *context, struct xp_record *rec)
{
	struct order *o = context;

	o->times[o->n] = rec->t;
	o->read[o->n++] = rec->u.table.pfn;
}

/* Up to @nr records of a CPU, mostly in order, many of one time: as the clocks of many CPUs are. */
static unsigned int fill_ring(struct xp_ring *ring, unsigned int nr, uint64_t first, uint32_t *seed)
{
	uint64_t t = 1000;

	for (unsigned int i = 0; i < nr; i++) {
		struct xp_record *rec = (void *)ring->slots + i * XP_SLOT;

		t += (next_random(seed) >> 24) % 4;
		if (!(next_random(seed) >> 24 & 31))
			t -= 5;
		*rec = (struct xp_record){ .kind = XP_TABLE_ALLOC, .nslots = 1, .t = t,
					   .seq = (i + 1) | XP_SEQ_WRITTEN, .u.table.pfn = first + i };
	}
	ring->head = nr;
	return nr;
}

static void many_cpus_are_merged_by_time(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 300; round++) {
		struct order *o = calloc(1, sizeof(*o));
		void *rings = calloc(MANY_CPUS, MANY_STRIDE);
		struct stream *stream = stream__new(rings, MANY_STRIDE, MANY_CPUS, MANY_SLOTS);
		unsigned int n = 0;

		for (int cpu = 0; cpu < MANY_CPUS; cpu++)
			n += fill_ring(rings + cpu * MANY_STRIDE, (next_random(&seed) >> 24) * (round % 3) / 2,
				       n, &seed);
		assert_true(stream__drain(stream, LATER, on_ordered, o) >= 0);
		assert_int_equal(o->n, n);
		/* By time, and of one time as they were read. */
		for (unsigned int i = 1; i < n; i++)
			assert_true(o->times[i - 1] < o->times[i] ||
				    (o->times[i - 1] == o->times[i] && o->read[i - 1] < o->read[i]));
		stream__free(stream);
		free(rings);
		free(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cpus_are_merged_by_time),
		cmocka_unit_test(many_cpus_are_merged_by_time),
		TEST(what_is_too_young_waits),
		TEST(a_half_written_record_holds_back_the_younger),
		TEST(the_ring_wraps),
		TEST(slot_numbers_wrap),
		TEST(a_full_ring_is_given_back),
		TEST(a_closed_ring_is_emptied_told_and_opened),
		TEST(a_gap_ends_when_the_ring_is_known_to_be_open),
		TEST(the_end_ends_gaps_too),
		TEST(untold_losses_come_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
