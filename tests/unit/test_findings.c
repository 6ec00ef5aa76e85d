// SPDX-License-Identifier: GPL-2.0-only
/* What contradicts what, how sure that is, and in what words. */
#include "history.h"

static void a_life_without_findings(void **state)
{
	struct pins *p = *state;

	a_process(p);
	alloc(p, 7, XP_L1, XP_F_PINNED | KNOWN);
	one_op(p, XP_OP_PIN, 7, XP_L1, 0);
	alloc(p, 7, XP_L1, XP_F_PINNED | SET);		/* mremap() */
	release(p, 7, XP_L1, SET);
	one_op(p, XP_OP_UNPIN, 7, XP_L1, 0);
	tree(p, XP_MM_UNPIN, MM);
	batch(p, XP_F_RESULT, op(XP_OP_UNPIN, PGD_PFN, XP_L4, 0), op(XP_OP_UNPIN, 1, XP_L1, 0));
	for (int level = XP_L1; level <= XP_L3; level++)
		release(p, level, level, KNOWN);
	assert_none(p);
	assert_int_equal(pins__count(p), 0);
	assert_int_equal(pins__unjudged(p), 0);
}

static void an_l2_released_from_a_pinned_tree(void **state)
{
	const struct finding *f;

	a_process(*state);
	release(*state, 2, XP_L2, KNOWN);
	f = only(*state);
	assert_finding(f, "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 2, XP_L2);
	assert_int_equal(f->mm, MM);
	assert_int_equal(f->last, XP_MM_PIN);
}

/* The kernel skips the unpin of a table without flag: that is all there is to see. */
static void an_l1_that_was_never_unpinned(void **state)
{
	const struct finding *f;

	a_process(*state);
	tree(*state, XP_MM_UNPIN, MM);
	one_op(*state, XP_OP_UNPIN, PGD_PFN, XP_L4, 0);
	release(*state, 1, XP_L1, KNOWN);
	f = only(*state);
	assert_finding(f, "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 1, XP_L1);
	assert_int_equal(f->mfn, 0x70001);
}

static void a_moved_l1_is_pinned_twice(void **state)
{
	const struct finding *f;
	char text[400];

	a_process(*state);
	alloc(*state, 1, XP_L1, XP_F_PINNED | KNOWN);
	one_op(*state, XP_OP_PIN, 1, XP_L1, EINVAL_);
	f = only(*state);
	assert_finding(f, "double-pin", "proven", WITNESS_XEN | WITNESS_HISTORY, 1, XP_L1);
	assert_int_equal(f->result, EINVAL_);
	finding__text(f, text, sizeof(text));
	assert_string_equal(text, "L1 page 0x1 (mfn 0x70001) of mm 0xffff888004c60900 was pinned a "
			    "second time, by forks (pid 121), Xen says -22; allocated less than 2 s before");
}

static void a_moved_l2_without_flag(void **state)
{
	a_process(*state);
	alloc(*state, 2, XP_L2, XP_F_PINNED | KNOWN);
	assert_finding(only(*state), "lost", "shown",
		       WITNESS_FLAG | WITNESS_TREE | WITNESS_HISTORY, 2, XP_L2);
}

static void a_tree_that_says_it_is_not_pinned(void **state)
{
	a_process(*state);
	alloc(*state, 7, XP_L1, KNOWN);
	alloc(*state, 8, XP_L1, KNOWN);		/* the same loss, told once */
	assert_finding(only(*state), "lost", "shown", WITNESS_FLAG | WITNESS_HISTORY, PGD_PFN,
		       XP_L4);
}

/* Its tree lost a flag, not the table has one too many. */
static void a_table_that_moves_in_such_a_tree(void **state)
{
	a_process(*state);
	alloc(*state, 1, XP_L1, SET);
	assert_finding(only(*state), "lost", "shown", WITNESS_FLAG | WITNESS_HISTORY, PGD_PFN,
		       XP_L4);
}

static void a_new_table_with_a_flag(void **state)
{
	alloc(*state, 7, XP_L1, SET);
	assert_finding(only(*state), "stale", "shown", WITNESS_FLAG | WITNESS_HISTORY, 7, XP_L1);
}

static void what_xen_refuses(void **state)
{
	one_op(*state, XP_OP_PIN, 9, XP_L4, EINVAL_);
	assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, 9, XP_L4);
	one_op(*state, XP_OP_UNPIN, 9, 0, EINVAL_);
	pins__confirm(*state);
	assert_int_equal(nr_found, 2);
	assert_int_equal(found[1].op, XP_OP_UNPIN);
}

/* One hypercall, one result: what Xen did not get to is not accused. */
static void operations_share_a_result(void **state)
{
	a_process(*state);
	batch(*state, XP_F_RESULT, op(XP_OP_PIN, 9, XP_L1, EINVAL_),
	      op(XP_OP_PIN, 1, XP_L1, EINVAL_));
	assert_finding(only(*state), "double-pin", "proven", WITNESS_XEN | WITNESS_HISTORY, 1,
		       XP_L1);
}

/* Suspend pins every tree in the name of init_mm, and resume unpins them again. */
static void suspend(void **state)
{
	struct pins *p = *state;

	a_process(p);
	tree(p, XP_MM_UNPIN, MM);
	batch(p, XP_F_RESULT, op(XP_OP_UNPIN, PGD_PFN, XP_L4, 0), op(XP_OP_UNPIN, 1, XP_L1, 0));
	tree(p, XP_MM_PIN, MM);
	batch(p, XP_F_RESULT, op(XP_OP_PIN, 1, XP_L1, 0), op(XP_OP_PIN, PGD_PFN, XP_L4, 0));
	tree(p, XP_MM_UNPIN, INIT_MM);
	batch(p, XP_F_RESULT, op(XP_OP_UNPIN, PGD_PFN, XP_L4, 0), op(XP_OP_UNPIN, 1, XP_L1, 0));
	for (int level = XP_L1; level <= XP_L3; level++)
		release(p, level, level, KNOWN);
	assert_none(p);
}

static void a_stack_comes_along(void **state)
{
	struct { struct xp_record rec; __u64 stack[XP_STACK_MAX]; } e = {
		.rec = { .kind = XP_TABLE_RELEASE, .level = XP_L2, .flags = KNOWN | XP_F_STACK,
			 .u.table.pfn = 2 },
		.stack = { 0xffffffff81000000ULL, 0xffffffff81000010ULL },
	};

	a_process(*state);
	feed(*state, &e.rec);
	assert_int_equal(only(*state)->stack[1], e.stack[1]);
	assert_int_equal(found[0].stack[2], 0);
}

/* Each class and level has words, and a text that fits is not cut. */
/* The direct map's tables come in runs: one of them is released with a clear flag, and was never unpinned. */
static void one_of_a_run(void **state)
{
	struct xp_record run = { .kind = XP_TABLE_RUN, .u.boot = { .pfn = 0x200, .pages = 40 } };

	feed(*state, &run);
	release(*state, 0x210, XP_L1, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 0x210,
		       XP_L1);
}

static void words(void **state)
{
	struct finding f = { .pfn = ~0ULL, .mfn = ~0ULL, .mm = ~0ULL, .pid = 1 << 22,
			     .since = 0, .t = ~0ULL, .result = EINVAL_, .last = XP_MM_UNPIN,
			     .witnesses = 0x1f };
	char text[400];

	memset(f.comm, 'x', sizeof(f.comm));
	for (f.class = 0; f.class < FINDING_CLASSES; f.class++) {
		const struct finding_words *w = &finding_classes[f.class];

		assert_true(w->one && w->many && strstr(w->many, "%zu"));
		assert_true(w->meaning && w->follows && w->remedy);
		for (f.level = 0; f.level <= XP_L4; f.level++) {
			size_t len = finding__text(&f, text, sizeof(text));

			assert_int_equal(len, strlen(text));
			assert_true(len > 40 && len < sizeof(text) - 1);
			assert_true(strlen(finding__effect(&f)) > 20);
			assert_true(finding__text(&f, text, 10) == 9 && strlen(text) == 9);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_life_without_findings),
		TEST(an_l2_released_from_a_pinned_tree),
		TEST(an_l1_that_was_never_unpinned),
		TEST(a_moved_l1_is_pinned_twice),
		TEST(a_moved_l2_without_flag),
		TEST(a_tree_that_says_it_is_not_pinned),
		TEST(a_table_that_moves_in_such_a_tree),
		TEST(a_new_table_with_a_flag),
		TEST(what_xen_refuses),
		TEST(operations_share_a_result),
		TEST(suspend),
		TEST(a_stack_comes_along),
		TEST(one_of_a_run),
		TEST(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
