// SPDX-License-Identifier: GPL-2.0-only
/* What the records since boot imply of a frame. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/frames.h"
#include "record/records.h"

static void about(struct frames *f, int kind, uint64_t pfn, int level, int flags)
{
	struct xp_record rec = { .kind = kind, .level = level, .flags = flags,
				 .u.table.pfn = pfn };

	assert_int_equal(frames__apply(f, &rec), 0);
	assert_true(record__is_about(&rec, pfn) && !record__is_about(&rec, pfn + 1));
}

static void hypercall(struct frames *f, int op, uint64_t pfn, int level, int result)
{
	struct { struct xp_record rec; struct xp_op op; } e = {
		.rec = { .kind = XP_BATCH, .flags = XP_F_RESULT, .u.batch = { 1, 1, 0, 0 } },
		.op = { .op = op, .pfn = pfn, .level = level, .result = result },
	};

	assert_int_equal(frames__apply(f, &e.rec), 0);
	assert_true(record__is_about(&e.rec, pfn) && !record__is_about(&e.rec, pfn + 1));
}

static int setup(void **state)
{
	*state = frames__new();
	return !*state;
}

static int teardown(void **state)
{
	frames__free(*state);
	return 0;
}

static void a_pin_makes_a_table(void **state)
{
	const struct frame *frame;

	hypercall(*state, XP_OP_PIN, 7, XP_L4, 0);
	frame = frames__find(*state, 7);
	assert_true(frame->pinned && frame->table && frame->made && !frame->flag);
	assert_int_equal(frame->level, XP_L4);
	hypercall(*state, XP_OP_UNPIN, 7, 0, 0);
	assert_false(frame->pinned || frame->table || frame->made);
	assert_int_equal(frame->level, XP_L4);
}

/* As if each had been allocated, and pinned by a hypercall of its own. */
static void a_run_makes_its_tables(void **state)
{
	struct xp_record run = { .kind = XP_TABLE_RUN, .u.boot = { .pfn = 100, .pages = 3 } };

	assert_int_equal(frames__apply(*state, &run), 0);
	for (uint64_t pfn = 99; pfn <= 103; pfn++) {
		const struct frame *frame = frames__find(*state, pfn);

		assert_int_equal(record__is_about(&run, pfn), pfn >= 100 && pfn < 103);
		assert_int_equal(frame != NULL, pfn >= 100 && pfn < 103);
		if (frame)
			assert_true(frame->pinned && frame->table && frame->made && !frame->flag &&
				    frame->level == XP_L1);
	}
	hypercall(*state, XP_OP_UNPIN, 101, 0, 0);
	assert_false(frames__find(*state, 101)->table);
	assert_true(frames__find(*state, 102)->table);
}

/* No guest has so many; without a limit a few megabytes of records would ask for all memory. */
static void runs_end_somewhere(void **state)
{
	struct xp_record run = { .kind = XP_TABLE_RUN, .u.boot = { .pages = XP_RUN_MAX } };
	int err = 0;

	for (uint64_t n = 0; !err && n <= XP_RUNS_MAX / XP_RUN_MAX; n++)
		err = frames__apply(*state, &run);
	assert_int_equal(err, -E2BIG);
}

static void what_xen_refused_did_not_happen(void **state)
{
	hypercall(*state, XP_OP_PIN, 7, XP_L1, -22);
	assert_null(frames__find(*state, 7));
	hypercall(*state, XP_OP_PIN, XP_NO_PFN, XP_L1, 0);
	assert_null(frames__find(*state, XP_NO_PFN));
}

/* Released with a pin that was never undone, it is a table to Xen. */
static void a_release_leaves_what_is_pinned(void **state)
{
	about(*state, XP_TABLE_ALLOC, 7, XP_L1, XP_F_PINNED);
	hypercall(*state, XP_OP_PIN, 7, XP_L1, 0);
	about(*state, XP_TABLE_RELEASE, 7, XP_L1, 0);
	assert_true(frames__find(*state, 7)->table && frames__find(*state, 7)->made);
	about(*state, XP_TABLE_ALLOC, 8, XP_L2, XP_F_PINNED);
	assert_true(frames__find(*state, 8)->table);
	about(*state, XP_TABLE_RELEASE, 8, XP_L2, 0);
	assert_false(frames__find(*state, 8)->table || frames__find(*state, 8)->made);
}

static void in_a_tree_that_is_not_pinned_it_is_no_table(void **state)
{
	about(*state, XP_TABLE_ALLOC, 7, XP_L1, 0);
	assert_false(frames__find(*state, 7)->table || frames__find(*state, 7)->made);
}

/* Each of its tables is told of by itself. */
static void a_tree_makes_nothing(void **state)
{
	struct xp_record rec = { .kind = XP_MM_PIN, .level = XP_L4, .u.mm.pgd_pfn = 7 };

	assert_int_equal(frames__apply(*state, &rec), 0);
	assert_null(frames__find(*state, 7));
	assert_true(record__is_about(&rec, 7));
}

static void a_flag_is_a_memo(void **state)
{
	const struct frame *frame;

	about(*state, XP_FLAG_SET, 7, XP_L1, 0);
	frame = frames__find(*state, 7);
	assert_true(frame->flag && frame->table && !frame->made);
	about(*state, XP_ERASED, 7, XP_L1, 0);
	assert_true(!frame->flag && frame->erased && frame->table);
	about(*state, XP_REPAIRED, 7, XP_L1, 0);
	assert_true(frame->flag && !frame->erased);
	about(*state, XP_FLAG_CLEAR, 7, XP_L1, 0);
	assert_false(frame->flag || frame->table);
}

static void more_than_the_hash_begins_with(void **state)
{
	for (uint64_t pfn = 0; pfn < 100000; pfn++)
		about(*state, XP_FLAG_SET, pfn, pfn % 4 + 1, 0);
	for (uint64_t pfn = 0; pfn < 100000; pfn++)
		assert_int_equal(frames__find(*state, pfn)->level, pfn % 4 + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pin_makes_a_table),
		TEST(a_run_makes_its_tables),
		TEST(runs_end_somewhere),
		TEST(what_xen_refused_did_not_happen),
		TEST(a_release_leaves_what_is_pinned),
		TEST(in_a_tree_that_is_not_pinned_it_is_no_table),
		TEST(a_tree_makes_nothing),
		TEST(a_flag_is_a_memo),
		TEST(more_than_the_hash_begins_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
