/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest made of an array of pages, and the maker that reads it: what an audit needs, without
 * Xen and without BPF.  Its pages stand still but for what a test does to them while the judge
 * pauses.
 */
#ifndef XENPIN_TEST_ARRAY_GUEST_H
#define XENPIN_TEST_ARRAY_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "guest/guest.h"

/* By pfn: a plain page, the kernel's tree, a process's, a table that the kernel keeps, a module. */
enum {
	PLAIN = 1, KERNEL_L4, KERNEL_L3, KERNEL_L2, KERNEL_L1,
	USER_L4, USER_L3, USER_L2, USER_L1, USER_L1_TOO,
	KEPT, MODULE, PAGES
};

enum { INIT_MM = 0x1000, USER_MM = 0x2000, USER_PID = 77, MFN = 0x5000 };

struct page {
	uint8_t level;		/* 0: in no tree */
	uint8_t parent;		/* 0: none */
	uint16_t mm;
	uint8_t state;		/* enum xp_seen_state, but for what a look makes of it */
	uint8_t type;		/* enum xen_type */
	bool unlinked;		/* its parent refers to it no more */
};

static struct array_guest {
	struct guest guest;
	struct page pages[PAGES];
	struct xp_look look;
	struct xp_places places;
	struct xp_moves moves;
	struct xp_seen tables[2 * PAGES];
	struct xp_flagged flagged[PAGES];
	struct xp_readonly readonly[PAGES];
	void (*passes)(void);	/* while the judge pauses; or NULL */
	void (*seen)(void);	/* after each whole look; or NULL */
	int looks, pauses, follows, ignores;
	int calm;		/* what a visit to the CPUs says */
	bool missed;
	int halfway;
	int look_fails, again_fails, types_fail;	/* -errno */
} a;

int usleep(useconds_t us)
{
	a.pauses++;
	if (a.passes)
		a.passes();
	return 0;
}

static uint32_t array_index(uint8_t pfn)
{
	for (uint32_t i = 0; pfn && i < a.look.seen; i++)
		if (a.tables[i].pfn == pfn)
			return i;
	return XP_NO_PARENT;
}

static int array__look(struct guest *guest)
{
	struct xp_look *look = &a.look;

	*look = (struct xp_look){ .begin = 1, .walked = 2, .scanned = 3, .end = 4 };
	a.looks++;
	for (int pfn = 1; pfn < PAGES; pfn++) {
		const struct page *p = &a.pages[pfn];

		if (p->level)
			a.tables[look->seen++] = (struct xp_seen){
				pfn, MFN + pfn, p->mm, array_index(p->parent), 0, p->level, p->state,
			};
		if (p->state & XP_S_FLAG)
			a.flagged[look->flagged++] = (struct xp_flagged){ .pfn = pfn };
		else if (p->state & XP_S_READONLY)
			a.readonly[look->readonly++] = (struct xp_readonly){ pfn, MFN + pfn };
	}
	if (a.seen)
		a.seen();
	return a.look_fails;
}

static int array__again(struct guest *guest, const uint32_t *indices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct xp_seen *s = &a.tables[indices[i]];
		const struct page *p = &a.pages[s->pfn];

		s->mfn = MFN + s->pfn;
		s->state = p->state | (p->level && !p->unlinked ? 0 : XP_S_NOT_THERE);
	}
	return a.again_fails;
}

/* All that the kernel maps elsewhere is a module. */
static int array__explain(struct guest *guest, const uint32_t *indices, size_t n)
{
	a.readonly[0] = (struct xp_readonly){ MODULE, MFN + MODULE };
	a.look.readonly = 1;
	return 0;
}

static int array__types(struct guest *guest, const uint64_t *mfns, uint8_t *types, size_t n)
{
	assert_true(guest__has_types(guest));
	for (size_t i = 0; i < n; i++)
		types[i] = a.pages[mfns[i] - MFN].type;
	return a.types_fail;
}

static int array__owners(struct guest *guest, struct xp_owner **owners)
{
	*owners = calloc(1, sizeof(**owners));
	assert_non_null(*owners);
	**owners = (struct xp_owner){ .mm = USER_MM, .pid = USER_PID, .comm = "process" };
	return 1;
}

static int array__follow(struct guest *guest)
{
	a.follows++;
	return 0;
}

static void array__ignore(struct guest *guest)
{
	a.ignores++;
}

static int array__visit_cpus(struct guest *guest)
{
	return a.calm;
}

static bool array__missed(struct guest *guest)
{
	return a.missed;
}

static int array__halfway(struct guest *guest)
{
	return a.halfway;
}

static const struct guest_moves_ops array_moves = {
	.follow = array__follow, .ignore = array__ignore, .visit_cpus = array__visit_cpus,
	.missed = array__missed, .halfway = array__halfway,
};

#define ARRAY_OPS .look = array__look, .again = array__again, .explain = array__explain, \
		  .types = array__types, .owners = array__owners

/* Three makers: one that follows moves, one that cannot, and one whose memory stands still. */
static const struct guest_ops array_follows = { ARRAY_OPS, .moves = &array_moves };
static const struct guest_ops array_follows_not = { ARRAY_OPS };

static const struct guest_rules rules_follows = {
	.tries = 3, .looks = 3, .unfollowed = 1, .pauses_us = { 1, 1, 1, 1, 1, 1 },
};

static const struct guest_rules rules_follows_not = {
	.tries = 3, .looks = 5, .pauses_us = { 1, 1, 1, 1, 1, 1, 1 },
};

static const struct guest_rules rules_still = { .tries = 1 };

static void put(int pfn, uint8_t level, int parent, uint16_t mm)
{
	a.pages[pfn] = (struct page){ level, parent, mm, XP_S_FLAG | XP_S_READONLY,
				      level == XP_L4 ? XEN_T_L4 | XEN_T_PINNED : level };
}

/* A guest in which nothing is wrong, with all witnesses. */
static int array__boot(void **state)
{
	a = (struct array_guest){ .calm = 1 };
	a.places = (struct xp_places){ .max_pfn = PAGES, .init_mm = INIT_MM };
	a.guest = (struct guest){
		.ops = &array_follows, .rules = &rules_follows, .look = &a.look,
		.witnesses = WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP | WITNESS_XEN,
		.tables = a.tables, .room = 2 * PAGES, .flagged = a.flagged, .readonly = a.readonly,
		.places = &a.places, .moves = &a.moves,
	};
	put(KERNEL_L4, XP_L4, 0, INIT_MM);
	put(KERNEL_L3, XP_L3, KERNEL_L4, INIT_MM);
	put(KERNEL_L2, XP_L2, KERNEL_L3, INIT_MM);
	put(KERNEL_L1, XP_L1, KERNEL_L2, INIT_MM);
	put(USER_L4, XP_L4, 0, USER_MM);
	put(USER_L3, XP_L3, USER_L4, USER_MM);
	put(USER_L2, XP_L2, USER_L3, USER_MM);
	put(USER_L1, XP_L1, USER_L2, USER_MM);
	put(USER_L1_TOO, XP_L1, USER_L2, USER_MM);
	/* As the kernel's p2m has it: pinned, in no tree, and never flagged. */
	put(KEPT, XP_L1, 0, 0);
	a.pages[KEPT].state = XP_S_READONLY;
	a.pages[MODULE].state = XP_S_READONLY;
	return 0;
}

static void without_xen(void)
{
	a.guest.witnesses &= ~WITNESS_XEN;
}

static void without_moves(void)
{
	a.guest.ops = &array_follows_not;
	a.guest.rules = &rules_follows_not;
}

static void standing_still(void)
{
	a.guest.ops = &array_follows_not;
	a.guest.rules = &rules_still;
}

static void page_moves(int pfn)
{
	a.moves.of_page[xp_page_slot(pfn)]++;
}

#endif
