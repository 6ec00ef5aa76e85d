// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random histories on two CPUs, through rings that are too small: what is lost on one
 * makes no finding of what the other told meanwhile, however late it is drained.
 */
#include "kernel.h"
#include "source/stream.h"

enum { CPUS = 2, SLOTS = 32, STEPS = 300, HISTORIES = 4000 };

#define STRIDE	(sizeof(struct xp_ring) + (SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT)

static struct {
	void *rings;
	struct stream *stream;
	int cpu;		/* on which the kernel is now */
	uint64_t lost;
} g;

/* As bpf/ring.h. */
static void write_record(struct xp_record *rec)
{
	struct xp_ring *ring = g.rings + g.cpu * STRIDE;
	struct xp_record *to = (void *)ring->slots + ring->head % SLOTS * XP_SLOT;
	uint64_t slots = rec->nslots = record__slots(rec);

	rec->cpu = g.cpu;
	if (ring->closed || ring->head + slots - ring->tail > SLOTS) {
		ring->lost[hook_of[rec->kind]]++;
		ring->closed = 1;
		g.lost++;
		return;
	}
	memcpy(to, rec, slots * XP_SLOT);
	to->seq = ring->head + 1;
	ring->head += slots;
}

static void on_record(void *context, struct xp_record *rec)
{
	pins__complete(k.pins, rec);
	assert_int_equal(pins__apply(k.pins, rec), 0);
}

/* As src/tracing.c. */
static void drain(void)
{
	assert_true(stream__drain(g.stream, k.t + 1, on_record, NULL) >= 0);
	if (!stream__in_gap(g.stream))
		pins__confirm(k.pins);
}

/* Returns the page whose flag was lost under way, if one was to be: an L1 table of a pinned tree. */
static uint64_t live_through(unsigned int seed, bool lose_a_flag)
{
	struct frame *f = NULL;
	uint64_t pfn = XP_NO_PFN;

	g.rings = calloc(CPUS, STRIDE);
	g.stream = stream__new(g.rings, STRIDE, CPUS, SLOTS);
	assert_true(g.rings && g.stream);
	begin(seed);
	k.deliver = write_record;
	for (int i = 0; i < STEPS; i++) {
		g.cpu = dice(CPUS);
		legal_step();
		if (lose_a_flag && !f && i > STEPS / 3 && (f = victim(XP_L1, &pfn)))
			f->flag = false;
		if (!dice(3))
			drain();
	}
	end_processes();
	assert_int_equal(stream__end(g.stream, k.t + 1, on_record, NULL), 0);
	pins__confirm(k.pins);
	stream__free(g.stream);
	free(g.rings);
	return pfn;
}

static void losses_make_no_finding(void **state)
{
	uint64_t unjudged = 0;

	g.lost = 0;
	for (int h = 0; h < HISTORIES; h++) {
		live_through(h, false);
		assert_int_equal(nr_found, 0);
		unjudged += pins__unjudged(k.pins);
		pins__free(k.pins);
	}
	assert_true(g.lost > 10 * HISTORIES && unjudged > HISTORIES);
}

/* Nor do they hide all: what happens between two gaps is judged. */
static void a_lost_flag_is_found_in_spite_of_them(void **state)
{
	int found_it = 0;

	for (int h = 0; h < HISTORIES; h++) {
		uint64_t pfn = live_through(h, true);

		for (int i = 0; i < nr_found; i++)
			assert_int_equal(found[i].pfn, pfn);
		found_it += nr_found > 0;
		pins__free(k.pins);
	}
	print_message("found in %d of %d histories\n", found_it, HISTORIES);
	assert_true(found_it > HISTORIES / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_make_no_finding),
		cmocka_unit_test(a_lost_flag_is_found_in_spite_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
