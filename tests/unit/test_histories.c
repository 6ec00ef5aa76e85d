// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random histories of a kernel that keeps the rules never give a finding; one
 * illegal step gives exactly one.
 */
#include "kernel.h"

enum { STEPS = 300, HISTORIES = 1024 };

static void end_all(void)
{
	end_processes();
	tell_losses();
	pins__confirm(k.pins);
}

static void legal_histories(void **state)
{
	for (unsigned int h = 0; h < histories(HISTORIES); h++) {
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

	for (unsigned int h = 0; h < histories(HISTORIES); h++) {
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
	assert_true(unjudged > histories(HISTORIES));
}

/* The flag of a table of @level is lost: what the kernel does next to it tells. */
static void one_lost_flag_of(int level, int by_class[FINDING_CLASSES])
{
	struct frame *f = NULL;
	uint64_t pfn;

	for (int i = 0; i < STEPS; i++) {
		legal_step();
		if (!f && i > STEPS / 3 && (f = victim(level, &pfn)))
			f->flag = false;
	}
	end_all();
	assert_non_null(f);
	assert_true(nr_found > 0);
	for (int i = 0; i < nr_found; i++) {
		assert_int_equal(found[i].pfn, pfn);
		assert_int_equal(found[i].level, level);
	}
	by_class[found[0].class]++;
}

/* The page table is moved, or released, or its tree is unpinned: all is told. */
static void one_lost_flag(void **state)
{
	int by_class[XP_L4 + 1][FINDING_CLASSES] = {};
	unsigned int n = histories(HISTORIES);

	for (unsigned int h = 0; h < n; h++) {
		int level = 1 + h / 128 % XP_L4;

		begin(h);
		one_lost_flag_of(level, by_class[level]);
		pins__free(k.pins);
	}
	assert_true(by_class[XP_L1][FINDING_RELEASED_PINNED] > (int)n / 40);
	assert_true(by_class[XP_L1][FINDING_DOUBLE_PIN] > (int)n / 40);
	for (int level = XP_L1; level <= XP_L4; level++)
		assert_true(by_class[level][FINDING_LOST] > 0);
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
	for (unsigned int h = 0; h < histories(HISTORIES); h++) {
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
		assert_int_equal(found[0].grade, h % 3 ? GRADE_SHOWN : GRADE_PROVEN);
		pins__free(k.pins);
	}
}

/* A kernel that tells of writes, and of one too many: said at once, of any level. */
static void one_clearing_write(void **state)
{
	bool levels[XP_L4 + 1] = {};

	for (unsigned int h = 0; h < histories(HISTORIES); h++) {
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
	for (unsigned int h = 0; h < histories(HISTORIES); h++) {
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
