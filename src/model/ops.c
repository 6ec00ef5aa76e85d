// SPDX-License-Identifier: GPL-2.0-only
/* What Xen did: pins and unpins, with its results. */
#include <errno.h>

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

int ops__batch(struct step *s)
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
