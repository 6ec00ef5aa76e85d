// SPDX-License-Identifier: GPL-2.0-only
/* The rules, and the findings that wait. */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "held.h"

#define BIT(probe) (1U << XP_PROBE_##probe)

static const struct {
	uint8_t class, grade, witnesses;
	uint16_t any;	/* a dropped record of one of these probes explains it */
	uint16_t ends;	/* and so does one of these with one of ALLOC: another table's life */
	int8_t instead;	/* the rule that remains then; -1: none */
} rules[RULES] = {
	/* The page's own entry says it: no history could explain it. */
	[RULE_READONLY] = { FINDING_RELEASED_PINNED, GRADE_PROVEN,
			    WITNESS_FLAG | WITNESS_DIRECT_MAP, 0, 0, -1 },
	[RULE_SEEN] = { FINDING_LOST, GRADE_PROVEN,
			WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP, 0, 0, -1 },
	/* The tree was unpinned, or the page became another table. */
	[RULE_RELEASED] = { FINDING_RELEASED_PINNED, GRADE_SHOWN, WITNESS_FLAG | WITNESS_HISTORY,
			    BIT(PGD_UNPIN), BIT(RELEASE) | BIT(FLUSH) | BIT(UNBATCHED), -1 },
	[RULE_RELEASED_PIN] = { FINDING_RELEASED_PINNED, GRADE_SHOWN,
				WITNESS_FLAG | WITNESS_HISTORY, BIT(FLUSH) | BIT(UNBATCHED),
				BIT(RELEASE), -1 },
	/* It was released in between: this is another table. */
	[RULE_MOVED] = { FINDING_LOST, GRADE_SHOWN, WITNESS_FLAG | WITNESS_TREE | WITNESS_HISTORY,
			 BIT(RELEASE), 0, -1 },
	[RULE_TREE] = { FINDING_LOST, GRADE_SHOWN, WITNESS_FLAG | WITNESS_HISTORY,
			BIT(PGD_UNPIN), 0, -1 },
	[RULE_CLEARED] = { FINDING_LOST, GRADE_SHOWN, WITNESS_FLAG | WITNESS_HISTORY,
			   BIT(PGD_UNPIN) | BIT(RELEASE), 0, -1 },
	[RULE_SET] = { FINDING_STALE, GRADE_SHOWN, WITNESS_FLAG | WITNESS_HISTORY, 0, 0, -1 },
	[RULE_ERASED] = { FINDING_ERASED_BY_INIT, GRADE_SHOWN, WITNESS_FLAG | WITNESS_HISTORY, 0,
			  0, -1 },
	/* It was unpinned in between; that Xen refused is a fact all the same. */
	[RULE_TWICE] = { FINDING_DOUBLE_PIN, GRADE_PROVEN, WITNESS_XEN | WITNESS_HISTORY,
			 BIT(FLUSH) | BIT(UNBATCHED), 0, RULE_REFUSED },
	/* Or the page was released, and this is another table. */
	[RULE_TWICE_UNSEEN] = { FINDING_DOUBLE_PIN, GRADE_SHOWN, WITNESS_HISTORY,
				BIT(FLUSH) | BIT(UNBATCHED) | BIT(RELEASE), 0, -1 },
	[RULE_REFUSED] = { FINDING_HYPERCALL_FAILED, GRADE_PROVEN, WITNESS_XEN, 0, 0, -1 },
};

static bool explained(const struct held_one *one)
{
	return one->dropped & rules[one->rule].any ||
	       (one->dropped & rules[one->rule].ends && one->dropped & BIT(ALLOC));
}

/* Class and grade by what was dropped; false: nothing remains. */
static bool grade(struct held_one *one)
{
	struct finding *f = &one->finding;

	while (explained(one)) {
		if (rules[one->rule].instead < 0)
			return false;
		one->rule = rules[one->rule].instead;
	}
	f->class = rules[one->rule].class;
	f->grade = rules[one->rule].grade;
	f->witnesses = rules[one->rule].witnesses;
	/* What Xen itself said needs no history. */
	if (one->dropped && f->grade == GRADE_SHOWN)
		f->grade = GRADE_SUSPECTED;
	return true;
}

int held__add(struct held *held, enum rule rule, const struct finding *finding, uint16_t dropped)
{
	struct held_one one = { *finding, dropped, rule };

	if (!grade(&one)) {
		held->silenced++;
		return 0;
	}
	if (GROW(held->all, held->count, held->size, 16))
		return -ENOMEM;
	held->all[held->count++] = one;
	return 0;
}

void held__lose(struct held *held, int probe)
{
	size_t kept = 0;

	for (size_t i = 0; i < held->count; i++) {
		held->all[i].dropped |= 1U << probe;
		if (grade(&held->all[i]))
			held->all[kept++] = held->all[i];
	}
	held->silenced += held->count - kept;
	held->count = kept;
}

void held__confirm(struct held *held, void (*fn)(void *context, const struct finding *finding),
		   void *context)
{
	for (size_t i = 0; fn && i < held->count; i++)
		fn(context, &held->all[i].finding);
	held->count = 0;
}

void held__free(struct held *held)
{
	free(held->all);
}
