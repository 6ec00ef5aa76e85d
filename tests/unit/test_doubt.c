// SPDX-License-Identifier: GPL-2.0-only
/* What losses, a late start and an audit make of findings. */
#include "history.h"
#include "model/state.h"

static void a_late_start_knows_nothing(void **state)
{
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

static void a_loss_before_that_explains_it(void **state)
{
	a_process(*state);
	lose(*state, XP_PROBE_PGD_UNPIN);
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

/* The CPU that lost tells it with its next record: that may come late. */
static void a_loss_told_later_that_explains_it(void **state)
{
	a_process(*state);
	release(*state, 2, XP_L2, KNOWN);
	lose(*state, XP_PROBE_PGD_UNPIN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

static void a_loss_that_does_not(void **state)
{
	a_process(*state);
	lose(*state, XP_PROBE_FLUSH);
	release(*state, 2, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "suspected",
		       WITNESS_FLAG | WITNESS_HISTORY, 2, XP_L2);
}

/* What is lost after a gap begins explains nothing of before; what was lost in an open one may. */
static void a_gap_that_begins_later(void **state)
{
	struct xp_record one = { .kind = XP_DROPPED, .cpu = 1,
				 .u.dropped = { .probe = XP_PROBE_PGD_UNPIN, .count = 1 } };
	struct xp_record other = { .kind = XP_DROPPED, .cpu = 300,
				   .u.dropped = { .probe = XP_PROBE_FLUSH, .count = 7 } };

	a_process(*state);
	assert_true(pins__begins_gap(*state, &one));
	assert_int_equal(pins__apply(*state, &other), 0);
	assert_false(pins__begins_gap(*state, &one));
	assert_int_equal(pins__apply(*state, &one), 0);
	assert_int_equal(pins__apply(*state, &one), 0);
	other.u.dropped.count = one.u.dropped.count = 0;
	assert_false(pins__begins_gap(*state, &other));
	assert_int_equal(pins__apply(*state, &other), 0);
	assert_int_equal(pins__apply(*state, &other), 0);
	one.u.dropped.count = 1;
	assert_false(pins__begins_gap(*state, &one));
	one.u.dropped.count = 0;
	assert_int_equal(pins__apply(*state, &one), 0);
	one.u.dropped.count = 1;
	assert_true(pins__begins_gap(*state, &one));
}

/* A probe that is not there is as good as one that drops all, for good, whatever is known anew. */
static void a_probe_that_is_not_there(void **state)
{
	pins__without(*state, XP_PROBE_PGD_UNPIN);
	a_process(*state);
	batch(*state, XP_F_RESULT, op(XP_OP_UNPIN, PGD_PFN, XP_L4, 0), op(XP_OP_UNPIN, 1, XP_L1, 0));
	for (int level = XP_L1; level <= XP_L3; level++)
		release(*state, level, level, KNOWN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 3);
}

/* Nobody drains while an audit looks: what is told before the tables were seen after them. */
static void a_loss_during_an_audit(void **state)
{
	struct pin_state l2 = seed(2, XP_L2, PIN_BY_TYPE);

	pins__seed_begin(*state);
	lose(*state, XP_PROBE_PGD_UNPIN);
	assert_int_equal(pins__seed(*state, &l2), 0);
	pins__seed_end(*state);
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	assert_int_equal(pins__unjudged(*state), 1);
}

static void two_losses_together_explain(void **state)
{
	a_process(*state);
	lose(*state, XP_PROBE_RELEASE);
	release(*state, 2, XP_L2, KNOWN);
	lose(*state, XP_PROBE_ALLOC);
	assert_none(*state);
}

static void xens_refusal_survives_a_loss(void **state)
{
	a_process(*state);
	one_op(*state, XP_OP_PIN, 1, XP_L1, EINVAL_);
	lose(*state, XP_PROBE_FLUSH);
	assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, 1, XP_L1);
}

/* What was made after a loss is known again. */
static void a_table_made_after_a_loss(void **state)
{
	lose(*state, XP_PROBE_PGD_UNPIN);
	alloc(*state, 7, XP_L2, XP_F_PINNED | KNOWN);
	release(*state, 7, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 7,
		       XP_L2);
}

static void more_losses_than_epochs(void **state)
{
	a_process(*state);
	for (int i = 0; i < 5000; i++)
		lose(*state, XP_PROBE_PGD_UNPIN);
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
	alloc(*state, 7, XP_L2, XP_F_PINNED | KNOWN);
	release(*state, 7, XP_L2, KNOWN);
	assert_int_equal(only(*state)->pfn, 7);
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
			 l3 = seed(3, XP_L3, PIN_BY_TYPE), none;

	pins__seed_begin(*state);
	release(*state, 1, XP_L1, SET);
	one_op(*state, XP_OP_UNPIN, 1, XP_L1, 0);
	tree(*state, XP_MM_UNPIN, MM);
	assert_int_equal(pins__seed(*state, &l1), 0);
	assert_int_equal(pins__seed(*state, &l2), 0);
	assert_int_equal(pins__seed(*state, &l3), 0);
	pins__seed_end(*state);
	for (int pfn = 1; pfn <= 3; pfn++)
		assert_false(pins__find(*state, pfn, &none));
	release(*state, 2, XP_L2, KNOWN);
	assert_none(*state);
}

static void one_loss_of_two_does_not_explain(void **state)
{
	a_process(*state);
	lose(*state, XP_PROBE_RELEASE);
	release(*state, 2, XP_L2, KNOWN);
	assert_finding(only(*state), "released-pinned", "suspected",
		       WITNESS_FLAG | WITNESS_HISTORY, 2, XP_L2);
}

static void a_tree_pinned_after_a_loss(void **state)
{
	a_process(*state);
	lose(*state, XP_PROBE_PGD_UNPIN);
	tree(*state, XP_MM_PIN, MM);
	alloc(*state, 7, XP_L1, KNOWN);
	assert_finding(only(*state), "lost", "shown", WITNESS_FLAG | WITNESS_HISTORY, PGD_PFN,
		       XP_L4);
}

/* It may be another mm's by now; that it is pinned is certain. */
static void a_table_pinned_after_a_loss(void **state)
{
	a_process(*state);
	lose(*state, XP_PROBE_FLUSH);
	one_op(*state, XP_OP_PIN, 1, XP_L1, 0);
	assert_int_equal(state_of(*state, 1).mm, 0);
	release(*state, 1, XP_L1, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 1,
		       XP_L1);
}

/* However often one probe loses: that explains nothing of another's. */
static void many_losses_of_one_probe(void **state)
{
	a_process(*state);
	for (int i = 0; i < 5000; i++)
		lose(*state, XP_PROBE_PGD_UNPIN);
	release(*state, 1, XP_L1, KNOWN);
	assert_finding(only(*state), "released-pinned", "suspected", WITNESS_FLAG | WITNESS_HISTORY,
		       1, XP_L1);
}

/* Of which probe the older losses were is forgotten: of any. */
static void all_is_in_doubt_when_epochs_begin_again(void **state)
{
	struct pins *p = *state;

	a_process(p);
	p->epoch = EPOCH_MAX - 1;
	lose(p, XP_PROBE_PGD_UNPIN);
	lose(p, XP_PROBE_PGD_UNPIN);
	assert_int_equal(p->epoch, 2);
	release(p, 1, XP_L1, KNOWN);
	assert_none(p);
}

/* A table's last event, in a guest that has been up for most of a year. */
static void times_of_a_long_uptime(void **state)
{
	const uint64_t day = 86400000000000ULL;

	for (uint64_t days = 100; days <= 10000; days += 300) {
		struct xp_record rec = { .kind = XP_TABLE_ALLOC, .level = XP_L2,
					 .flags = XP_F_PINNED | KNOWN, .t = days * day,
					 .u.table = { .pfn = 7, .mm = MM } };

		assert_int_equal(pins__apply(*state, &rec), 0);
		assert_true(rec.t - state_of(*state, 7).since < 1 << 30);
	}
}

static void a_refused_pin_leaves_doubt(void **state)
{
	alloc(*state, 9, XP_L1, XP_F_PINNED | KNOWN);
	batch(*state, XP_F_RESULT, op(XP_OP_PIN, 9, XP_L1, EINVAL_), op(XP_OP_PIN, 8, XP_L4, 0));
	assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, 9, XP_L1);
	assert_int_equal(state_of(*state, 8).xen, PIN_EXPLICIT);
	release(*state, 9, XP_L1, KNOWN);
	pins__confirm(*state);
	assert_int_equal(nr_found, 1);
	assert_int_equal(pins__unjudged(*state), 1);
}

/* Nobody knows whether it is pinned, so nothing contradicts that it is not. */
static void a_refused_tree_is_not_judged(void **state)
{
	tree(*state, XP_MM_PIN, MM);
	one_op(*state, XP_OP_PIN, PGD_PFN, XP_L4, EINVAL_);
	alloc(*state, 7, XP_L1, KNOWN);
	assert_finding(only(*state), "hypercall-failed", "proven", WITNESS_XEN, PGD_PFN, XP_L4);
}

static void a_damaged_record_is_nobodys(void **state)
{
	alloc(*state, 1ULL << 40, XP_L1, XP_F_PINNED);
	alloc(*state, XP_NO_PFN, XP_L1, XP_F_PINNED);
	assert_int_equal(pins__count(*state), 0);
}

/* Without Xen's types: what one L1 table is, all are. */
static void an_audit_in_a_domu_learns_of_l1_pins(void **state)
{
	struct pin_state old = seed(1, XP_L1, PIN_BY_TYPE), other = seed(5, XP_L1, PIN_EXPLICIT),
			 pgd = seed(PGD_PFN, XP_L4, PIN_EXPLICIT);

	pins__seed_begin(*state);
	assert_int_equal(pins__seed(*state, &old), 0);
	assert_int_equal(pins__seed(*state, &other), 0);
	assert_int_equal(pins__seed(*state, &pgd), 0);
	pins__seed_end(*state);
	tree(*state, XP_MM_UNPIN, MM);
	one_op(*state, XP_OP_UNPIN, PGD_PFN, XP_L4, 0);
	release(*state, 1, XP_L1, KNOWN);
	assert_finding(only(*state), "released-pinned", "shown", WITNESS_FLAG | WITNESS_HISTORY, 1,
		       XP_L1);
}

/* Its loss is told once, by Xen. */
static void an_old_l1_is_pinned_twice(void **state)
{
	struct pin_state old = seed(1, XP_L1, PIN_BY_TYPE);

	pins__seed_begin(*state);
	assert_int_equal(pins__seed(*state, &old), 0);
	pins__seed_end(*state);
	one_op(*state, XP_OP_PIN, 5, XP_L1, 0);
	alloc(*state, 1, XP_L1, XP_F_PINNED | KNOWN);
	one_op(*state, XP_OP_PIN, 1, XP_L1, EINVAL_);
	assert_finding(only(*state), "double-pin", "proven", WITNESS_XEN | WITNESS_HISTORY, 1,
		       XP_L1);
}

/*
 * A user's L4 belongs to no tree that could tell: all that the stream has of its
 * end is its unpin.  Its page then lives on as another table.
 */
static void what_is_unpinned_during_an_audit_is_forgotten(void **state)
{
	struct pin_state user = seed(7, XP_L4, PIN_EXPLICIT), none;

	user.mm = 0;
	pins__seed_begin(*state);
	one_op(*state, XP_OP_UNPIN, 7, XP_L4, 0);
	assert_int_equal(pins__seed(*state, &user), 0);
	pins__seed_end(*state);
	assert_false(pins__find(*state, 7, &none));
}

/* Its page is a user's L4 next, and the mm's next life begins without a pin. */
static void a_pgd_that_ended_during_an_audit_is_nobodys(void **state)
{
	pins__seed_begin(*state);
	tree(*state, XP_MM_PIN, MM);
	one_op(*state, XP_OP_PIN, PGD_PFN, XP_L4, 0);
	tree(*state, XP_MM_UNPIN, MM);
	one_op(*state, XP_OP_UNPIN, PGD_PFN, XP_L4, 0);
	one_op(*state, XP_OP_PIN, PGD_PFN, XP_L4, 0);
	alloc(*state, 7, XP_L3, KNOWN);
	pins__seed_end(*state);
	assert_none(*state);
	assert_int_equal(state_of(*state, PGD_PFN).mm, 0);
}

/* Kept from its life as an L1 table, its pin would be a finding when it goes as an L2. */
static void a_table_of_another_level_is_another_table(void **state)
{
	a_process(*state);
	alloc(*state, 1, XP_L2, XP_F_PINNED | KNOWN);
	tree(*state, XP_MM_UNPIN, MM);
	release(*state, 1, XP_L2, KNOWN);
	assert_none(*state);
}

static void what_is_made_during_an_audit_is_the_streams(void **state)
{
	struct pin_state before = seed(7, XP_L2, PIN_EXPLICIT);

	pins__seed_begin(*state);
	alloc(*state, 7, XP_L1, XP_F_PINNED | KNOWN);
	assert_int_equal(pins__seed(*state, &before), 0);
	pins__seed_end(*state);
	assert_int_equal(pins__count(*state), 1);
	assert_int_equal(state_of(*state, 7).level, XP_L1);
	assert_int_equal(state_of(*state, 7).xen, PIN_BY_TYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_late_start_knows_nothing),
		TEST(a_loss_before_that_explains_it),
		TEST(a_loss_told_later_that_explains_it),
		TEST(a_loss_that_does_not),
		TEST(one_loss_of_two_does_not_explain),
		TEST(a_gap_that_begins_later),
		TEST(a_probe_that_is_not_there),
		TEST(a_loss_during_an_audit),
		TEST(two_losses_together_explain),
		TEST(xens_refusal_survives_a_loss),
		TEST(a_table_made_after_a_loss),
		TEST(a_tree_pinned_after_a_loss),
		TEST(a_table_pinned_after_a_loss),
		TEST(more_losses_than_epochs),
		TEST(many_losses_of_one_probe),
		TEST(all_is_in_doubt_when_epochs_begin_again),
		TEST(times_of_a_long_uptime),
		TEST(a_refused_pin_leaves_doubt),
		TEST(a_refused_tree_is_not_judged),
		TEST(a_damaged_record_is_nobodys),
		TEST(an_audit_lets_old_tables_be_judged),
		TEST(an_audit_in_a_domu_learns_of_l1_pins),
		TEST(an_old_l1_is_pinned_twice),
		TEST(what_moves_during_an_audit_is_the_streams),
		TEST(what_is_made_during_an_audit_is_the_streams),
		TEST(what_is_unpinned_during_an_audit_is_forgotten),
		TEST(a_pgd_that_ended_during_an_audit_is_nobodys),
		TEST(a_table_of_another_level_is_another_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
