// SPDX-License-Identifier: GPL-2.0-only
/* What is known of each kind of record, and what a record must be before anybody follows its counts. */
#include <string.h>

#include "../../include/config.h"
#include "records.h"

#define KIND(name, word_, shape_, what_, probe_, wanted_, past_) \
	[XP_##name] = { .word = word_, .what = what_, .past = past_, .probe = XP_PROBE_##probe_ },

const struct record_kind record_kinds[XP_KIND_END] = {
#include "../../include/kinds.def"
};

#define KIND(name, word, shape_, ...) [XP_##name] = SHAPE_##shape_,

const uint8_t record_shapes[UINT8_MAX + 1] = {
	[0] = SHAPES,
#include "../../include/kinds.def"
	[XP_KIND_END ... UINT8_MAX] = SHAPES,
};

#define KIND(name, word_, shape_, what_, probe_, wanted_, past_) [XP_##name] = wanted_,

const uint16_t record_wanted[UINT8_MAX + 1] = {
#include "../../include/kinds.def"
};

const struct record_probe record_probes[XP_PROBE_END] = {
#define PROBE(name, ...) [XP_PROBE_##name] = { __VA_ARGS__ },
#include "../../include/probes.def"
};

const char *record__probe_name(uint32_t probe)
{
	return probe < XP_PROBE_END ? record_probes[probe].name : "other";
}

uint32_t record__probe_named(const char *name)
{
	uint32_t probe = 0;

	while (probe < XP_PROBE_END && strcmp(record_probes[probe].name, name))
		probe++;
	return probe;
}

size_t record__slots(const struct xp_record *rec)
{
	size_t size = sizeof(*rec);

	if (rec->flags & XP_F_STACK)
		size += XP_STACK_BYTES;
	if (record__has_ops(rec))
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
	bool has_ops = record__has_ops(rec);

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
	if (rec->kind == XP_TABLE_RUN && (!rec->u.boot.pages || rec->u.boot.pages > XP_RUN_MAX))
		return "its run of page tables has an impossible length";
	if (rec->kind == XP_REFUSED && rec->u.refused.result >= 0)
		return "Xen did not refuse what it tells of";
	return has_ops ? flaw_of_ops(rec) : NULL;
}

bool record__frame(const struct xp_record *rec, uint32_t i, uint64_t *pfn)
{
	switch (record__shape(rec)) {
	case SHAPE_batch:
		if (i >= rec->u.batch.nops)
			return false;
		*pfn = record__ops(rec)[i].pfn;
		return true;
	case SHAPE_table:
		*pfn = rec->u.table.pfn;
		return !i;
	case SHAPE_flag:
		*pfn = rec->u.flag.pfn;
		return !i;
	case SHAPE_mm:
		*pfn = rec->u.mm.pgd_pfn;
		return !i;
	case SHAPE_boot:
		*pfn = rec->u.boot.pfn + i;
		return rec->kind == XP_TABLE_RUN && i < rec->u.boot.pages;
	case SHAPE_dropped:
	case SHAPE_refused:	/* nothing became of the frames that it names */
	case SHAPES:
		break;
	}
	return false;
}

bool record__is_about(const struct xp_record *rec, uint64_t pfn)
{
	uint64_t one;

	for (uint32_t i = 0; record__frame(rec, i, &one); i++)
		if (one == pfn)
			return true;
	return false;
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
