// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reducer: a record goes in, the state of its tables changes, and where
 * the record contradicts the state a rule (held.h) judges.
 *
 * What Xen knows is followed apart from the flag: a flag that was lost lets the
 * kernel skip the unpin, and what tells is that the unpin never came.
 */
#include <errno.h>
#include <string.h>

#include "../record.h"
#include "state.h"

/* init_mm and its pgd are in the kernel's image, all others on the heap. */
#define KERNEL_IMAGE	0xffffffff80000000ULL

/* One record on its way in. */
struct step {
	struct pins *pins;
	const struct xp_record *record;
};

/* The entry of @pfn, made if need be; NIL when there is no memory. */
static uint32_t get(struct pins *pins, uint64_t pfn)
{
	uint32_t i = tables__find(&pins->tables, pfn);

	if (i == NIL)
		return tables__add(&pins->tables, pfn);
	if (at(pins, i)->gone) {
		struct table *e = at(pins, i);

		*e = (struct table){ .pfn = pfn, .mfn = NO_MFN, .mm = e->mm, .next = e->next,
				     .prev = e->prev, .hash_next = e->hash_next };
	}
	return i;
}

/* While the state is being seeded, that a table was here must not be forgotten. */
static void drop(struct pins *pins, uint32_t i)
{
	if (pins->seeding)
		at(pins, i)->gone = true;
	else
		tables__drop(&pins->tables, i);
}

/* What is known of the table is known again, whatever was lost before. */
static void renew(struct pins *pins, struct table *e)
{
	e->epoch = pins->epoch;
}

static void touch(struct table *e, const struct xp_record *rec)
{
	e->last = rec->kind;
	e->since = rec->t >> SINCE_SHIFT;
}

/* Hooks, as bits, whose records were lost since the table was known for sure. */
static uint16_t lost_since(const struct pins *pins, const struct table *e)
{
	uint16_t lost = 0;

	for (int h = 0; h < XP_HOOK_MAX; h++)
		if (pins->lost_at[h] > e->epoch)
			lost |= 1U << h;
	return lost;
}

static void copy_stack(struct finding *f, const struct xp_record *rec)
{
	const __u64 *stack = record__stack(rec);

	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++)
		f->stack[i] = stack[i];
}

/* Judge table @e, if it is known, or else what @op or the record names. */
static int judge(struct step *s, enum rule rule, const struct table *e, const struct xp_op *op)
{
	const struct xp_record *rec = s->record;
	struct finding f = { .t = rec->t, .pid = rec->pid, .level = rec->level, .mfn = XP_NO_PFN };
	uint16_t lost = 0;

	memcpy(f.comm, rec->comm, sizeof(f.comm));
	copy_stack(&f, rec);
	if (e) {
		f.pfn = e->pfn;
		f.level = e->level;
		f.mm = tables__mm_of(&s->pins->tables, e);
		f.mfn = e->mfn == NO_MFN ? XP_NO_PFN : e->mfn;
		f.last = e->last;
		f.since = (uint64_t)e->since << SINCE_SHIFT;
		lost = lost_since(s->pins, e);
	} else if (op) {
		f.pfn = op->pfn;
		f.level = op->level;
	} else {
		f.pfn = rec->u.table.pfn;
		f.mm = rec->u.table.mm;
	}
	if (op) {
		f.mfn = op->mfn;
		f.op = op->op;
		f.result = op->result;
	}
	return held__add(&s->pins->held, rule, &f, lost);
}

/* The flag of @e is written; say so if the kernel does not. */
static void write_flag(struct step *s, struct table *e, bool set)
{
	const struct xp_record *rec = s->record;
	bool was = e->flag == PIN_FLAG_SET;
	struct xp_record flag;

	e->flag = set ? PIN_FLAG_SET : PIN_FLAG_CLEAR;
	if (was == set || !s->pins->handlers.flag)
		return;
	flag = (struct xp_record){
		.kind = set ? XP_FLAG_SET : XP_FLAG_CLEAR,
		.nslots = 1,
		.cpu = rec->cpu,
		.t = rec->t,
		.pid = rec->pid,
		.level = e->level,
		.flags = XP_F_INFERRED | XP_F_FLAG_KNOWN | (set ? 0 : XP_F_FLAG),
		.u.flag = { .pfn = e->pfn, .mm = tables__mm_of(&s->pins->tables, e) },
	};
	memcpy(flag.comm, rec->comm, sizeof(flag.comm));
	s->pins->handlers.flag(s->pins->handlers.context, &flag);
}

static bool is_pinned(const struct table *e)
{
	return e->xen == PIN_BY_TYPE || e->xen == PIN_EXPLICIT;
}

/* Its mm's tree, by what became of its PGD: NIL when that is not known. */
static uint32_t find_pgd(const struct pins *pins, uint64_t mm)
{
	uint32_t m = tables__find_mm(&pins->tables, mm), i;

	for (i = m == NIL ? NIL : mm_at(&pins->tables, m)->first; i != NIL; i = at(pins, i)->next)
		if (at(pins, i)->level == XP_L4 && !at(pins, i)->gone)
			break;
	return i;
}

/* The kernel takes @rec's tree for unpinned: do we? */
static int judge_tree(struct step *s)
{
	uint32_t i = find_pgd(s->pins, s->record->u.table.mm);
	struct table *pgd;
	int err;

	if (i == NIL)
		return 0;
	pgd = at(s->pins, i);
	if (!is_pinned(pgd) || pgd->flag != PIN_FLAG_SET)
		return 0;
	err = judge(s, RULE_TREE, pgd, NULL);
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

		if (err || !known || !set || (e && is_pinned(e)))
			return err;
		return judge(s, RULE_SET, NULL, NULL);
	}
	if (!e || !known || set || !is_pinned(e) || e->flag != PIN_FLAG_SET || e->xen == PIN_EXPLICIT)
		return 0;
	return judge(s, RULE_MOVED, e, NULL);
}

static int apply_alloc(struct step *s)
{
	const struct xp_record *rec = s->record;
	struct pins *pins = s->pins;
	uint32_t i = find(pins, rec->u.table.pfn);
	struct table *e = i == NIL ? NULL : at(pins, i);
	int err;

	/* An older L1 table: that it was pinned by itself is known of this kernel only. */
	if (e && e->xen == PIN_BY_TYPE && e->level == XP_L1 && pins->pins_l1)
		e->xen = PIN_EXPLICIT;
	err = judge_alloc(s, e);
	if (err)
		return err;
	i = get(pins, rec->u.table.pfn);
	if (i == NIL || tables__link(&pins->tables, i, rec->u.table.mm))
		return -ENOMEM;
	e = at(pins, i);
	e->level = rec->level;
	e->released = false;
	if (rec->flags & XP_F_FLAG_KNOWN)
		e->flag = rec->flags & XP_F_FLAG ? PIN_FLAG_SET : PIN_FLAG_CLEAR;
	if (rec->flags & XP_F_PINNED) {
		if (!is_pinned(e))
			e->xen = PIN_BY_TYPE;
		write_flag(s, e, true);
	} else {
		e->xen = PIN_NOT;
		if (!(rec->flags & XP_F_FLAG_KNOWN))
			e->flag = PIN_FLAG_CLEAR;
	}
	/* Pinned already means moved, and that rests on what was before. */
	if (e->xen != PIN_EXPLICIT)
		renew(pins, e);
	touch(e, rec);
	return 0;
}

static int judge_release(struct step *s, struct table *e)
{
	if (s->record->flags & XP_F_FLAG)
		return 0;
	if (e->xen == PIN_UNKNOWN)
		s->pins->unjudged++;
	if (e->xen == PIN_EXPLICIT)
		return judge(s, RULE_RELEASED_PIN, e, NULL);
	return e->xen == PIN_BY_TYPE ? judge(s, RULE_RELEASED, e, NULL) : 0;
}

static int apply_release(struct step *s)
{
	const struct xp_record *rec = s->record;
	uint32_t i = get(s->pins, rec->u.table.pfn);
	struct table *e;
	int err;

	if (i == NIL)
		return -ENOMEM;
	e = at(s->pins, i);
	e->level = rec->level;
	err = judge_release(s, e);
	if (rec->flags & XP_F_FLAG) {
		e->flag = PIN_FLAG_SET;
		write_flag(s, e, false);
	}
	touch(e, rec);
	/* An L1 table's unpin is still to come; it wants the level. */
	if (rec->level == XP_L1 && rec->flags & XP_F_FLAG) {
		tables__unlink(&s->pins->tables, i);
		e->released = true;
	} else {
		drop(s->pins, i);
	}
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
	write_flag(s, e, pin);
	touch(e, s->record);
	if (pin && !is_pinned(e))
		e->xen = PIN_BY_TYPE;
	/* What is pinned by itself is so until its own unpin. */
	if (!pin && e->xen == PIN_BY_TYPE)
		e->xen = e->level == XP_L1 && s->pins->pins_l1 ? PIN_EXPLICIT : PIN_NOT;
}

/* Pinning a tree marks all its tables, unpinning clears them. */
static int apply_tree(struct step *s, bool pin)
{
	const struct xp_record *rec = s->record;
	struct tables *tables = &s->pins->tables;
	uint32_t i = get(s->pins, rec->u.mm.pgd_pfn);
	struct table *pgd;

	if (i == NIL || tables__link(tables, i, mm_of_tree(s, i)))
		return -ENOMEM;
	pgd = at(s->pins, i);
	pgd->level = XP_L4;
	renew(s->pins, pgd);
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

/* Each of these returns how many operations it applied, or -ENOMEM. */
static int apply_pin(struct step *s, const struct xp_op *op, bool seen)
{
	struct table *e;
	uint32_t i;
	int err = 0;

	if (op->pfn >= NO_MFN)
		return 1;
	i = get(s->pins, op->pfn);
	if (i == NIL)
		return -ENOMEM;
	e = at(s->pins, i);
	/* After a loss, told or not, it may be another mm's by now. */
	if (lost_since(s->pins, e) || (e->level && e->level != op->level))
		tables__unlink(&s->pins->tables, i);
	e->level = op->level;
	e->mfn = op->mfn;
	if (!seen && e->xen == PIN_EXPLICIT)
		err = judge(s, RULE_TWICE_UNSEEN, e, op);
	e->xen = PIN_EXPLICIT;
	e->released = false;
	if (op->level == XP_L1)
		s->pins->pins_l1 = true;
	write_flag(s, e, true);
	renew(s->pins, e);
	touch(e, s->record);
	return err ?: 1;
}

static int apply_unpin(struct step *s, const struct xp_op *op)
{
	uint32_t i = find(s->pins, op->pfn);
	struct table *e;

	if (i == NIL)
		return 1;
	e = at(s->pins, i);
	e->mfn = op->mfn;
	e->xen = PIN_NOT;
	write_flag(s, e, false);
	touch(e, s->record);
	/* Nobody announces the end of a PGD page, nor of a released L1's unpin. */
	if (op->level == XP_L4 || e->mm == NIL)
		drop(s->pins, i);
	return 1;
}

/*
 * Operations that share a hypercall share its result: Xen did those before the
 * one it refused, and none after it.  A pin of what is pinned tells which it
 * was; otherwise it is the first as far as we know.
 */
static int apply_refused(struct step *s, const struct xp_op *op, uint32_t left)
{
	struct pins *pins = s->pins;
	uint32_t n, culprit = 0;
	enum rule rule = RULE_REFUSED;
	int err;

	for (n = 0; n < left && op[n].result == op->result; n++) {
		uint32_t i = op[n].op == XP_OP_PIN ? find(pins, op[n].pfn) : NIL;

		if (rule == RULE_REFUSED && i != NIL && at(pins, i)->xen == PIN_EXPLICIT) {
			rule = RULE_TWICE;
			culprit = n;
		}
	}
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = find(pins, op[k].pfn);
		struct table *e = i == NIL ? NULL : at(pins, i);

		err = k == culprit ? judge(s, rule, e, &op[k]) : 0;
		if (err)
			return err;
		if (e && rule == RULE_REFUSED)
			e->xen = PIN_UNKNOWN;
	}
	return n;
}

static int apply_batch(struct step *s)
{
	const struct xp_op *op = record__ops(s->record);
	uint32_t left = s->record->u.batch.nops;
	bool seen = s->record->flags & XP_F_RESULT;

	while (left) {
		int n = seen && op->result ? apply_refused(s, op, left) :
		       op->op == XP_OP_PIN ? apply_pin(s, op, seen) : apply_unpin(s, op);

		if (n < 0)
			return n;
		op += n;
		left -= n;
	}
	return 0;
}

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

	if (!mm || mm == tables__mm_of(&s->pins->tables, e))
		return false;
	if (mm >= KERNEL_IMAGE)
		return true;
	pgd = find_pgd(s->pins, mm);
	return pgd == NIL || at(s->pins, pgd)->flag != PIN_FLAG_SET;
}

/* The kernel itself tells of writes: one that no unpin and no release explains. */
static int apply_clear(struct step *s)
{
	uint32_t i = find(s->pins, s->record->u.flag.pfn);
	struct table *e;
	int err = 0;

	if (i == NIL)
		return 0;
	e = at(s->pins, i);
	if (e->flag == PIN_FLAG_SET && is_pinned(e) && !e->released && !is_unpinned_tree(s, e))
		err = judge(s, RULE_CLEARED, e, NULL);
	e->flag = PIN_FLAG_CLEAR;
	return err;
}

static int apply_set(struct step *s)
{
	uint32_t i = get(s->pins, s->record->u.flag.pfn);
	struct table *e;

	if (i == NIL)
		return -ENOMEM;
	e = at(s->pins, i);
	if (s->record->level)
		e->level = s->record->level;
	/* That the kernel believes it is no witness of what Xen knows. */
	e->flag = PIN_FLAG_SET;
	touch(e, s->record);
	return 0;
}

static int apply_erased(struct step *s)
{
	uint32_t i = find(s->pins, s->record->u.flag.pfn);
	int err = judge(s, RULE_ERASED, i == NIL ? NULL : at(s->pins, i), NULL);

	if (i != NIL) {
		at(s->pins, i)->flag = PIN_FLAG_CLEAR;
		touch(at(s->pins, i), s->record);
	}
	return err;
}

int pins__step(struct pins *pins, const struct xp_record *rec)
{
	struct step s = { pins, rec };

	switch (rec->kind) {
	case XP_TABLE_ALLOC:
		return apply_alloc(&s);
	case XP_TABLE_RELEASE:
		return apply_release(&s);
	case XP_MM_PIN:
		return apply_tree(&s, true);
	case XP_MM_UNPIN:
		return apply_tree(&s, false);
	case XP_BATCH:
	case XP_DIRECT:
		return apply_batch(&s);
	case XP_FLAG_SET:
	case XP_REPAIRED:
		return apply_set(&s);
	case XP_FLAG_CLEAR:
		return apply_clear(&s);
	case XP_ERASED:
		return apply_erased(&s);
	default:
		return 0;
	}
}

