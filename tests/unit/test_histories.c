// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random histories of a kernel that keeps the rules never give a finding; one
 * illegal step gives exactly one.
 */
#include "kernel.h"

enum { STEPS = 300, HISTORIES = 400 };

static void end_all(void)
{
	end_processes();
	tell_losses();
	pins__confirm(k.pins);
}

static void legal_histories(void **state)
{
	for (int h = 0; h < HISTORIES; h++) {
		begin(h);
		for (int i = 0; i < STEPS; i++)
			legal_step();
		end_all();
		assert_int_equal(nr_found, 0);
		assert_int_equal(pins__unjudged(k.pins), 0);
		assert_int_equal(pins__count(k.pins), 0);
		pins__free(k.pins);
	}
}

static void legal_histories_with_losses(void **state)
{
	uint64_t unjudged = 0;

	for (int h = 0; h < HISTORIES; h++) {
		begin(h);
		for (int i = 0; i < STEPS; i++) {
			if (!dice(15))
				k.drop = 1 + dice(12);
			legal_step();
		}
		end_all();
		assert_int_equal(nr_found, 0);
		unjudged += pins__unjudged(k.pins);
		pins__free(k.pins);
	}
	assert_true(unjudged > HISTORIES);
}

/* The flag of an L1 table is lost: what the kernel does next to it tells. */
static void one_lost_flag(void **state)
{
	int released = 0, twice = 0;

	for (int h = 0; h < HISTORIES; h++) {
		struct frame *f = NULL;
		uint64_t pfn;

		begin(h);
		for (int i = 0; i < STEPS; i++) {
			legal_step();
			if (!f && i > STEPS / 3 && (f = victim(XP_L1, &pfn)))
				f->flag = false;
		}
		end_all();
		assert_non_null(f);
		assert_int_equal(nr_found, 1);
		assert_int_equal(found[0].pfn, pfn);
		assert_int_equal(found[0].level, XP_L1);
		released += found[0].class == FINDING_RELEASED_PINNED;
		twice += found[0].class == FINDING_DOUBLE_PIN;
		pins__free(k.pins);
	}
	assert_int_equal(released + twice, HISTORIES);
	assert_true(released > HISTORIES / 10 && twice > HISTORIES / 10);
}

/* Some legal steps; then @mm is there, and pinned. */
static void live_a_while(struct process *mm)
{
	for (int i = 0; i < STEPS / 3; i++)
		legal_step();
	if (!mm->alive)
		make(mm);
	if (!mm->pinned)
		pin_tree(mm, mm_address(mm));
}

/* The flag of an L2 or L3 table: released from its tree, or moved within it. */
static void one_lost_flag_above(void **state)
{
	for (int h = 0; h < HISTORIES; h++) {
		struct process *mm = &k.mms[0];
		uint64_t pfn;

		begin(h);
		live_a_while(mm);
		if (mm->n == TABLES)
			release_table(mm->tables[--mm->n]);
		pfn = mm->tables[mm->n] = new_frame(h % 2 ? XP_L2 : XP_L3);
		mm->n++;
		alloc_table(mm, pfn);
		k.frames[pfn].flag = false;
		if (h % 3) {
			alloc_table(mm, pfn);
		} else {
			mm->n--;
			release_table(pfn);
		}
		for (int i = 0; i < STEPS / 3; i++)
			legal_step();
		end_all();
		assert_int_equal(nr_found, 1);
		assert_int_equal(found[0].pfn, pfn);
		assert_int_equal(found[0].class, h % 3 ? FINDING_LOST : FINDING_RELEASED_PINNED);
		assert_int_equal(found[0].grade, GRADE_SHOWN);
		pins__free(k.pins);
	}
}

/* A kernel that tells of writes, and of one too many: said at once, of any level. */
static void one_clearing_write(void **state)
{
	bool levels[XP_L4 + 1] = {};

	for (int h = 0; h < HISTORIES; h++) {
		struct process *mm = &k.mms[0];
		uint64_t pfn;

		begin(h);
		k.exact = true;
		live_a_while(mm);
		pfn = dice(3) ? mm->tables[dice(mm->n)] : dice(2) ? mm->pgd : mm->user_pgd;
		write_flag(mm_address(mm), pfn, false);
		pins__confirm(k.pins);
		assert_int_equal(nr_found, 1);
		assert_int_equal(found[0].pfn, pfn);
		assert_int_equal(found[0].class, FINDING_LOST);
		assert_int_equal(found[0].grade, GRADE_SHOWN);
		levels[found[0].level] = true;
		pins__free(k.pins);
	}
	for (int level = XP_L1; level <= XP_L4; level++)
		assert_true(levels[level]);
}

/* Xen refuses one operation that was in order. */
static void one_refusal(void **state)
{
	for (int h = 0; h < HISTORIES; h++) {
		bool unpin = h % 2;
		uint64_t pfn;

		begin(h);
		do
			legal_step();
		while (!victim(XP_L1, &pfn));
		if (!unpin)
			pfn = new_frame(XP_L4);
		hypercall(unpin ? XP_OP_UNPIN : XP_OP_PIN, pfn);
		k.batch.ops[0].result = -12;
		flush();
		pins__confirm(k.pins);
		assert_int_equal(nr_found, 1);
		assert_int_equal(found[0].class, FINDING_HYPERCALL_FAILED);
		assert_int_equal(found[0].pfn, pfn);
		assert_int_equal(found[0].result, -12);
		pins__free(k.pins);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_histories),
		cmocka_unit_test(legal_histories_with_losses),
		cmocka_unit_test(one_lost_flag),
		cmocka_unit_test(one_lost_flag_above),
		cmocka_unit_test(one_clearing_write),
		cmocka_unit_test(one_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
