// SPDX-License-Identifier: GPL-2.0-only
/* What a record must be before anybody follows its counts and lengths. */
#include "records.h"

size_t record__slots(const struct xp_record *rec)
{
	size_t size = sizeof(*rec);

	if (rec->flags & XP_F_STACK)
		size += XP_STACK_BYTES;
	if (rec->kind == XP_BATCH || rec->kind == XP_DIRECT)
		size += rec->u.batch.nops * sizeof(struct xp_op);
	return (size + XP_SLOT - 1) / XP_SLOT;
}

static const char *flaw_of_ops(const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);

	for (uint32_t i = 0; i < rec->u.batch.nops; i++, op++) {
		if (op->op != XP_OP_PIN && op->op != XP_OP_UNPIN)
			return "it holds an operation of unknown kind";
		if (op->level > XP_L4)
			return "it holds an operation of unknown level";
	}
	return NULL;
}

const char *record__flaw(const struct xp_record *rec, uint64_t slot, uint64_t left)
{
	bool has_ops = rec->kind == XP_BATCH || rec->kind == XP_DIRECT;

	if (rec->seq != (uint32_t)(slot + 1))
		return "its number is wrong";
	if (!rec->kind || rec->kind >= XP_KIND_END)
		return "its kind is unknown";
	if (has_ops && rec->u.batch.nops > XP_OPS_MAX)
		return "it has more operations than a batch can hold";
	if (rec->nslots != record__slots(rec))
		return "its length does not fit its kind";
	if (rec->nslots > left)
		return "it is cut short";
	if (rec->level > XP_L4)
		return "its level is unknown";
	if (rec->where > XP_WHERE_GROW)
		return "its place is unknown";
	if (!is_time(rec->t))
		return "its time is impossible";
	return has_ops ? flaw_of_ops(rec) : NULL;
}

static const char *const kind_names[XP_KIND_END] = {
	[XP_LOST] = "lost",
	[XP_BATCH] = "batch",
	[XP_TABLE_ALLOC] = "alloc",
	[XP_TABLE_RELEASE] = "release",
	[XP_MM_PIN] = "mm-pin",
	[XP_MM_UNPIN] = "mm-unpin",
	[XP_DIRECT] = "direct",
	[XP_FLAG_SET] = "flag-set",
	[XP_FLAG_CLEAR] = "flag-clear",
	[XP_HANDOVER_BEGIN] = "handover-begin",
	[XP_HANDOVER_END] = "handover-end",
	[XP_HOOK_BEGIN] = "hook-begin",
	[XP_HOOK_END] = "hook-end",
	[XP_DEFERRED_BEGIN] = "deferred-begin",
	[XP_DEFERRED_END] = "deferred-end",
	[XP_DEFERRED_RANGE] = "deferred-range",
	[XP_ERASED] = "erased",
	[XP_REPAIRED] = "repaired",
	[XP_TAKEOVER] = "takeover",
};

const char *record__kind_name(uint8_t kind)
{
	return kind < XP_KIND_END && kind_names[kind] ? kind_names[kind] : "unknown";
}

/* The series' words (kernel/README.md); "memmap" is struct-page init before the hand-over. */
static const char *const where_names[] = {
	[XP_WHERE_NONE] = "memmap",
	[XP_WHERE_HANDOVER] = "handover",
	[XP_WHERE_DEFERRED] = "deferred",
	[XP_WHERE_GROW] = "grow",
};

const char *record__where_name(uint16_t where)
{
	return where <= XP_WHERE_GROW ? where_names[where] : "unknown";
}
