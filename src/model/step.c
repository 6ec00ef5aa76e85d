// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reducer: a record goes in, the state of its tables changes, and where
 * the record contradicts the state a rule (held.h) judges.
 *
 * What Xen knows is followed apart from the flag: a flag that was lost lets the
 * kernel skip the unpin, and what tells is that the unpin never came.
 */
#include <string.h>

#include "record/hypercalls.h"
#include "record/records.h"
#include "step.h"

uint32_t step__get(struct pins *pins, uint64_t pfn)
{
	uint32_t i = tables__find(&pins->tables, pfn);

	if (i == NIL)
		return tables__add(&pins->tables, pfn);
	if (at(pins, i)->gone) {
		struct table *e = at(pins, i);

		*e = (struct table){ .pfn = pfn, .mfn = NO_MFN, .mm = NIL, .next = NIL, .prev = NIL,
				     .hash_next = e->hash_next };
	}
	return i;
}

void step__begin_another_life(struct step *s, uint32_t i)
{
	tables__unlink(&s->pins->tables, i);
	at(s->pins, i)->xen = PIN_UNKNOWN;
	at(s->pins, i)->flag = PIN_FLAG_UNKNOWN;
}

uint16_t step__dropped(const struct pins *pins, const struct table *e)
{
	uint16_t dropped = pins->without;

	if (e->epoch == pins->epoch)
		return dropped;
	for (int p = 0; p < XP_PROBES_MAX; p++)
		if (pins->dropped_at[p] > e->epoch)
			dropped |= 1U << p;
	return dropped;
}

static void copy_stack(struct finding *f, const struct xp_record *rec)
{
	const __u64 *stack = record__stack(rec);

	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++)
		f->stack[i] = stack[i];
}

int step__judge(struct step *s, enum rule rule, const struct table *e, const struct xp_op *op)
{
	const struct xp_record *rec = s->record;
	struct finding f = { .t = rec->t, .pid = rec->pid, .level = rec->level, .mfn = XP_NO_PFN };
	uint16_t dropped = 0;

	memcpy(f.comm, rec->comm, sizeof(f.comm));
	copy_stack(&f, rec);
	if (record__shape(rec) == SHAPE_refused) {
		f.refused = rec->u.refused;
		f.result = f.refused.result;
		f.pfn = XP_NO_PFN;
		if (f.refused.hypercall == HYPERCALL_mmuext_op && mmuext__is_pin(f.refused.command))
			f.mfn = f.refused.args[0];
	} else if (e) {
		f.pfn = e->pfn;
		f.level = e->level;
		f.mm = tables__mm_of(&s->pins->tables, e);
		f.mfn = e->mfn == NO_MFN ? XP_NO_PFN : e->mfn;
		f.last = e->last;
		f.since = (uint64_t)e->since << SINCE_SHIFT;
		dropped = step__dropped(s->pins, e);
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
		f.result = rec->flags & XP_F_RESULT ? op->result : 0;
	}
	return held__add(&s->pins->held, rule, &f, dropped);
}

void step__write_flag(struct step *s, struct table *e, bool set)
{
	const struct xp_record *rec = s->record;
	bool was = e->flag == PIN_FLAG_SET;
	struct xp_record flag;

	e->flag = set ? PIN_FLAG_SET : PIN_FLAG_CLEAR;
	if (was == set || !s->pins->handlers.flag)
		return;
	/* Of the same moment, CPU and task. */
	flag = *rec;
	flag.seq = 0;
	flag.kind = set ? XP_FLAG_SET : XP_FLAG_CLEAR;
	flag.nslots = 1;
	flag.level = e->level;
	flag.flags = XP_F_INFERRED | XP_F_FLAG_KNOWN | (set ? 0 : XP_F_FLAG);
	flag.where = XP_WHERE_NONE;
	flag.u.flag = (typeof(flag.u.flag)){ e->pfn, tables__mm_of(&s->pins->tables, e), 0 };
	s->pins->handlers.flag(s->pins->handlers.context, &flag);
}

void step__set_level(struct pins *pins, uint32_t i, uint8_t level)
{
	struct table *e = at(pins, i);

	e->level = level;
	if (level == XP_L4 && e->mm != NIL)
		mm_at(&pins->tables, e->mm)->pgd = i;
}

uint32_t step__find_pgd(const struct pins *pins, uint64_t mm)
{
	uint32_t m = tables__find_mm(&pins->tables, mm);

	return m == NIL ? NIL : mm_at(&pins->tables, m)->pgd;
}

/* Each table of a run was pinned by a hypercall of its own; whose it is, the run does not say. */
static int step_run(struct pins *pins, const struct xp_record *run)
{
	struct {
		struct xp_record rec;
		struct xp_op op;
	} pin = { *run, { .op = XP_OP_PIN, .level = XP_L1, .mfn = XP_NO_PFN } };
	struct step step = { pins, &pin.rec };
	uint64_t pfn;
	int err = 0;

	pins->in_runs += run->u.boot.pages;
	if (pins->in_runs > XP_RUNS_MAX) {
		pins->unknown++;
		return 0;
	}
	pin.rec.kind = XP_UNBATCHED;
	pin.rec.flags = XP_F_RESULT;
	pin.rec.u.batch = (typeof(pin.rec.u.batch)){ .entries = 1, .nops = 1 };
	for (uint32_t i = 0; !err && record__frame(run, i, &pfn); i++) {
		pin.op.pfn = pfn;
		err = ops__batch(&step);
	}
	return err;
}

int pins__step(struct pins *pins, const struct xp_record *rec)
{
	struct step s = { pins, rec };

	switch ((enum xp_kind)rec->kind) {
	case XP_TABLE_ALLOC:
		return life__alloc(&s);
	case XP_TABLE_RELEASE:
		return life__release(&s);
	case XP_MM_PIN:
		return life__tree(&s, true);
	case XP_MM_UNPIN:
		return life__tree(&s, false);
	case XP_BATCH:
	case XP_UNBATCHED:
		return ops__batch(&s);
	case XP_FLAG_SET:
	case XP_REPAIRED:
		return writes__set(&s);
	case XP_FLAG_CLEAR:
		return writes__clear(&s);
	case XP_ERASED:
		return writes__erased(&s);
	case XP_TABLE_RUN:
		return step_run(pins, rec);
	case XP_REFUSED:
		return ops__refused(&s);
	case XP_DROPPED:	/* see pins__apply() */
	case XP_HANDOVER_BEGIN:
	case XP_HANDOVER_END:
	case XP_HOOK_BEGIN:
	case XP_HOOK_END:
	case XP_DEFERRED_BEGIN:
	case XP_DEFERRED_END:
	case XP_DEFERRED_RANGE:
	case XP_TAKEOVER:
		break;
	}
	return 0;
}
