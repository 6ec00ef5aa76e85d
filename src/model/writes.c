// SPDX-License-Identifier: GPL-2.0-only
/* What a kernel with the series tells: writes of the flag, and struct pages that lost theirs. */
#include <errno.h>

#include "../../include/config.h"
#include "step.h"

/*
 * Unpinning a tree clears flags in the name of its mm.  Tables of the mm have
 * been unpinned by XP_MM_UNPIN then; its user's L4, and what was pinned
 * before it was known, have no mm here: what became of its PGD tells.  Suspend
 * does all that in the name of init_mm.
 */
static bool is_unpinned_tree(const struct step *s, const struct table *e)
{
	uint64_t mm = s->record->u.flag.mm;
	uint32_t pgd;

	if (mm == tables__mm_of(&s->pins->tables, e))
		return false;
	if (mm >= KERNEL_IMAGE)
		return true;
	pgd = step__find_pgd(s->pins, mm);
	return pgd == NIL || at(s->pins, pgd)->flag != PIN_FLAG_SET;
}

/* The kernel itself tells of writes: one that no unpin and no release explains. */
static bool is_unexplained(const struct step *s, const struct table *e)
{
	return e->flag == PIN_FLAG_SET && table__is_pinned(e) && !is_unpinned_tree(s, e);
}

/* Nobody saw the write: that the flag is clear was seen, in a tree that is pinned. */
static int judge_seen(struct step *s, const struct table *e)
{
	if (e && e->level != s->record->level)
		e = NULL;
	return step__judge(s, RULE_SEEN, e, NULL);
}

int writes__clear(struct step *s)
{
	uint32_t i = find(s->pins, s->record->u.flag.pfn);
	struct table *e = i == NIL ? NULL : at(s->pins, i);
	int err = 0;

	if (s->record->flags & XP_F_READONLY)
		err = judge_seen(s, e);
	else if (e && is_unexplained(s, e) && !s->record->u.flag.mm)
		s->pins->unjudged++;	/* a release, or an unpin, in nobody's name */
	else if (e && is_unexplained(s, e))
		err = step__judge(s, RULE_CLEARED, e, NULL);
	if (e)
		e->flag = PIN_FLAG_CLEAR;
	return err;
}

/* The page became a table of another level, or of another mm, and nobody told. */
static bool is_anothers(const struct step *s, const struct table *e)
{
	const struct xp_record *rec = s->record;
	uint64_t mm = rec->u.flag.mm;

	if (rec->level && e->level && rec->level != e->level)
		return true;
	return mm && mm < KERNEL_IMAGE && mm != tables__mm_of(&s->pins->tables, e);
}

int writes__set(struct step *s)
{
	uint32_t i = step__get(s->pins, s->record->u.flag.pfn);
	struct table *e;

	if (i == NIL)
		return -ENOMEM;
	e = at(s->pins, i);
	if (is_anothers(s, e))
		step__begin_another_life(s, i);
	if (s->record->level)
		e->level = s->record->level;
	/* The flag tells what the kernel believes, so what Xen knows (.xen) stays as it was. */
	e->flag = PIN_FLAG_SET;
	table__touch(e, s->record);
	return 0;
}

int writes__erased(struct step *s)
{
	uint32_t i = find(s->pins, s->record->u.flag.pfn);
	int err = step__judge(s, RULE_ERASED, i == NIL ? NULL : at(s->pins, i), NULL);

	if (i != NIL) {
		at(s->pins, i)->flag = PIN_FLAG_CLEAR;
		table__touch(at(s->pins, i), s->record);
	}
	return err;
}
