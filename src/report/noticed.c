// SPDX-License-Identifier: GPL-2.0-only
/* A stock kernel does not tell when a flag was lost: the records bound it. */
#include "report.h"

/* After @e the page has its flag, or the kernel said so just then. */
static bool shows_flag(const struct event *e)
{
	const struct xp_record *rec = &e->rec;

	switch (rec->kind) {
	case XP_BATCH:
	case XP_UNBATCHED:
		return e->op.op == XP_OP_PIN && rec->flags & XP_F_RESULT && !e->op.result;
	case XP_TABLE_ALLOC:
		return rec->flags & XP_F_PINNED;
	case XP_TABLE_RELEASE:
		return rec->flags & XP_F_FLAG_KNOWN && rec->flags & XP_F_FLAG;
	case XP_MM_PIN:
	case XP_FLAG_SET:
	case XP_REPAIRED:
		return true;
	}
	return false;
}

/* The model keeps the table's last event to about a second: it was not before that. */
static int64_t by_model(const struct finding *f)
{
	bool shows = f->last == XP_MM_PIN || f->last == XP_TABLE_ALLOC || f->last == XP_FLAG_SET;

	return f->since && shows ? (int64_t)f->since : -1;
}

int64_t report__last_sign(const struct report *r, const struct finding *f)
{
	bool was_lost = finding_classes[f->class].flag_was_lost;
	const struct history *h = was_lost ? report__history(r, f->pfn) : NULL;
	int64_t sign = was_lost ? by_model(f) : -1;

	for (size_t i = 0; h && i < h->nr; i++) {
		const struct event *e = &h->events[i];

		if (e->rec.t < f->t && (int64_t)e->rec.t > sign && shows_flag(e))
			sign = e->rec.t;
	}
	return sign;
}
