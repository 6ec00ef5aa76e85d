// SPDX-License-Identifier: GPL-2.0-only
/* Records of a boot, and the account that they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/boot.h"
#include "record/records.h"

struct fixture {
	struct boot boot;
	struct boot_sum sum;
	uint64_t slot;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return boot__begin(&f->boot);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	boot__end(&f->boot);
	free(f);
	return 0;
}

static void apply(struct fixture *f, struct xp_record rec, const struct xp_op *op)
{
	struct { struct xp_record rec; struct xp_op ops[2]; } both = { rec };

	both.rec.nslots = op ? 2 : 1;
	both.rec.u.batch.nops = op ? 1 : rec.u.batch.nops;
	if (op)
		both.ops[0] = *op;
	both.rec.seq = f->slot + 1;
	f->slot += both.rec.nslots;
	assert_int_equal(boot__apply(&f->boot, &both.rec), 0);
}

static void page(struct fixture *f, uint8_t kind, uint64_t t, uint64_t pfn, uint8_t level,
		 uint8_t flags)
{
	apply(f, (struct xp_record){ .kind = kind, .t = t, .level = level, .flags = flags,
				     .where = kind == XP_ERASED ? XP_WHERE_HANDOVER : 0,
				     .u.table.pfn = pfn }, NULL);
}

static void op(struct fixture *f, uint8_t kind, uint64_t t, uint8_t what, uint64_t pfn, int result)
{
	apply(f, (struct xp_record){ .kind = kind, .t = t },
	      &(struct xp_op){ .pfn = pfn, .op = what, .level = what == XP_OP_PIN ? XP_L1 : 0,
			       .result = result });
}

static void stage(struct fixture *f, uint8_t kind, uint64_t t, uint32_t node, uint64_t pfn,
		  uint64_t pages, uint32_t threads)
{
	apply(f, (struct xp_record){ .kind = kind, .t = t,
				     .u.boot = { pfn, pages, node, threads } }, NULL);
}

static const struct frame *frame(struct fixture *f, uint64_t pfn)
{
	return frames__find(f->boot.frames, pfn);
}

static void range(struct fixture *f, uint64_t t, uint16_t where, uint64_t pages)
{
	apply(f, (struct xp_record){ .kind = XP_DEFERRED_RANGE, .t = t, .where = where,
				     .u.boot = { .pages = pages } }, NULL);
}

/* Two ranges of struct pages, the hand-over, a hook, two nodes side by side. */
static void stages(struct fixture *f)
{
	range(f, 1000, XP_WHERE_NONE, 0);
	range(f, 1100, XP_WHERE_NONE, 50);
	range(f, 1500, XP_WHERE_NONE, 0);
	range(f, 1800, XP_WHERE_NONE, 150);
	stage(f, XP_HANDOVER_BEGIN, 2000, 0, 0, 0, 1);
	range(f, 2100, XP_WHERE_HANDOVER, 0);
	stage(f, XP_HANDOVER_END, 2300, 0, 0, 1000, 1);
	stage(f, XP_HOOK_BEGIN, 2300, 0, 0, 0, 1);
	stage(f, XP_HOOK_END, 2350, 0, 0, 2, 1);
	stage(f, XP_DEFERRED_BEGIN, 3000, 0, 0x100, 400, 2);
	stage(f, XP_DEFERRED_BEGIN, 3100, 1, 0x900, 500, 2);
	stage(f, XP_DEFERRED_END, 3400, 0, 0x100, 300, 2);
	stage(f, XP_DEFERRED_END, 3600, 1, 0x900, 500, 3);
}

static void stages_are_accounted(void **state)
{
	struct fixture *f = *state;

	stages(f);
	boot__sum(&f->boot, &f->sum);
	assert_int_equal(f->sum.handover_ns, 300);
	assert_int_equal(f->sum.hook_ns, 50);
	assert_int_equal(f->boot.hook.pages, 2);
	assert_int_equal(f->sum.deferred_ns, 600);
	assert_int_equal(f->sum.deferred_pages, 800);
	assert_int_equal(f->boot.nodes[1].threads, 3);
	assert_int_equal(f->boot.nodes[1].first_pfn, 0x900);
	assert_int_equal(boot_stage__ns(&f->boot.nodes[0].deferred), 400);
	/* 400 for 200 struct pages, 200 for the way of 1000 - 800 to the allocator: 3 a page. */
	assert_int_equal(f->boot.memmap_ns, 400);
	assert_int_equal(f->boot.memmap_pages, 200);
	assert_int_equal(f->sum.reserved_ns, 100);
	assert_int_equal(f->sum.free_ns, 200);
	assert_int_equal(f->sum.free_pages, 200);
	assert_true(f->sum.early_ns_per_page == 3);
	assert_true(f->sum.has_saved);
	assert_int_equal(f->sum.saved_ns, 800 * 3 - 600);
	assert_int_equal(f->sum.saved_error_ns, 800 * 3 / 5 + 100 + 65536 * 3);
	assert_int_equal(f->boot.missing, 0);
}

static void deferral_can_cost(void **state)
{
	struct fixture *f = *state;

	range(f, 0, XP_WHERE_NONE, 0);
	range(f, 10, XP_WHERE_NONE, 50);
	stage(f, XP_HANDOVER_BEGIN, 20, 0, 0, 0, 1);
	range(f, 20, XP_WHERE_HANDOVER, 0);
	stage(f, XP_HANDOVER_END, 30, 0, 0, 100, 1);
	stage(f, XP_DEFERRED_BEGIN, 100, 0, 0x100, 50, 1);
	stage(f, XP_DEFERRED_END, 900, 0, 0x100, 50, 1);
	boot__sum(&f->boot, &f->sum);
	assert_true(f->sum.has_saved);
	assert_int_equal(f->sum.saved_ns, 20 - 800);
}

static void pages_that_were_needed_before_are_late_too(void **state)
{
	/* Up to what deferred init began with, 0x100. */
	struct xp_boot_log header = { .nodes = 2, .first_deferred_pfn = { 0x100 - 100, 0x900 } };
	struct fixture *f = *state;

	boot__expect(&f->boot, &header);
	stages(f);
	boot__sum(&f->boot, &f->sum);
	assert_int_equal(f->boot.nodes[0].grown, 100);
	assert_int_equal(f->boot.nodes[1].grown, 0);
	assert_int_equal(f->sum.free_pages, 100);
}

static void nothing_is_concluded_while_a_stage_is_missing(void **state)
{
	struct xp_boot_log header = { .nodes = 2, .first_deferred_pfn = { 0x100, XP_NO_PFN } };
	struct fixture *f = *state;

	boot__expect(&f->boot, &header);
	assert_true(boot__node_open(&f->boot.nodes[0]));
	assert_false(boot__node_open(&f->boot.nodes[1]));
	range(f, 1000, XP_WHERE_NONE, 0);
	range(f, 1100, XP_WHERE_NONE, 50);
	stage(f, XP_HANDOVER_BEGIN, 2000, 0, 0, 0, 1);
	range(f, 2100, XP_WHERE_HANDOVER, 0);
	stage(f, XP_HANDOVER_END, 2300, 0, 0, 1000, 1);
	boot__sum(&f->boot, &f->sum);
	assert_false(f->sum.has_early || f->sum.has_saved);
	stage(f, XP_DEFERRED_BEGIN, 3000, 0, 0x100, 400, 2);
	stage(f, XP_DEFERRED_END, 3400, 0, 0x100, 300, 2);
	boot__sum(&f->boot, &f->sum);
	assert_true(f->sum.has_saved);
}

/* The records of a series that does not split the hand-over. */
static void without_the_early_price_nothing_is_saved(void **state)
{
	struct fixture *f = *state;

	stage(f, XP_HANDOVER_BEGIN, 2000, 0, 0, 0, 1);
	stage(f, XP_HANDOVER_END, 2300, 0, 0, 1000, 1);
	stage(f, XP_DEFERRED_BEGIN, 3000, 0, 0x100, 400, 2);
	stage(f, XP_DEFERRED_END, 3400, 0, 0x100, 300, 2);
	boot__sum(&f->boot, &f->sum);
	assert_int_equal(f->sum.deferred_ns, 400);
	assert_false(f->sum.has_early || f->sum.has_saved);
}

static void losses_are_open_until_repaired(void **state)
{
	struct fixture *f = *state;

	page(f, XP_FLAG_SET, 1, 7, XP_L1, 0);
	page(f, XP_FLAG_SET, 2, 8, XP_L2, 0);
	page(f, XP_FLAG_SET, 2, 9, XP_L3, 0);
	page(f, XP_ERASED, 3, 7, XP_L1, XP_F_FLAG);
	page(f, XP_ERASED, 3, 8, XP_L2, XP_F_FLAG);
	page(f, XP_REPAIRED, 4, 7, XP_L1, 0);
	boot__sum(&f->boot, &f->sum);
	assert_int_equal(f->boot.nr_erased, 2);
	assert_int_equal(f->sum.open, 1);
	assert_true(f->boot.erased[0].repaired && !f->boot.erased[1].repaired);
	assert_int_equal(f->boot.erased[1].pfn, 8);
	assert_int_equal(f->boot.erased[1].where, XP_WHERE_HANDOVER);
	assert_int_equal(f->sum.flagged, 2);
	assert_int_equal(f->sum.tables, 3);
	/* Set again by whoever pins it: no longer open. */
	page(f, XP_FLAG_SET, 5, 8, XP_L2, 0);
	boot__sum(&f->boot, &f->sum);
	assert_int_equal(f->sum.open, 0);
}

static void missing_numbers_are_counted(void **state)
{
	struct fixture *f = *state;

	page(f, XP_FLAG_SET, 1, 7, XP_L1, 0);
	f->slot += 5;
	page(f, XP_FLAG_SET, 1, 8, XP_L1, 0);
	assert_int_equal(f->boot.missing, 5);
	assert_int_equal(f->boot.next, 7);
	/* What the early ring tells of itself has no number. */
	assert_int_equal(boot__apply(&f->boot, &(struct xp_record){ .kind = XP_DROPPED,
				     .u.dropped.count = 3 }), 0);
	page(f, XP_FLAG_SET, 1, 9, XP_L1, 0);
	assert_int_equal(f->boot.missing, 5);
	assert_int_equal(f->boot.unnumbered, 3);
	assert_int_equal(f->boot.records, 3);
}

static void numbers_go_on_beyond_32_bits(void **state)
{
	struct fixture *f = *state;

	f->boot.next = f->slot = (1ULL << 32) - 1;
	page(f, XP_FLAG_SET, 1, 7, XP_L1, 0);
	page(f, XP_FLAG_SET, 1, 8, XP_L1, 0);
	assert_int_equal(f->boot.missing, 0);
	assert_true(f->boot.next == (1ULL << 32) + 1);
}

static void a_frame_is_what_was_done_to_it(void **state)
{
	struct fixture *f = *state;

	/* A table of a tree that is not pinned is a page like any other. */
	page(f, XP_TABLE_ALLOC, 1, 5, XP_L2, 0);
	assert_false(frame(f, 5)->table);
	page(f, XP_FLAG_SET, 2, 5, XP_L2, 0);
	assert_true(frame(f, 5)->table && frame(f, 5)->flag && !frame(f, 5)->pinned);
	assert_false(frame(f, 5)->made);
	page(f, XP_FLAG_CLEAR, 3, 5, XP_L2, XP_F_FLAG);
	assert_false(frame(f, 5)->table || frame(f, 5)->flag);

	page(f, XP_TABLE_ALLOC, 4, 6, XP_L1, XP_F_PINNED);
	op(f, XP_BATCH, 5, XP_OP_PIN, 6, 0);
	assert_true(frame(f, 6)->table && frame(f, 6)->pinned && frame(f, 6)->made);
	/* Still pinned, so still a table, whatever the guest thinks. */
	page(f, XP_TABLE_RELEASE, 6, 6, XP_L1, XP_F_PINNED);
	assert_true(frame(f, 6)->table);
	op(f, XP_BATCH, 7, XP_OP_UNPIN, 6, 0);
	assert_false(frame(f, 6)->table || frame(f, 6)->pinned);
	assert_int_equal(frame(f, 6)->level, XP_L1);
}

static void what_xen_refused_did_not_happen(void **state)
{
	struct fixture *f = *state;

	op(f, XP_BATCH, 1, XP_OP_PIN, 5, -22);
	assert_null(frame(f, 5));
	op(f, XP_BATCH, 2, XP_OP_PIN, 5, 0);
	op(f, XP_BATCH, 3, XP_OP_UNPIN, 5, -22);
	assert_true(frame(f, 5)->pinned);
	op(f, XP_BATCH, 4, XP_OP_PIN, XP_NO_PFN, 0);
	assert_null(frame(f, XP_NO_PFN));
}

static void count(void *context, const struct frame *frame)
{
	++*(int *)context;
}

static void many_frames(void **state)
{
	struct fixture *f = *state;
	int n = 0;

	for (uint64_t pfn = 0; pfn < 100000; pfn++)
		page(f, XP_FLAG_SET, 1, pfn * 512, 1 + pfn % 4, 0);
	frames__each(f->boot.frames, count, &n);
	assert_int_equal(n, 100000);
	for (uint64_t pfn = 0; pfn < 100000; pfn++)
		assert_int_equal(frame(f, pfn * 512)->level, 1 + pfn % 4);
	assert_null(frame(f, 1));
}

static void records_know_what_they_are_about(void **state)
{
	struct { struct xp_record rec; struct xp_op ops[2]; } batch = {
		{ .kind = XP_BATCH, .nslots = 2, .u.batch.nops = 2 },
		{ { .pfn = 4 }, { .pfn = 5 } },
	};
	struct xp_record mm = { .kind = XP_MM_PIN, .u.mm = { .mm = 4, .pgd = 5, .pgd_pfn = 6 } };
	struct xp_record stage = { .kind = XP_HOOK_END, .u.boot.pfn = 6 };

	assert_true(record__is_about(&batch.rec, 5));
	assert_false(record__is_about(&batch.rec, 6));
	batch.rec.u.batch.nops = 1;
	assert_false(record__is_about(&batch.rec, 5));
	assert_true(record__is_about(&mm, 6));
	assert_false(record__is_about(&mm, 4));
	assert_false(record__is_about(&stage, 6));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stages_are_accounted),
		TEST(deferral_can_cost),
		TEST(pages_that_were_needed_before_are_late_too),
		TEST(nothing_is_concluded_while_a_stage_is_missing),
		TEST(without_the_early_price_nothing_is_saved),
		TEST(losses_are_open_until_repaired),
		TEST(missing_numbers_are_counted),
		TEST(numbers_go_on_beyond_32_bits),
		TEST(a_frame_is_what_was_done_to_it),
		TEST(what_xen_refused_did_not_happen),
		TEST(many_frames),
		TEST(records_know_what_they_are_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
