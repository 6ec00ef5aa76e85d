// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records that do not say all: a frame that could not be translated, a level, an mm.
 *
 * No rule may take what such a record leaves open for something known.  So the record
 * counts as one that was dropped, which casts the same doubt, and what was known of the
 * page that it names is forgotten.
 */
#include "record/records.h"
#include "step.h"

static bool is_frame(uint64_t pfn)
{
	return pfn < NO_MFN;
}

/* The level of an unpin is never known; its frame tells. */
static bool op__is_known(const struct xp_op *op)
{
	return is_frame(op->pfn) && (op->op != XP_OP_PIN || op->level);
}

static bool ops__are_known(const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);

	for (uint32_t i = 0; i < rec->u.batch.nops; i++)
		if (!op__is_known(&op[i]))
			return false;
	return true;
}

/* A table's first record tells whose it is, its last one whether it still had its flag. */
static bool table__is_known(const struct xp_record *rec)
{
	if (!is_frame(rec->u.table.pfn) || !rec->level)
		return false;
	return rec->kind == XP_TABLE_RELEASE ? rec->flags & XP_F_FLAG_KNOWN : rec->u.table.mm;
}

/* Does @rec say what each rule that it comes to may ask of it? */
static bool is_known(const struct xp_record *rec)
{
	switch (record__shape(rec)) {
	case SHAPE_table:
		return table__is_known(rec);
	case SHAPE_mm:
		return is_frame(rec->u.mm.pgd_pfn) && rec->u.mm.mm;
	case SHAPE_batch:
		return ops__are_known(rec);
	case SHAPE_flag:
		return is_frame(rec->u.flag.pfn);
	case SHAPE_dropped:
	case SHAPE_boot:
	case SHAPE_refused:
	case SHAPES:
		break;
	}
	return true;
}

/* The operations that are known still count; their neighbours may have been anything. */
static void forget_ops(struct pins *pins, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);

	for (uint32_t n = 0; n < rec->u.batch.nops; n++, op++) {
		uint32_t i = op__is_known(op) ? NIL : find(pins, op->pfn);

		if (i != NIL)
			at(pins, i)->xen = PIN_UNKNOWN;
	}
}

static void forget_table(struct pins *pins, uint64_t pfn)
{
	uint32_t i = find(pins, pfn);

	if (i != NIL)
		step__drop(pins, i);
}

/*
 * In the boot log, tables that the kernel makes with one function for L2 and L3.  Everything else
 * is known of such a table; it is judged as one that is older than the records: not at all.
 */
static bool lacks_only_a_level(const struct xp_record *rec)
{
	return rec->kind == XP_TABLE_ALLOC && !rec->level && rec->u.table.mm &&
	       is_frame(rec->u.table.pfn);
}

int unknown__apply(struct pins *pins, const struct xp_record *rec)
{
	int err = 0;

	if (is_known(rec))
		return pins__step(pins, rec);
	if (lacks_only_a_level(rec)) {
		forget_table(pins, rec->u.table.pfn);
		return 0;
	}
	/* What is known of a batch first: no table is in two of its operations. */
	if (record__has_ops(rec)) {
		forget_ops(pins, rec);
		err = pins__step(pins, rec);
	} else if (record__shape(rec) == SHAPE_table) {
		forget_table(pins, rec->u.table.pfn);
	}
	pins->unjudged++;
	pins->unknown++;
	pins__dropped(pins, record__kind(rec)->probe);
	return err;
}
