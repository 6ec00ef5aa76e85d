// SPDX-License-Identifier: GPL-2.0-only
/* The audit's verdict, rule by rule, of a guest made of an array. */
#include "array_guest.h"
#include "audit/audit.h"

static struct audit audit;

static int boot(void **state)
{
	return array__boot(state);
}

static int end(void **state)
{
	audit__free(&audit);
	return 0;
}

static void take(void)
{
	assert_int_equal(audit__take(&audit, &a.guest), 0);
}

/* Found was this alone, and all else could be judged. */
static void assert_found(int pfn, enum finding_class class, enum finding_grade grade,
			 uint8_t witnesses)
{
	take();
	assert_int_equal(audit.nr_findings, 1);
	assert_int_equal(audit.findings[0].pfn, pfn);
	assert_int_equal(audit.findings[0].mfn, MFN + pfn);
	assert_int_equal(audit.findings[0].class, class);
	assert_int_equal(audit.findings[0].grade, grade);
	assert_int_equal(audit.findings[0].witnesses, WITNESS_FLAG | witnesses);
	assert_true(audit__is_whole(&audit));
}

static void assert_clean(void)
{
	take();
	assert_int_equal(audit.nr_findings, 0);
	assert_true(audit__is_whole(&audit));
}

/* Nothing was found, and @n pages could not be judged. */
static void assert_unknown(uint32_t n)
{
	take();
	assert_int_equal(audit.nr_findings, 0);
	assert_int_equal(audit.unknown, n);
	assert_false(audit__is_whole(&audit));
}

static void lose_flag(int pfn)
{
	a.pages[pfn].state &= ~XP_S_FLAG;
}

static void without_map(int pfn)
{
	a.pages[pfn].state &= ~XP_S_READONLY;
	a.pages[pfn].state |= XP_S_NO_MAP;
}

static void a_clean_guest(void **state)
{
	assert_clean();
	assert_int_equal(audit.tables[XP_L4], 2);
	assert_int_equal(audit.tables[XP_L3], 2);
	assert_int_equal(audit.tables[XP_L2], 2);
	assert_int_equal(audit.tables[XP_L1], 4);
	assert_int_equal(audit.flagged, 9);
	assert_int_equal(audit.witnesses,
			 WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(a.looks, 1);
	assert_int_equal(a.pauses, 0);
	assert_int_equal(a.follows, 0);
}

static void a_clean_guest_without_xen(void **state)
{
	without_xen();
	assert_clean();
	assert_int_equal(audit.witnesses, WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP);
}

/* Its tree is not pinned yet. */
static void a_process_that_begins(void **state)
{
	for (int pfn = USER_L3; pfn <= USER_L1_TOO; pfn++)
		a.pages[pfn].level = a.pages[pfn].state = a.pages[pfn].type = 0;
	a.pages[USER_L4].state = a.pages[USER_L4].type = 0;
	assert_clean();
	assert_int_equal(audit.nr_tables, KERNEL_L1 - KERNEL_L4 + 2);
	assert_int_equal(a.pauses, 0);
}

static void lost_by_all_witnesses(void **state)
{
	lose_flag(USER_L1);
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(audit.findings[0].level, XP_L1);
	assert_int_equal(audit.findings[0].mm, USER_MM);
	assert_int_equal(audit.findings[0].pid, USER_PID);
	assert_string_equal(audit.findings[0].comm, "process");
	assert_int_equal(audit.tables[XP_L1], 4);
	assert_int_equal(audit.flagged, 8);
}

static void lost_by_xens_type(void **state)
{
	lose_flag(KERNEL_L2);
	without_map(KERNEL_L2);
	assert_found(KERNEL_L2, FINDING_LOST, GRADE_PROVEN, WITNESS_TREE | WITNESS_XEN);
	assert_string_equal(audit.findings[0].comm, "kernel");
}

static void lost_without_xen(void **state)
{
	without_xen();
	lose_flag(USER_L3);
	assert_found(USER_L3, FINDING_LOST, GRADE_PROVEN, WITNESS_TREE | WITNESS_DIRECT_MAP);
}

static void lost_by_the_tree_alone(void **state)
{
	without_xen();
	lose_flag(USER_L2);
	without_map(USER_L2);
	assert_found(USER_L2, FINDING_LOST, GRADE_SUSPECTED, WITNESS_TREE);
}

/* Nobody read its flag: that decides nothing. */
static void a_struct_page_that_cannot_be_read(void **state)
{
	lose_flag(USER_L1);
	a.pages[USER_L1].state |= XP_S_NO_FLAG;
	assert_unknown(1);
}

static void stale(void **state)
{
	a.pages[PLAIN].state = XP_S_FLAG;
	assert_found(PLAIN, FINDING_STALE, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(audit.findings[0].mm, 0);
	assert_int_equal(audit.flagged, 9);
}

static void stale_and_read_only(void **state)
{
	a.pages[PLAIN].state = XP_S_FLAG | XP_S_READONLY;
	assert_found(PLAIN, FINDING_STALE, GRADE_PROVEN, WITNESS_TREE | WITNESS_XEN);
}

static void stale_without_xen(void **state)
{
	without_xen();
	a.pages[PLAIN].state = XP_S_FLAG;
	assert_found(PLAIN, FINDING_STALE, GRADE_PROVEN, WITNESS_TREE | WITNESS_DIRECT_MAP);
}

static void stranded(void **state)
{
	a.pages[PLAIN].state = XP_S_READONLY;
	a.pages[PLAIN].type = XEN_T_L2 | XEN_T_PINNED;
	assert_found(PLAIN, FINDING_STRANDED, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(audit.findings[0].level, XP_L2);
}

/* The module is as read-only, and the kernel maps it elsewhere, too. */
static void stranded_without_xen(void **state)
{
	without_xen();
	a.pages[PLAIN].state = XP_S_READONLY;
	assert_found(PLAIN, FINDING_STRANDED, GRADE_SUSPECTED, WITNESS_TREE | WITNESS_DIRECT_MAP);
}

static void several_by_pfn(void **state)
{
	lose_flag(USER_L1);
	lose_flag(KERNEL_L1);
	a.pages[PLAIN].state = XP_S_FLAG;
	take();
	assert_int_equal(audit.nr_findings, 3);
	assert_int_equal(audit.findings[0].pfn, PLAIN);
	assert_int_equal(audit.findings[1].pfn, KERNEL_L1);
	assert_int_equal(audit.findings[2].pfn, USER_L1);
}

static void set_flag(void)
{
	a.pages[USER_L1].state |= XP_S_FLAG;
}

static void what_settles_is_no_finding(void **state)
{
	lose_flag(USER_L1);
	a.passes = set_flag;
	assert_clean();
	assert_int_equal(a.pauses, 1);
	assert_int_equal(a.follows, 0);
}

static void flush(void)
{
	a.pages[USER_L1].state |= XP_S_READONLY;
	a.pages[USER_L1].type = XEN_T_L1;
}

/* The flag comes first; the direct map and Xen follow with the flush. */
static void a_table_that_is_being_pinned(void **state)
{
	a.pages[USER_L1].state = XP_S_FLAG;
	a.pages[USER_L1].type = XEN_T_NONE;
	a.passes = flush;
	assert_clean();
	assert_int_equal(a.pauses, 1);
	assert_int_equal(audit.flagged, 9);
}

/* As many looks in a row as the maker wants, from where moves are followed. */
static void what_stands_is_seen_often_enough(void **state)
{
	lose_flag(USER_L1);
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(a.pauses, rules_follows.unfollowed + rules_follows.looks);
	assert_int_equal(a.follows, 1);
	assert_int_equal(a.ignores, 1);
}

static void user_l1_moves(void)
{
	page_moves(USER_L1);
}

static void a_page_that_moves_between_looks(void **state)
{
	lose_flag(USER_L1);
	a.passes = user_l1_moves;
	assert_unknown(1);
	assert_int_equal(a.pauses, 6);
}

static void moves_once(void)
{
	if (a.pauses == 3)
		page_moves(USER_L1);
}

/* The pauses beyond are for such pages. */
static void a_page_that_moves_and_rests(void **state)
{
	lose_flag(USER_L1);
	a.passes = moves_once;
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(a.pauses, 6);
}

static void moves_late(void)
{
	if (a.pauses == 4)
		page_moves(USER_L1);
}

/* Two looks that agree are left. */
static void a_page_that_moves_too_late(void **state)
{
	lose_flag(USER_L1);
	a.passes = moves_late;
	assert_unknown(1);
}

static void moves_that_went_uncounted(void **state)
{
	lose_flag(USER_L1);
	a.missed = true;
	assert_unknown(1);
}

static void hypercalls_that_wait(void **state)
{
	lose_flag(USER_L1);
	a.calm = 0;
	assert_unknown(1);
}

/* It may have set the flag of a page that no tree refers to yet. */
static void a_task_that_is_half_way(void **state)
{
	a.halfway = 1;
	a.pages[PLAIN].state = XP_S_FLAG;
	assert_unknown(1);
}

static void unlink_table(void)
{
	a.pages[USER_L1].unlinked = true;
	a.pages[USER_L1].state = 0;
	a.pages[USER_L1].type = XEN_T_NONE;
}

static void a_table_that_leaves_its_tree(void **state)
{
	lose_flag(USER_L1);
	a.passes = unlink_table;
	assert_clean();
	assert_int_equal(audit.tables[XP_L1], 3);
}

static void unlink_alone(void)
{
	a.pages[USER_L1].unlinked = true;
}

/* It is judged as a page without a tree. */
static void a_table_that_stays_pinned_without_a_tree(void **state)
{
	lose_flag(USER_L1);
	a.passes = unlink_alone;
	assert_found(USER_L1, FINDING_STRANDED, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(audit.findings[0].mm, 0);
}

static void tear(void)
{
	a.look.torn = a.looks < 3;
}

static void an_incomplete_walk_is_repeated(void **state)
{
	a.seen = tear;
	assert_clean();
	assert_int_equal(a.looks, 3);
}

static void leave_unread(void)
{
	a.look.unread = 1;
}

static void an_incomplete_walk(void **state)
{
	a.seen = leave_unread;
	assert_unknown(0);
	assert_int_equal(a.looks, 3);
	assert_false(audit.complete);
}

/* A finding does not need the rest. */
static void lost_in_an_incomplete_walk(void **state)
{
	a.seen = leave_unread;
	lose_flag(USER_L1);
	take();
	assert_int_equal(audit.nr_findings, 1);
	assert_int_equal(audit.findings[0].pfn, USER_L1);
	assert_false(audit__is_whole(&audit));
}

static void no_room_for_what_no_tree_reaches(void **state)
{
	a.guest.room = 10;
	a.pages[PLAIN].state = XP_S_FLAG;
	assert_unknown(0);
	assert_false(audit.complete);
}

static void a_maker_that_cannot_follow(void **state)
{
	without_moves();
	lose_flag(USER_L1);
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(a.pauses, 5);
	assert_int_equal(a.follows + a.ignores, 0);
}

static void flicker(void)
{
	a.pages[PLAIN].state = a.pauses % 3 ? XP_S_FLAG : XP_S_READONLY;
	a.pages[PLAIN].type = a.pauses % 3 ? XEN_T_NONE : XEN_T_L1;
}

/* It contradicts itself at each look, and in another way. */
static void what_changes_for_who_cannot_follow(void **state)
{
	without_moves();
	a.pages[PLAIN].state = XP_S_FLAG;
	a.passes = flicker;
	assert_unknown(1);
	assert_int_equal(a.pauses, 7);
}

static void flicker_first(void)
{
	if (a.pauses <= 4)
		flicker();
}

/* Three looks that agree are enough for who can follow. */
static void what_changes_too_late_for_who_cannot_follow(void **state)
{
	without_moves();
	a.pages[PLAIN].state = XP_S_FLAG;
	a.passes = flicker_first;
	assert_unknown(1);
}

static void what_settles_for_who_cannot_follow(void **state)
{
	without_moves();
	lose_flag(USER_L1);
	a.passes = set_flag;
	assert_clean();
	assert_int_equal(a.pauses, 1);
}

static void memory_that_stands_still(void **state)
{
	standing_still();
	lose_flag(USER_L1);
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN,
		     WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN);
	assert_int_equal(a.looks, 1);
	assert_int_equal(a.pauses, 0);
}

/* A pin may have been half way when it stopped. */
static void stale_in_memory_that_stands_still(void **state)
{
	standing_still();
	a.pages[PLAIN].state = XP_S_FLAG | XP_S_READONLY;
	assert_found(PLAIN, FINDING_STALE, GRADE_SUSPECTED, WITNESS_TREE | WITNESS_XEN);
}

/* It would be the same a second time. */
static void an_incomplete_walk_of_what_stands_still(void **state)
{
	standing_still();
	a.seen = leave_unread;
	assert_unknown(0);
	assert_int_equal(a.looks, 1);
}

/* Then Xen is no witness of this audit, and each rule is that without Xen. */
static void xen_that_refuses(void **state)
{
	a.types_fail = -EPERM;
	lose_flag(USER_L1);
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN, WITNESS_TREE | WITNESS_DIRECT_MAP);
	assert_int_equal(audit.witnesses, WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP);
	assert_null(audit.types);
}

static void begin_to_refuse(void)
{
	a.types_fail = -EPERM;
}

static void xen_that_begins_to_refuse(void **state)
{
	lose_flag(USER_L1);
	a.passes = begin_to_refuse;
	assert_found(USER_L1, FINDING_LOST, GRADE_PROVEN, WITNESS_TREE | WITNESS_DIRECT_MAP);
	assert_int_equal(audit.witnesses, WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP);
}

static void a_look_that_fails(void **state)
{
	a.look_fails = -EIO;
	a.seen = leave_unread;
	assert_int_equal(audit__take(&audit, &a.guest), -EIO);
	assert_int_equal(a.looks, 1);
}

/* And nobody follows the guest any more. */
static void a_second_look_that_fails(void **state)
{
	a.again_fails = -EIO;
	lose_flag(USER_L1);
	assert_int_equal(audit__take(&audit, &a.guest), -EIO);
	assert_int_equal(a.ignores, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, boot, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_clean_guest),
		TEST(a_clean_guest_without_xen),
		TEST(a_process_that_begins),
		TEST(lost_by_all_witnesses),
		TEST(lost_by_xens_type),
		TEST(lost_without_xen),
		TEST(lost_by_the_tree_alone),
		TEST(a_struct_page_that_cannot_be_read),
		TEST(stale),
		TEST(stale_and_read_only),
		TEST(stale_without_xen),
		TEST(stranded),
		TEST(stranded_without_xen),
		TEST(several_by_pfn),
		TEST(what_settles_is_no_finding),
		TEST(a_table_that_is_being_pinned),
		TEST(what_stands_is_seen_often_enough),
		TEST(a_page_that_moves_between_looks),
		TEST(a_page_that_moves_and_rests),
		TEST(a_page_that_moves_too_late),
		TEST(moves_that_went_uncounted),
		TEST(hypercalls_that_wait),
		TEST(a_task_that_is_half_way),
		TEST(a_table_that_leaves_its_tree),
		TEST(a_table_that_stays_pinned_without_a_tree),
		TEST(an_incomplete_walk_is_repeated),
		TEST(an_incomplete_walk),
		TEST(lost_in_an_incomplete_walk),
		TEST(no_room_for_what_no_tree_reaches),
		TEST(a_maker_that_cannot_follow),
		TEST(what_changes_for_who_cannot_follow),
		TEST(what_changes_too_late_for_who_cannot_follow),
		TEST(what_settles_for_who_cannot_follow),
		TEST(memory_that_stands_still),
		TEST(stale_in_memory_that_stands_still),
		TEST(an_incomplete_walk_of_what_stands_still),
		TEST(xen_that_refuses),
		TEST(xen_that_begins_to_refuse),
		TEST(a_look_that_fails),
		TEST(a_second_look_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
