// SPDX-License-Identifier: GPL-2.0-only
/* One event of a page's history, in words. */
#include <inttypes.h>

#include "../../include/config.h"
#include "report.h"

static const char *flag_of(const struct xp_record *rec)
{
	if (!(rec->flags & XP_F_FLAG_KNOWN))
		return "flag unknown";
	return rec->flags & XP_F_FLAG ? "flag set" : "flag clear";
}

static void op_text(const struct event *e, char *text, size_t size)
{
	const char *verb = e->op.op == XP_OP_PIN ? "pinned" : "unpinned";

	if (!(e->rec.flags & XP_F_RESULT))
		snprintf(text, size, "%s, mfn 0x%" PRIx64 ", result not seen", verb,
			 (uint64_t)e->op.mfn);
	else if (e->op.result)
		snprintf(text, size, "not %s: Xen refused with %" PRId64 ", mfn 0x%" PRIx64, verb,
			 (int64_t)e->op.result, (uint64_t)e->op.mfn);
	else
		snprintf(text, size, "%s by Xen, mfn 0x%" PRIx64, verb, (uint64_t)e->op.mfn);
}

void event__text(const struct event *e, char *text, size_t size)
{
	const struct xp_record *rec = &e->rec;
	uint64_t mm = rec->u.table.mm;

	switch ((enum xp_kind)rec->kind) {
	case XP_BATCH:
	case XP_UNBATCHED:
		op_text(e, text, size);
		return;
	case XP_TABLE_ALLOC:
		snprintf(text, size, "allocated as L%d table of mm 0x%" PRIx64 "%s, %s", rec->level,
			 mm, rec->flags & XP_F_PINNED ? ", which is pinned" : "", flag_of(rec));
		return;
	case XP_TABLE_RELEASE:
		snprintf(text, size, "released as L%d table, %s%s", rec->level, flag_of(rec),
			 rec->flags & XP_F_READONLY ? ", and read-only in the direct map" : "");
		return;
	case XP_MM_PIN:
		snprintf(text, size, "its whole tree is pinned, mm 0x%" PRIx64,
			 (uint64_t)rec->u.mm.mm);
		return;
	case XP_MM_UNPIN:
		snprintf(text, size, "its whole tree is unpinned, mm 0x%" PRIx64,
			 (uint64_t)rec->u.mm.mm);
		return;
	case XP_FLAG_SET:
		snprintf(text, size, "PagePinned set");
		return;
	case XP_FLAG_CLEAR:
		snprintf(text, size, rec->flags & XP_F_READONLY ?
			 "PagePinned is clear, and its tree about to be unpinned" : "PagePinned cleared");
		return;
	case XP_ERASED:
		snprintf(text, size, "its struct page was initialised again: PagePinned erased");
		return;
	case XP_REPAIRED:
		snprintf(text, size, "PagePinned set again by the after-bootmem hook");
		return;
	case XP_TABLE_RUN:
		snprintf(text, size, "made and pinned by itself as L1 table, one of %" PRIu64
			 " of the direct map", (uint64_t)rec->u.boot.pages);
		return;
	case XP_DROPPED:	/* these are about no page */
	case XP_HANDOVER_BEGIN:
	case XP_HANDOVER_END:
	case XP_HOOK_BEGIN:
	case XP_HOOK_END:
	case XP_DEFERRED_BEGIN:
	case XP_DEFERRED_END:
	case XP_DEFERRED_RANGE:
	case XP_TAKEOVER:
	case XP_REFUSED:
		break;
	}
	snprintf(text, size, "%s", record__kind(rec)->word);
}
