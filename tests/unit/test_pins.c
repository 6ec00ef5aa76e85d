// SPDX-License-Identifier: GPL-2.0-only
/* The model: what it completes, what it infers, and that it forgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/pins.h"
#include "record/records.h"

#define MM	0xffff888004c60900ULL
#define PGD_PFN	0x676cULL

/* A record with room for operations behind it. */
struct event {
	struct xp_record rec;
	struct xp_op ops[4];
};

/* The flag writes that were inferred, newest last. */
static struct flags {
	struct xp_record writes[64];
	int n;
} inferred;

static void on_flag(void *context, const struct xp_record *flag)
{
	assert_true(inferred.n < 64);
	inferred.writes[inferred.n++] = *flag;
}

/* What becomes a finding is in test_findings.c; here hardly anything does. */
static int findings, expected_findings;

static void on_finding(void *context, const struct finding *finding)
{
	findings++;
}

static struct flags apply(struct pins *p, struct event *e)
{
	inferred.n = 0;
	pins__complete(p, &e->rec);
	assert_int_equal(pins__apply(p, &e->rec), 0);
	pins__confirm(p);
	return inferred;
}

static struct event alloc(uint64_t pfn, int level, int in_flags)
{
	return (struct event){ .rec = { .kind = XP_TABLE_ALLOC, .level = level, .flags = in_flags,
					.u.table = { .pfn = pfn, .mm = MM } } };
}

static struct event release(uint64_t pfn, int level, int in_flags)
{
	return (struct event){ .rec = { .kind = XP_TABLE_RELEASE, .level = level,
					.flags = in_flags, .u.table = { .pfn = pfn } } };
}

static struct event tree(int kind)
{
	return (struct event){ .rec = { .kind = kind, .level = XP_L4,
					.u.mm = { .mm = MM, .pgd_pfn = PGD_PFN } } };
}

static struct event batch(struct xp_op op)
{
	return (struct event){ .rec = { .kind = XP_BATCH, .flags = XP_F_RESULT,
					.u.batch = { 1, 1, 0, 0 } },
			       .ops = { op } };
}

static int setup(void **state)
{
	findings = expected_findings = 0;
	*state = pins__new((struct pins_handlers){ on_flag, on_finding, NULL });
	return !*state;
}

static int teardown(void **state)
{
	pins__free(*state);
	return findings != expected_findings;
}

static void a_release_learns_its_mm(void **state)
{
	struct event e = alloc(7, XP_L1, 0);

	apply(*state, &e);
	e = release(7, XP_L1, XP_F_FLAG_KNOWN);
	apply(*state, &e);
	assert_int_equal(e.rec.u.table.mm, MM);
	assert_int_equal(pins__count(*state), 0);
}

static void an_older_table_has_no_mm(void **state)
{
	struct event e = release(7, XP_L1, XP_F_FLAG_KNOWN);

	apply(*state, &e);
	assert_int_equal(e.rec.u.table.mm, 0);
}

static void a_table_in_a_pinned_tree_is_marked_at_once(void **state)
{
	struct event e = alloc(7, XP_L2, XP_F_PINNED);
	struct flags flags = apply(*state, &e);

	assert_int_equal(flags.n, 1);
	assert_int_equal(flags.writes[0].kind, XP_FLAG_SET);
	assert_int_equal(flags.writes[0].level, XP_L2);
	assert_int_equal(flags.writes[0].u.flag.pfn, 7);
	assert_true(flags.writes[0].flags & XP_F_INFERRED);
	e = release(7, XP_L2, XP_F_FLAG_KNOWN | XP_F_FLAG);
	flags = apply(*state, &e);
	assert_int_equal(flags.n, 1);
	assert_int_equal(flags.writes[0].kind, XP_FLAG_CLEAR);
}

static void pinning_a_tree_marks_all_of_it_once(void **state)
{
	struct event e;
	struct flags flags;

	for (int i = 0; i < 20; i++) {
		e = alloc(100 + i, XP_L1, 0);
		assert_int_equal(apply(*state, &e).n, 0);
	}
	e = tree(XP_MM_PIN);
	flags = apply(*state, &e);
	assert_int_equal(flags.n, 21);		/* and the PGD */
	/* The hypercall that follows says nothing new. */
	e = batch((struct xp_op){ .op = XP_OP_PIN, .level = XP_L4, .pfn = PGD_PFN });
	assert_int_equal(apply(*state, &e).n, 0);
	e = tree(XP_MM_UNPIN);
	flags = apply(*state, &e);
	assert_int_equal(flags.n, 21);
	for (int i = 0; i < flags.n; i++)
		assert_int_equal(flags.writes[i].kind, XP_FLAG_CLEAR);
}

static void an_older_tree_had_the_flag(void **state)
{
	struct event e = tree(XP_MM_UNPIN);
	struct flags seen = apply(*state, &e);

	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.writes[0].kind, XP_FLAG_CLEAR);
	assert_int_equal(seen.writes[0].u.flag.pfn, PGD_PFN);
}

/* Suspend names init_mm, too: but this tree is its own. */
static void the_kernels_own_tree(void **state)
{
	const uint64_t init_mm = 0xffffffff82b5c940ULL;
	struct event e = tree(XP_MM_PIN);
	struct pin_state pgd;

	e.rec.u.mm.mm = init_mm;
	e.rec.u.mm.pgd = 0xffffffff82c10000ULL;
	apply(*state, &e);
	assert_true(pins__find(*state, PGD_PFN, &pgd));
	assert_int_equal(pgd.mm, init_mm);
}

static void an_unpin_learns_its_level(void **state)
{
	struct event e = alloc(7, XP_L1, XP_F_PINNED);

	apply(*state, &e);
	e = batch((struct xp_op){ .op = XP_OP_PIN, .pfn = 7, .level = XP_L1 });
	apply(*state, &e);
	/* The release comes before the unpin, and the level must outlive it. */
	e = release(7, XP_L1, XP_F_FLAG_KNOWN | XP_F_FLAG);
	apply(*state, &e);
	e = batch((struct xp_op){ .op = XP_OP_UNPIN, .pfn = 7 });
	apply(*state, &e);
	assert_int_equal(e.ops[0].level, XP_L1);
	assert_int_equal(pins__count(*state), 0);
}

static void a_failed_pin_marks_nothing(void **state)
{
	struct event e = batch((struct xp_op){ .op = XP_OP_PIN, .level = XP_L4, .pfn = 9,
					       .result = -22 });

	expected_findings = 1;
	assert_int_equal(apply(*state, &e).n, 0);
	e.ops[0].result = 0;
	assert_int_equal(apply(*state, &e).n, 1);
}

static void a_frame_without_pfn_is_left_alone(void **state)
{
	struct event e = batch((struct xp_op){ .op = XP_OP_PIN, .level = XP_L4,
					       .pfn = XP_NO_PFN });

	assert_int_equal(apply(*state, &e).n, 0);
	assert_int_equal(pins__count(*state), 0);
}

static void exact_kernels_are_not_guessed(void **state)
{
	struct event e = alloc(7, XP_L2, XP_F_PINNED);
	struct pins *exact = pins__new((struct pins_handlers){ NULL, on_finding, NULL });
	struct pin_state state_of_7;

	inferred.n = 0;
	assert_int_equal(pins__apply(exact, &e.rec), 0);
	assert_int_equal(inferred.n, 0);
	assert_true(pins__find(exact, 7, &state_of_7));
	assert_int_equal(state_of_7.flag, PIN_FLAG_SET);
	pins__free(exact);
}

/* Lives and deaths in random order, against a plain array. */
static void many_tables_come_and_go(void **state)
{
	enum { FRAMES = 5000, STEPS = 200000 };
	static bool alive[FRAMES];
	uint32_t count = 0;

	memset(alive, 0, sizeof(alive));
	srandom(4711);
	for (int i = 0; i < STEPS; i++) {
		uint64_t pfn = random() % FRAMES;
		struct event e = alive[pfn] ? release(pfn, XP_L2, XP_F_FLAG_KNOWN) :
					      alloc(pfn, XP_L2, 0);

		e.rec.u.table.mm = alive[pfn] ? 0 : MM + pfn % 17 * 64;
		apply(*state, &e);
		if (alive[pfn])
			assert_int_equal(e.rec.u.table.mm, MM + pfn % 17 * 64);
		alive[pfn] = !alive[pfn];
		count += alive[pfn] ? 1 : -1;
		assert_int_equal(pins__count(*state), count);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_release_learns_its_mm),
		TEST(an_older_table_has_no_mm),
		TEST(a_table_in_a_pinned_tree_is_marked_at_once),
		TEST(pinning_a_tree_marks_all_of_it_once),
		TEST(an_older_tree_had_the_flag),
		TEST(the_kernels_own_tree),
		TEST(an_unpin_learns_its_level),
		TEST(a_failed_pin_marks_nothing),
		TEST(a_frame_without_pfn_is_left_alone),
		TEST(exact_kernels_are_not_guessed),
		TEST(many_tables_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
