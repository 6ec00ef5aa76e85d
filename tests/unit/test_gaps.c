// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random histories on two to four CPUs, through rings that are too small: what is lost on
 * one makes no finding of what the others told meanwhile, however late it is drained.
 */
#include "kernel.h"
#include "trace/stream.h"

enum { CPUS_MAX = 4, SLOTS_MAX = 64, STEPS = 300, HISTORIES = 4096 };

#define STRIDE	(sizeof(struct xp_ring) + (SLOTS_MAX + XP_RECORD_SLOTS_MAX) * XP_SLOT)

static struct {
	void *rings;
	struct stream *stream;
	int cpus, slots;	/* how many, and of each ring */
	bool recorded;		/* and judged later, all at once */
	int cpu;		/* on which the kernel is now */
	uint64_t dropped;		/* in this history */
} g;

/* As bpf/ring.h. */
static void write_record(struct xp_record *rec)
{
	struct xp_ring *ring = g.rings + g.cpu * STRIDE;
	struct xp_record *to = (void *)ring->slots + ring->head % g.slots * XP_SLOT;
	uint64_t slots = rec->nslots = record__slots(rec);

	rec->cpu = g.cpu;
	if (ring->closed || ring->head + slots - ring->tail > (uint64_t)g.slots) {
		ring->dropped[record__kind(rec)->probe]++;
		ring->closed = 1;
		g.dropped++;
		return;
	}
	memcpy(to, rec, slots * XP_SLOT);
	to->seq = (ring->head + 1) | XP_SEQ_WRITTEN;
	ring->head += slots;
}

static void on_record(void *context, struct xp_record *rec)
{
	if (pins__begins_gap(k.pins, rec))
		pins__confirm(k.pins);
	pins__complete(k.pins, rec);
	assert_int_equal(pins__apply(k.pins, rec), 0);
}

/* As src/cmd/tracing.c; or as src/report/feed.c, which confirms only where a gap begins. */
static void drain(void)
{
	assert_true(stream__drain(g.stream, k.t + 1, on_record, NULL) >= 0);
	if (!g.recorded && !stream__in_gap(g.stream))
		pins__confirm(k.pins);
}

/* Returns the page whose flag was lost under way, if one was to be: a table of @level. */
static uint64_t live_through(unsigned int seed, int level)
{
	struct frame *f = NULL;
	uint64_t pfn = XP_NO_PFN;

	begin(seed);
	g.dropped = 0;
	g.recorded = dice(2);
	g.cpus = 2 + dice(CPUS_MAX - 1);
	g.slots = SLOTS_MAX >> dice(3);
	g.rings = calloc(g.cpus, STRIDE);
	g.stream = stream__new(g.rings, STRIDE, g.cpus, g.slots);
	assert_true(g.rings && g.stream);
	k.deliver = write_record;
	for (int i = 0; i < STEPS; i++) {
		g.cpu = dice(g.cpus);
		legal_step();
		if (level && !f && i > STEPS / 3 && (f = victim(level, &pfn)))
			f->flag = false;
		if (!dice(3))
			drain();
	}
	end_processes();
	assert_int_equal(stream__settle(g.stream), 0);
	assert_int_equal(stream__end(g.stream, k.t + 1, on_record, NULL), 0);
	pins__confirm(k.pins);
	stream__free(g.stream);
	free(g.rings);
	return f ? pfn : XP_NO_PFN;
}

static void losses_make_no_finding(void **state)
{
	uint64_t unjudged = 0, dropped = 0;

	for (unsigned int h = 0; h < histories(HISTORIES); h++) {
		live_through(h, 0);
		assert_int_equal(nr_found, 0);
		unjudged += pins__unjudged(k.pins);
		dropped += g.dropped;
		pins__free(k.pins);
	}
	assert_true(dropped > 10 * histories(HISTORIES) && unjudged > histories(HISTORIES));
}

/* Nor do they hide all: it is found, or nobody calls the history clean. */
static void a_lost_flag_is_found_in_spite_of_them(void **state)
{
	unsigned int found_it = 0, n = histories(HISTORIES);

	for (unsigned int h = 0; h < n; h++) {
		uint64_t pfn = live_through(h, 1 + h / 128 % XP_L4);

		for (int i = 0; i < nr_found; i++)
			assert_int_equal(found[i].pfn, pfn);
		found_it += nr_found > 0;
		assert_true(nr_found || g.dropped || pfn == XP_NO_PFN);
		pins__free(k.pins);
	}
	print_message("found in %u of %u histories\n", found_it, n);
	assert_true(found_it > n / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_make_no_finding),
		cmocka_unit_test(a_lost_flag_is_found_in_spite_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
