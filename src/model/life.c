// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of page tables: made, moved, released, and pinned or unpinned with
 * their tree.
 */
#include <errno.h>

#include "../../include/config.h"
#include "step.h"

/* The kernel takes @rec's tree for unpinned: do we? */
static int judge_tree(struct step *s)
{
	uint32_t i = step__find_pgd(s->pins, s->record->u.table.mm);
	struct table *pgd;
	int err;

	if (i == NIL)
		return 0;
	pgd = at(s->pins, i);
	if (!table__is_pinned(pgd) || pgd->flag != PIN_FLAG_SET)
		return 0;
	err = step__judge(s, RULE_TREE, pgd, NULL);
	pgd->flag = PIN_FLAG_CLEAR;
	return err;
}

/*
 * A page becomes a table; or a table moves: mremap() of a whole L1 or L2 table
 * comes by here, with the flag set.  A lost flag of an L1 table shows when it is
 * now pinned again, that of another here.
 */
static int judge_alloc(struct step *s, const struct table *e)
{
	const struct xp_record *rec = s->record;
	bool known = rec->flags & XP_F_FLAG_KNOWN, set = rec->flags & XP_F_FLAG;

	if (!(rec->flags & XP_F_PINNED)) {
		int err = judge_tree(s);

		if (err || !known || !set || (e && table__is_pinned(e)))
			return err;
		return step__judge(s, RULE_SET, NULL, NULL);
	}
	if (!e || !known || set || !table__is_pinned(e) || e->flag != PIN_FLAG_SET ||
	    e->xen == PIN_EXPLICIT)
		return 0;
	return step__judge(s, RULE_MOVED, e, NULL);
}

int life__alloc(struct step *s)
{
	const struct xp_record *rec = s->record;
	struct pins *pins = s->pins;
	uint32_t i = find(pins, rec->u.table.pfn);
	struct table *e = i == NIL ? NULL : at(pins, i);
	int err;

	/* Of another level: a life before, whose end nobody told. */
	if (e && e->level && e->level != rec->level) {
		step__drop(pins, i);
		e = NULL;
	}
	/* This L1 table is older than the records; a kernel that pins L1 tables by themselves pinned it so. */
	if (e && e->xen == PIN_BY_TYPE && e->level == XP_L1 && pins->pins_l1)
		e->xen = PIN_EXPLICIT;
	err = judge_alloc(s, e);
	if (err)
		return err;
	i = step__get(pins, rec->u.table.pfn);
	if (i == NIL || tables__link(&pins->tables, i, rec->u.table.mm))
		return -ENOMEM;
	e = at(pins, i);
	step__set_level(pins, i, rec->level);
	if (rec->flags & XP_F_FLAG_KNOWN)
		e->flag = rec->flags & XP_F_FLAG ? PIN_FLAG_SET : PIN_FLAG_CLEAR;
	if (rec->flags & XP_F_PINNED) {
		if (!table__is_pinned(e))
			e->xen = PIN_BY_TYPE;
		step__write_flag(s, e, true);
	} else {
		e->xen = PIN_NOT;
		if (!(rec->flags & XP_F_FLAG_KNOWN))
			e->flag = PIN_FLAG_UNKNOWN;
	}
	/* Pinned already means moved, and that rests on what was before. */
	if (e->xen != PIN_EXPLICIT)
		step__renew(pins, e);
	table__touch(e, rec);
	return 0;
}

/* Of a table that leaves its tree: is it pinned by itself? */
static enum pin_xen xen_alone(const struct step *s, const struct table *e)
{
	return e->level == XP_L1 && s->pins->pins_l1 ? PIN_EXPLICIT : PIN_NOT;
}

static int judge_release(struct step *s, struct table *e)
{
	if (s->record->flags & XP_F_FLAG)
		return 0;
	if (s->record->flags & XP_F_READONLY)
		return step__judge(s, RULE_READONLY, e, NULL);
	if (e->xen == PIN_UNKNOWN)
		s->pins->unjudged++;
	if (e->xen == PIN_EXPLICIT)
		return step__judge(s, RULE_RELEASED_PIN, e, NULL);
	return e->xen == PIN_BY_TYPE ? step__judge(s, RULE_RELEASED, e, NULL) : 0;
}

int life__release(struct step *s)
{
	const struct xp_record *rec = s->record;
	uint32_t i = step__get(s->pins, rec->u.table.pfn);
	struct table *e;
	int err;

	if (i == NIL)
		return -ENOMEM;
	e = at(s->pins, i);
	if (e->level != rec->level)
		step__begin_another_life(s, i);
	e->level = rec->level;
	err = judge_release(s, e);
	if (rec->flags & XP_F_FLAG) {
		e->flag = PIN_FLAG_SET;
		step__write_flag(s, e, false);
		/* It left its tree: what pins it now is a pin of its own, or nothing. */
		if (e->xen == PIN_BY_TYPE)
			e->xen = xen_alone(s, e);
	}
	table__touch(e, rec);
	/* An L1 table's unpin is still to come; it wants the level. */
	if (rec->level == XP_L1 && rec->flags & XP_F_FLAG && s->pins->pins_l1)
		tables__unlink(&s->pins->tables, i);
	else
		step__drop(s->pins, i);
	return err;
}

/*
 * Suspend pins every tree in the name of init_mm: then only the PGD tells which
 * tree it is.
 */
static uint64_t mm_of_tree(struct step *s, uint32_t pgd)
{
	const struct xp_record *rec = s->record;

	if (rec->u.mm.mm < KERNEL_IMAGE || rec->u.mm.pgd >= KERNEL_IMAGE)
		return rec->u.mm.mm;
	return tables__mm_of(&s->pins->tables, at(s->pins, pgd));
}

static void move_table(struct step *s, struct table *e, bool pin)
{
	if (e->gone)
		return;
	step__write_flag(s, e, pin);
	table__touch(e, s->record);
	if (pin && !table__is_pinned(e))
		e->xen = PIN_BY_TYPE;
	/* What is pinned by itself is so until its own unpin. */
	if (!pin && e->xen == PIN_BY_TYPE)
		e->xen = xen_alone(s, e);
}

/* Pinning a tree marks all its tables, unpinning clears them. */
int life__tree(struct step *s, bool pin)
{
	const struct xp_record *rec = s->record;
	struct tables *tables = &s->pins->tables;
	uint32_t i = step__get(s->pins, rec->u.mm.pgd_pfn);
	struct table *pgd;

	if (i == NIL || tables__link(tables, i, mm_of_tree(s, i)))
		return -ENOMEM;
	pgd = at(s->pins, i);
	/* The record that told whose tree it is was dropped, maybe only since it was pinned: any may be unpinned. */
	if (!pin && pgd->mm == NIL && s->pins->epoch)
		pins__dropped(s->pins, XP_PROBE_PGD_UNPIN);
	step__set_level(s->pins, i, XP_L4);
	if (step__dropped(s->pins, pgd))
		pgd->xen = PIN_UNKNOWN;
	step__renew(s->pins, pgd);
	if (!pin)
		pgd->flag = PIN_FLAG_SET;
	if (pgd->mm == NIL) {
		move_table(s, pgd, pin);
		return 0;
	}
	mm_at(tables, pgd->mm)->moved = true;
	for (i = mm_at(tables, pgd->mm)->first; i != NIL; i = at(s->pins, i)->next)
		move_table(s, at(s->pins, i), pin);
	return 0;
}
