// SPDX-License-Identifier: GPL-2.0-only
/* What contradicts what, how sure that is, and what losses make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/pins.h"
#include "record.h"

#define MM	0xffff888004c60900ULL
#define INIT_MM	0xffffffff82b5c940ULL
#define PGD	0xffff888005732000ULL
#define PGD_PFN	0x5732ULL
#define EINVAL_	(-22)
#define KNOWN	XP_F_FLAG_KNOWN
#define SET	(XP_F_FLAG_KNOWN | XP_F_FLAG)

static struct finding found[16];
static int nr_found;

static void on_finding(void *context, const struct finding *finding)
{
	assert_true(nr_found < 16);
	found[nr_found++] = *finding;
}

static void feed(struct pins *p, struct xp_record *rec)
{
	memcpy(rec->comm, "forks", 6);
	rec->pid = 121;
	rec->t = 7ULL << 30;
	pins__complete(p, rec);
	assert_int_equal(pins__apply(p, rec), 0);
}

static void alloc(struct pins *p, uint64_t pfn, int level, int flags)
{
	struct xp_record rec = { .kind = XP_TABLE_ALLOC, .level = level, .flags = flags,
				 .u.table = { .pfn = pfn, .mm = MM } };

	feed(p, &rec);
}

static void release(struct pins *p, uint64_t pfn, int level, int flags)
{
	struct xp_record rec = { .kind = XP_TABLE_RELEASE, .level = level, .flags = flags,
				 .u.table = { .pfn = pfn } };

	feed(p, &rec);
}

static void tree(struct pins *p, int kind, uint64_t mm)
{
	struct xp_record rec = { .kind = kind, .level = XP_L4,
				 .u.mm = { .mm = mm, .pgd = PGD, .pgd_pfn = PGD_PFN } };

	feed(p, &rec);
}

static void flag(struct pins *p, int kind, uint64_t pfn, int level)
{
	struct xp_record rec = { .kind = kind, .level = level,
				 .u.flag = { .pfn = pfn, .mm = MM } };

	feed(p, &rec);
}

static void lose(struct pins *p, int hook)
{
	struct xp_record rec = { .kind = XP_LOST, .u.lost = { .hook = hook, .count = 1 } };

	assert_int_equal(pins__apply(p, &rec), 0);
}

static void batch(struct pins *p, int flags, struct xp_op a, struct xp_op b)
{
	struct { struct xp_record rec; struct xp_op ops[2]; } e = {
		.rec = { .kind = XP_BATCH, .flags = flags,
			 .u.batch = { .entries = 2, .nops = b.op ? 2 : 1 } },
		.ops = { a, b },
	};

	feed(p, &e.rec);
}

static struct xp_op op(int kind, uint64_t pfn, int level, int result)
{
	return (struct xp_op){ .mfn = pfn + 0x70000, .pfn = pfn, .result = result, .op = kind,
			       .level = kind == XP_OP_PIN ? level : 0 };
}

static void one_op(struct pins *p, int kind, uint64_t pfn, int level, int result)
{
	batch(p, XP_F_RESULT, op(kind, pfn, level, result), (struct xp_op){});
}

/* A process: an L3, an L2 and an L1 table, pinned. */
static void a_process(struct pins *p)
{
	alloc(p, 3, XP_L3, KNOWN);
	alloc(p, 2, XP_L2, KNOWN);
	alloc(p, 1, XP_L1, KNOWN);
	tree(p, XP_MM_PIN, MM);
	batch(p, XP_F_RESULT, op(XP_OP_PIN, 1, XP_L1, 0), op(XP_OP_PIN, PGD_PFN, XP_L4, 0));
}

static const struct finding *only(struct pins *p)
{
	pins__confirm(p);
	assert_int_equal(nr_found, 1);
	return &found[0];
}

static void assert_finding(const struct finding *f, const char *class, const char *grade,
			   int witnesses, uint64_t pfn, int level)
{
	assert_string_equal(finding__class(f), class);
	assert_string_equal(finding__grade(f), grade);
	assert_int_equal(f->witnesses, witnesses);
	assert_int_equal(f->pfn, pfn);
	assert_int_equal(f->level, level);
	assert_int_equal(f->pid, 121);
	assert_string_equal(f->comm, "forks");
}

static void assert_none(struct pins *p)
{
	pins__confirm(p);
	assert_int_equal(nr_found, 0);
}

static int setup(void **state)
{
	nr_found = 0;
	*state = pins__new((struct pins_handlers){ .finding = on_finding });
	return !*state;
}

static int teardown(void **state)
{
	pins__free(*state);
	return 0;
}

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
			    "second time, by forks (pid 121), Xen says -22; allocated about 0 s before");
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

static void a_new_table_with_a_flag(void **state)
{
	alloc(*state, 7, XP_L1, SET);
	assert_finding(only(*state), "stale", "shown", WITNESS_FLAG | WITNESS_HISTORY, 7, XP_L1);
}

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

static void a_late_start_knows_nothing(void **state)
{
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

static void a_loss_before_that_explains_it(void **state)
{
	a_process(*state);
	lose(*state, XP_HOOK_PGD_UNPIN);
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

/* The CPU that lost tells it with its next record: that may come late. */
static void a_loss_told_later_that_explains_it(void **state)
{
	a_process(*state);
	release(*state, 2, XP_L2, KNOWN);
	lose(*state, XP_HOOK_PGD_UNPIN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

static void a_loss_that_does_not(void **state)
{
	a_process(*state);
	lose(*state, XP_HOOK_FLUSH);
	release(*state, 2, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "suspected",
		       WITNESS_FLAG | WITNESS_HISTORY, 2, XP_L2);
}

static void two_losses_together_explain(void **state)
{
	a_process(*state);
	lose(*state, XP_HOOK_RELEASE);
	release(*state, 2, XP_L2, KNOWN);
	lose(*state, XP_HOOK_ALLOC);
	assert_none(*state);
}

static void xens_refusal_survives_a_loss(void **state)
{
	a_process(*state);
	one_op(*state, XP_OP_PIN, 1, XP_L1, EINVAL_);
	lose(*state, XP_HOOK_FLUSH);
	assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, 1, XP_L1);
}

/* What was made after a loss is known again. */
static void a_table_made_after_a_loss(void **state)
{
	lose(*state, XP_HOOK_PGD_UNPIN);
	alloc(*state, 7, XP_L2, XP_F_PINNED | KNOWN);
	release(*state, 7, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 7,
		       XP_L2);
}

static void more_losses_than_epochs(void **state)
{
	a_process(*state);
	for (int i = 0; i < 5000; i++)
		lose(*state, XP_HOOK_PGD_UNPIN);
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	alloc(*state, 7, XP_L2, XP_F_PINNED | KNOWN);
	release(*state, 7, XP_L2, KNOWN);
	assert_int_equal(only(*state)->pfn, 7);
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

static struct pin_state seed(uint64_t pfn, int level, int xen)
{
	return (struct pin_state){ .pfn = pfn, .mfn = pfn + 0x70000, .mm = MM, .level = level,
				   .xen = xen, .flag = PIN_FLAG_SET };
}

static void an_audit_lets_old_tables_be_judged(void **state)
{
	struct pin_state l1 = seed(1, XP_L1, PIN_EXPLICIT), l2 = seed(2, XP_L2, PIN_BY_TYPE);

	pins__seed_begin(*state);
	assert_int_equal(pins__seed(*state, &l1), 0);
	assert_int_equal(pins__seed(*state, &l2), 0);
	pins__seed_end(*state);
	release(*state, 2, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 2,
		       XP_L2);
}

/* The audit saw them before, or after: the stream decides. */
static void what_moves_during_an_audit_is_the_streams(void **state)
{
	struct pin_state l1 = seed(1, XP_L1, PIN_EXPLICIT), l2 = seed(2, XP_L2, PIN_BY_TYPE),
			 l3 = seed(3, XP_L3, PIN_BY_TYPE), state_of;

	pins__seed_begin(*state);
	release(*state, 1, XP_L1, SET);
	one_op(*state, XP_OP_UNPIN, 1, XP_L1, 0);
	tree(*state, XP_MM_UNPIN, MM);
	assert_int_equal(pins__seed(*state, &l1), 0);
	assert_int_equal(pins__seed(*state, &l2), 0);
	assert_int_equal(pins__seed(*state, &l3), 0);
	pins__seed_end(*state);
	for (int pfn = 1; pfn <= 3; pfn++)
		assert_false(pins__find(*state, pfn, &state_of));
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
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
static void words(void **state)
{
	struct finding f = { .pfn = ~0ULL, .mfn = ~0ULL, .mm = ~0ULL, .pid = 1 << 22,
			     .since = 0, .t = ~0ULL, .result = EINVAL_, .last = XP_MM_UNPIN,
			     .witnesses = 0x1f };
	char text[400];

	memset(f.comm, 'x', sizeof(f.comm));
	for (f.class = 0; f.class < FINDING_CLASSES; f.class++) {
		for (f.level = 0; f.level <= XP_L4; f.level++) {
			size_t len = finding__text(&f, text, sizeof(text));

			assert_int_equal(len, strlen(text));
			assert_true(len > 40 && len < sizeof(text) - 1);
			assert_true(strlen(finding__effect(&f)) > 20);
			assert_true(finding__text(&f, text, 10) == 9 && strlen(text) == 9);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_life_without_findings),
		TEST(an_l2_released_from_a_pinned_tree),
		TEST(an_l1_that_was_never_unpinned),
		TEST(a_moved_l1_is_pinned_twice),
		TEST(a_moved_l2_without_flag),
		TEST(a_tree_that_says_it_is_not_pinned),
		TEST(a_new_table_with_a_flag),
		TEST(the_write_itself),
		TEST(writes_of_unpin_and_release),
		TEST(erased_by_init),
		TEST(what_xen_refuses),
		TEST(operations_share_a_result),
		TEST(a_late_start_knows_nothing),
		TEST(a_loss_before_that_explains_it),
		TEST(a_loss_told_later_that_explains_it),
		TEST(a_loss_that_does_not),
		TEST(two_losses_together_explain),
		TEST(xens_refusal_survives_a_loss),
		TEST(a_table_made_after_a_loss),
		TEST(more_losses_than_epochs),
		TEST(suspend),
		TEST(an_audit_lets_old_tables_be_judged),
		TEST(what_moves_during_an_audit_is_the_streams),
		TEST(a_stack_comes_along),
		TEST(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
