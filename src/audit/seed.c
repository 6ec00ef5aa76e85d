// SPDX-License-Identifier: GPL-2.0-only
/* What an audit saw, as the state that the model begins with. */
#include "audit.h"

/* Pinned now, or read-only with its flag lost: neither a table that is gone nor one of a tree that was never pinned. */
static bool is_pinned(const struct xp_seen *s)
{
	return s->state & (XP_S_FLAG | XP_S_READONLY) && !(s->state & XP_S_NOT_THERE);
}

int audit__seed(const struct audit *a, const struct guest *guest, struct pins *pins)
{
	int err = 0;

	for (size_t i = 0; !err && i < a->nr_tables; i++) {
		const struct xp_seen *s = &guest->tables[a->chosen[i]];
		bool pinned = a->types ? a->types[a->chosen[i]] & XEN_T_PINNED : s->level == XP_L4;
		struct pin_state state = {
			.pfn = s->pfn,
			.mfn = s->mfn,
			/* As in the stream, a user's L4 has no mm. */
			.mm = s->level == XP_L4 && s->parent != XP_NO_PARENT ? 0 : s->mm,
			.since = a->begin,
			.level = s->level,
			.xen = pinned ? PIN_EXPLICIT : PIN_BY_TYPE,
			.flag = s->state & XP_S_FLAG ? PIN_FLAG_SET : PIN_FLAG_CLEAR,
		};

		if (is_pinned(s))
			err = pins__seed(pins, &state);
	}
	return err;
}
