// SPDX-License-Identifier: GPL-2.0-only
/* The rules, and the findings that wait. */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "held.h"

#define BIT(probe) (1U << XP_PROBE_##probe)
#define W(witness) WITNESS_##witness

static const struct {
	uint8_t class, grade, witnesses;
	uint16_t any, ends;	/* probes, as bits */
	int8_t instead;		/* enum rule, or -1 */
} rules[RULES] = {
#define RULE(name, class, grade, witnesses, any, ends, instead) \
	[RULE_##name] = { FINDING_##class, GRADE_##grade, witnesses, any, ends, instead },
#include "rules.def"
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
