// SPDX-License-Identifier: GPL-2.0-only
/* What Xen did: pins and unpins, with its results; and what it refused. */
#include <errno.h>

#include "base/grow.h"
#include "record/hypercalls.h"
#include "record/records.h"
#include "step.h"

/* Each of these returns how many operations it applied, or -ENOMEM. */
static int apply_pin(struct step *s, const struct xp_op *op, bool seen)
{
	struct table *e;
	uint32_t i;
	int err = 0;

	if (op->pfn >= NO_MFN || !op->level)
		return 1;
	i = step__get(s->pins, op->pfn);
	if (i == NIL)
		return -ENOMEM;
	e = at(s->pins, i);
	/* After a loss, told or not, it may be another mm's by now. */
	if (step__dropped(s->pins, e) || (e->level && e->level != op->level))
		tables__unlink(&s->pins->tables, i);
	e->level = op->level;
	e->mfn = op->mfn;
	if (!seen && e->xen == PIN_EXPLICIT)
		err = step__judge(s, RULE_TWICE_UNSEEN, e, op);
	e->xen = PIN_EXPLICIT;
	if (op->level == XP_L1)
		s->pins->pins_l1 = true;
	step__write_flag(s, e, true);
	step__renew(s->pins, e);
	table__touch(e, s->record);
	return err ?: 1;
}

static int apply_unpin(struct step *s, const struct xp_op *op)
{
	uint32_t i = find(s->pins, op->pfn);
	struct table *e;

	/* An audit may have seen it pinned: that it was unpinned must be known. */
	if (i == NIL && s->pins->seeding && op->pfn < NO_MFN)
		i = step__get(s->pins, op->pfn);
	if (i == NIL)
		return 1;
	e = at(s->pins, i);
	e->mfn = op->mfn;
	e->xen = PIN_NOT;
	step__write_flag(s, e, false);
	table__touch(e, s->record);
	/* Nobody announces the end of a PGD page, nor of a released L1's unpin. */
	if (op->level == XP_L4 || e->mm == NIL)
		step__drop(s->pins, i);
	return 1;
}

/*
 * Operations that share an entry of the multicall share its result: Xen did
 * those before the one it refused, and none after it.  A pin of what is pinned
 * tells which it was; otherwise it is the first as far as we know.
 *
 * A record does not tell where one entry ends and the next begins.  Neighbours
 * with the same error are taken for one entry, so that of several entries in a
 * row that Xen refused for the same reason one operation is judged.  What is
 * pinned by all of them is unknown then or, when one was a pin of what is
 * pinned, taken for what it was before.
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

		err = k == culprit ? step__judge(s, rule, e, &op[k]) : 0;
		if (err)
			return err;
		if (e && rule == RULE_REFUSED)
			e->xen = PIN_UNKNOWN;
	}
	return n;
}

/* What this batch tells of, the records of its refused entries do not tell again. */
static int note_refusals(struct step *s)
{
	const struct xp_record *rec = s->record;
	const struct xp_op *op = record__ops(rec);
	struct told_refusals *told = &s->pins->told;
	size_t kept = 0;

	for (size_t i = 0; i < told->nr; i++)
		if (told->all[i].cpu != rec->cpu)
			told->all[kept++] = told->all[i];
	told->nr = kept;
	for (uint32_t i = 0; rec->flags & XP_F_RESULT && i < rec->u.batch.nops; i++) {
		if (!op[i].result)
			continue;
		if (GROW(told->all, told->nr, told->size, XP_OPS_MAX))
			return -ENOMEM;
		told->all[told->nr++] = (struct told_refusal){ op[i].mfn, op[i].result, rec->cpu };
	}
	return 0;
}

int ops__batch(struct step *s)
{
	const struct xp_op *op = record__ops(s->record);
	uint32_t left = s->record->u.batch.nops;
	bool seen = s->record->flags & XP_F_RESULT;

	if (note_refusals(s))
		return -ENOMEM;
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
 * Of an entry with several operations its record names the first, and the batch's, through a
 * filter, maybe only others: they have one result.
 */
static bool was_told(const struct pins *pins, const struct xp_record *rec)
{
	const struct xp_refused *r = &rec->u.refused;

	for (size_t i = 0; r->hypercall == HYPERCALL_mmuext_op && i < pins->told.nr; i++) {
		const struct told_refusal *told = &pins->told.all[i];

		if (told->cpu == rec->cpu && told->result == r->result &&
		    (r->count != 1 || (mmuext__is_pin(r->command) && told->mfn == r->args[0])))
			return true;
	}
	return false;
}

/* Whatever Xen refused was not done: no table changes. */
int ops__refused(struct step *s)
{
	return was_told(s->pins, s->record) ? 0 : step__judge(s, RULE_REFUSED, NULL, NULL);
}
