// SPDX-License-Identifier: GPL-2.0-only
/* What Xen refused: in words, and what the model makes of it. */
#include "history.h"
#include "record/hypercalls.h"

#define EPERM_	(-1)
#define PTE	0x80000000fee01235ULL

/* Of the CPU that @rec names: pins__complete() and pins__apply() know no other field of it. */
static void refuse_on(struct pins *p, int cpu, struct xp_refused refused)
{
	struct xp_record rec = { .kind = XP_REFUSED, .cpu = cpu, .u.refused = refused };

	feed(p, &rec);
}

static void refuse(struct pins *p, struct xp_refused refused)
{
	refuse_on(p, 0, refused);
}

/* As op() of history.h has it: the first of @count operations. */
static struct xp_refused entry(int command, uint64_t pfn, int result, int count)
{
	return (struct xp_refused){ HYPERCALL_mmuext_op, result, command, count, { pfn + 0x70000, 0 } };
}

static const struct {
	struct xp_refused refused;
	const char *words;
} said[] = {
	{ { HYPERCALL_mmu_update, EPERM_, 0, 3, { 0x1d8f008, PTE } },
	  "mmu_update(normal_pt_update, 0x1d8f008, 0x80000000fee01235), the first of 3: EPERM" },
	{ { HYPERCALL_mmu_update, -16, 3, 1, { 0x1d8f008, 0 } },
	  "mmu_update(pt_update_no_translate, 0x1d8f008, 0x0): EBUSY" },
	{ { HYPERCALL_update_va_mapping, EINVAL_, 0, 1, { 0x7f0000, 0x67 } },
	  "update_va_mapping(0x7f0000, 0x67): EINVAL" },
	/* What lies behind an operation's own arguments means nothing. */
	{ { HYPERCALL_mmuext_op, EINVAL_, MMUEXT_pin_l1_table, 1, { 0x84e9f, 0x1234 } },
	  "mmuext_op(pin_l1_table, 0x84e9f): EINVAL" },
	{ { HYPERCALL_mmuext_op, EINVAL_, MMUEXT_tlb_flush_local, 1, { 1, 2 } },
	  "mmuext_op(tlb_flush_local): EINVAL" },
	{ { HYPERCALL_mmuext_op, EINVAL_, MMUEXT_set_ldt, 2, { 0xffffc90000000000, 8 } },
	  "mmuext_op(set_ldt, 0xffffc90000000000, 0x8), the first of 2: EINVAL" },
	{ { HYPERCALL_fpu_taskswitch, -38, 0, 1, { 1, 2 } }, "fpu_taskswitch(0x1): ENOSYS" },
	{ { HYPERCALL_iret, -38, 0, 1, { 1, 2 } }, "iret(): ENOSYS" },
	/* What is not known is not guessed. */
	{ { HYPERCALL_mmuext_op, EINVAL_, XP_NO_COMMAND, 2, { ~0ULL, ~0ULL } },
	  "mmuext_op(unknown), the first of 2: EINVAL" },
	{ { HYPERCALL_mmuext_op, EINVAL_, 14, 1, { 1, 2 } }, "mmuext_op(command 14): EINVAL" },
	{ { XP_NO_HYPERCALL, EINVAL_, XP_NO_COMMAND, XP_NO_COUNT, { ~0ULL, ~0ULL } },
	  "an operation that Xen has overwritten: EINVAL" },
	{ { 0xaaaa, EINVAL_, 0, 1, { 1, 2 } }, "unknown hypercall 43690: EINVAL" },
	{ { 11, -4711, 0, 1, { 1, 2 } }, "unknown hypercall 11: result -4711" },
};

static void each_refusal_in_words(void **state)
{
	char words[REFUSED_WORDS];

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		assert_string_equal(refused__in_words(&said[i].refused, words), said[i].words);
}

/* Whatever stands in the record: the words have an end, and no room of ours is left. */
static void any_bits_have_words(void **state)
{
	char words[REFUSED_WORDS];
	struct xp_refused r;

	for (int hypercall = 0; hypercall <= 0xffff; hypercall += hypercall < 80 ? 1 : 4789) {
		for (int command = 0; command <= 0xffff; command += command < 40 ? 1 : 4787) {
			r = (struct xp_refused){ hypercall, INT16_MIN, command, 0xffff, { ~0ULL, ~0ULL } };
			refused__in_words(&r, words);
			assert_true(strlen(words) < REFUSED_WORDS - 1);
			assert_true(refused__arguments(&r) <= 2);
		}
	}
}

static void any_operation_is_a_finding(void **state)
{
	char text[400];

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		nr_found = 0;
		refuse(*state, said[i].refused);
		assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, XP_NO_PFN, 0);
		assert_int_equal(found[0].result, said[i].refused.result);
		assert_int_equal(found[0].mfn, i == 3 ? 0x84e9f : XP_NO_PFN);
		finding__text(&found[0], text, sizeof(text));
		assert_memory_equal(text, "Xen refused ", 12);
		assert_memory_equal(text + 12, said[i].words, strlen(said[i].words));
		assert_string_equal(text + 12 + strlen(said[i].words), ", by forks (pid 121)");
	}
}

/* Its batch has told of the pin: there is one finding, by what is known of the table. */
static void a_pin_is_told_once(void **state)
{
	a_process(*state);
	batch(*state, XP_F_RESULT, op(XP_OP_PIN, 9, XP_L1, EINVAL_), op(XP_OP_UNPIN, 8, 0, EPERM_));
	refuse(*state, entry(MMUEXT_pin_l1_table, 9, EINVAL_, 1));
	refuse(*state, entry(MMUEXT_unpin_table, 8, EPERM_, 1));
	pins__confirm(*state);
	assert_int_equal(nr_found, 2);
	assert_int_equal(found[0].pfn, 9);
	assert_int_equal(found[1].pfn, 8);
}

static void a_second_pin_is_told_once(void **state)
{
	a_process(*state);
	one_op(*state, XP_OP_PIN, 1, XP_L1, EINVAL_);
	refuse(*state, entry(MMUEXT_pin_l1_table, 1, EINVAL_, 1));
	assert_finding(only(*state), "double-pin", "proven", WITNESS_XEN | WITNESS_HISTORY, 1, XP_L1);
}

/* The batch may name any of them, the record names the first, whatever that is. */
static void operations_that_share_an_entry_are_told_once(void **state)
{
	one_op(*state, XP_OP_PIN, 9, XP_L1, EINVAL_);
	refuse(*state, entry(MMUEXT_new_baseptr, 5, EINVAL_, 2));
	assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, 9, XP_L1);
}

static void assert_told_anew(struct pins *p, int found_before)
{
	pins__confirm(p);
	assert_int_equal(nr_found, found_before + 1);
	assert_int_equal(found[found_before].pfn, XP_NO_PFN);
	assert_int_equal(found[found_before].mfn, 0x70009);
}

static void what_no_batch_told_is_told(void **state)
{
	struct xp_refused pin = entry(MMUEXT_pin_l1_table, 9, EINVAL_, 1);

	/* The record of its batch was dropped. */
	lose(*state, XP_PROBE_FLUSH);
	refuse(*state, pin);
	assert_told_anew(*state, 0);
	/* Another CPU's, another frame, another error, results that nobody saw. */
	one_op(*state, XP_OP_PIN, 9, XP_L1, EINVAL_);
	refuse_on(*state, 1, pin);
	assert_told_anew(*state, 2);
	one_op(*state, XP_OP_PIN, 8, XP_L1, EINVAL_);
	refuse(*state, pin);
	assert_told_anew(*state, 4);
	one_op(*state, XP_OP_PIN, 9, XP_L1, EPERM_);
	refuse(*state, pin);
	assert_told_anew(*state, 6);
	batch(*state, 0, op(XP_OP_PIN, 9, XP_L1, EINVAL_), (struct xp_op){});
	refuse(*state, pin);
	assert_told_anew(*state, 7);
}

static void a_later_batch_tells_of_itself_alone(void **state)
{
	one_op(*state, XP_OP_PIN, 9, XP_L1, EINVAL_);
	one_op(*state, XP_OP_PIN, 7, XP_L1, 0);
	refuse(*state, entry(MMUEXT_pin_l1_table, 9, EINVAL_, 1));
	assert_told_anew(*state, 1);
}

/* It was not done: the tables that it names stay what they were. */
static void nothing_becomes_of_what_was_refused(void **state)
{
	struct pin_state before, after;

	a_process(*state);
	before = state_of(*state, 1);
	refuse(*state, entry(MMUEXT_unpin_table, 1, EPERM_, 1));
	refuse(*state, entry(MMUEXT_pin_l2_table, 77, EPERM_, 1));
	after = state_of(*state, 1);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_false(pins__find(*state, 77, &after));
	assert_int_equal(pins__count(*state), 4);
	assert_int_equal(pins__unjudged(*state), 0);
}

/* No other record is in doubt when these are missing, or never come. */
static void other_findings_rest_on_other_records(void **state)
{
	pins__without(*state, XP_PROBE_REFUSED);
	a_process(*state);
	lose(*state, XP_PROBE_REFUSED);
	assert_false(state_of(*state, 2).doubt);
	release(*state, 2, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 2, XP_L2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_refusal_in_words),
		TEST(any_bits_have_words),
		TEST(any_operation_is_a_finding),
		TEST(a_pin_is_told_once),
		TEST(a_second_pin_is_told_once),
		TEST(operations_that_share_an_entry_are_told_once),
		TEST(what_no_batch_told_is_told),
		TEST(a_later_batch_tells_of_itself_alone),
		TEST(nothing_becomes_of_what_was_refused),
		TEST(other_findings_rest_on_other_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
