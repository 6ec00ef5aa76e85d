// SPDX-License-Identifier: GPL-2.0-only
/* A kernel that tells of each write of the flag. */
#include "history.h"

static void the_write_itself(void **state)
{
	a_process(*state);
	flag(*state, XP_FLAG_CLEAR, 2, XP_L2);
	assert_finding(only(*state), "lost", "shown", WITNESS_FLAG | WITNESS_HISTORY, 2, XP_L2);
}

static void writes_of_unpin_and_release(void **state)
{
	struct pins *p = *state;

	a_process(p);
	release(p, 2, XP_L2, SET);
	flag(p, XP_FLAG_CLEAR, 2, XP_L2);
	tree(p, XP_MM_UNPIN, MM);
	flag(p, XP_FLAG_CLEAR, 1, XP_L1);
	flag(p, XP_FLAG_CLEAR, PGD_PFN, XP_L4);
	assert_none(p);
}

static void erased_by_init(void **state)
{
	a_process(*state);
	flag(*state, XP_ERASED, 3, XP_L3);
	assert_finding(only(*state), "erased-by-init", "shown", WITNESS_FLAG | WITNESS_HISTORY, 3,
		       XP_L3);
}

static void a_write_is_told_once(void **state)
{
	a_process(*state);
	flag(*state, XP_FLAG_CLEAR, 2, XP_L2);
	flag(*state, XP_FLAG_CLEAR, 2, XP_L2);
	assert_int_equal(only(*state)->pfn, 2);
	assert_int_equal(state_of(*state, 2).flag, PIN_FLAG_CLEAR);
}

/* Its PGD was pinned before the trace: that it is not known explains nothing. */
static void a_write_in_an_older_tree(void **state)
{
	alloc(*state, 7, XP_L2, XP_F_PINNED | KNOWN);
	flag(*state, XP_FLAG_CLEAR, 7, XP_L2);
	assert_finding(only(*state), "lost", "shown", WITNESS_FLAG | WITNESS_HISTORY, 7, XP_L2);
}

/* In the name of init_mm, whose own tree stays; a user's L4 is in no tree here. */
static void writes_of_suspend(void **state)
{
	struct pin_state init = seed(0x2b5c, XP_L4, PIN_EXPLICIT);
	const uint64_t user_pgd = PGD_PFN + 1;

	init.mm = INIT_MM;
	pins__seed_begin(*state);
	assert_int_equal(pins__seed(*state, &init), 0);
	pins__seed_end(*state);
	tree(*state, XP_MM_PIN, INIT_MM);
	flag_in(*state, XP_FLAG_SET, user_pgd, XP_L4, INIT_MM);
	one_op(*state, XP_OP_PIN, user_pgd, XP_L4, 0);
	tree(*state, XP_MM_UNPIN, INIT_MM);
	flag_in(*state, XP_FLAG_CLEAR, user_pgd, XP_L4, INIT_MM);
	one_op(*state, XP_OP_UNPIN, user_pgd, XP_L4, 0);
	assert_none(*state);
}

static void a_write_tells_the_level(void **state)
{
	flag(*state, XP_FLAG_SET, 7, XP_L3);
	assert_int_equal(state_of(*state, 7).level, XP_L3);
	assert_int_equal(state_of(*state, 7).flag, PIN_FLAG_SET);
	assert_int_equal(state_of(*state, 7).xen, PIN_UNKNOWN);
}

static void an_erased_flag_is_clear(void **state)
{
	flag(*state, XP_FLAG_SET, 7, XP_L3);
	flag(*state, XP_ERASED, 7, XP_L3);
	assert_int_equal(state_of(*state, 7).flag, PIN_FLAG_CLEAR);
	flag(*state, XP_REPAIRED, 7, XP_L3);
	assert_int_equal(state_of(*state, 7).flag, PIN_FLAG_SET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_write_itself),
		TEST(a_write_is_told_once),
		TEST(a_write_in_an_older_tree),
		TEST(writes_of_unpin_and_release),
		TEST(writes_of_suspend),
		TEST(a_write_tells_the_level),
		TEST(erased_by_init),
		TEST(an_erased_flag_is_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
