// SPDX-License-Identifier: GPL-2.0-only
/* Where the witnesses of a page contradict each other, in one look. */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "inquiry.h"

/* Ask in pieces, since the tables are not in a row. */
#define PIECE 1024

/* Xen may have begun to refuse: then it is a witness no more. */
static bool ask(struct inquiry *q, const uint64_t *mfns, uint8_t *types, size_t n)
{
	if (!guest__types(q->guest, mfns, types, n))
		return true;
	free(q->audit->types);
	q->audit->types = NULL;
	return false;
}

void inquiry__ask_xen(struct inquiry *q, const uint32_t *indices, size_t n)
{
	uint64_t mfns[PIECE];
	uint8_t types[PIECE];

	for (size_t at = 0, some; q->audit->types && at < n; at += some) {
		some = n - at < PIECE ? n - at : PIECE;
		for (size_t i = 0; i < some; i++)
			mfns[i] = inquiry__table(q, indices[at + i])->mfn;
		if (!ask(q, mfns, types, some))
			return;
		for (size_t i = 0; i < some; i++)
			q->audit->types[indices[at + i]] = types[i];
	}
}

bool audit__explains(const struct audit *a, const struct xp_seen *s)
{
	return s->state & XP_S_RESERVED || (a->explained && bits__has(a->explained, s->pfn));
}

/* Without flag and writable it is like any other page: its tree is not pinned. */
static bool is_lost(const struct xp_seen *s, uint8_t type)
{
	bool writable = !(s->state & (XP_S_READONLY | XP_S_NO_MAP));

	return !is_kept(s) && (!writable || xen__is_table(type));
}

/* Xen's word is enough.  Without it a page may be read-only for another reason, or not our own. */
static bool is_stranded(const struct audit *a, const struct xp_seen *s, uint8_t type)
{
	if (type != XEN_T_UNKNOWN)
		return xen__is_table(type);
	return s->state & XP_S_READONLY && s->mfn != XP_NO_PFN && !audit__explains(a, s);
}

int audit__contradiction(const struct audit *a, const struct xp_seen *s, uint8_t type, bool reached)
{
	bool writable = !(s->state & (XP_S_READONLY | XP_S_NO_MAP));

	if (s->state & XP_S_NO_FLAG)
		return FINDING_LOST;
	if (s->state & XP_S_FLAG)
		return writable || xen__is_no_table(type) ? FINDING_STALE : FINDING_CLASSES;
	if (reached)
		return is_lost(s, type) ? FINDING_LOST : FINDING_CLASSES;
	return is_stranded(a, s, type) ? FINDING_STRANDED : FINDING_CLASSES;
}

static int suspect(struct inquiry *q, uint32_t index, bool reached)
{
	int class = inquiry__contradiction(q, index, reached);

	if (class == FINDING_CLASSES)
		return 0;
	if (GROW(q->suspects, q->nr, q->room, 64))
		return -ENOMEM;
	q->suspects[q->nr++] = (struct suspect){
		.index = index, .class = class, .walked = reached, .reached = reached,
	};
	return 0;
}

static int suspect_tables(struct inquiry *q)
{
	int err = 0;

	for (size_t i = 0; !err && i < q->audit->nr_tables; i++)
		err = suspect(q, q->audit->chosen[i], true);
	return err;
}

/* A page that no tree reaches becomes a table of the guest's, whose index is noted. */
static void add_unreached(struct inquiry *q, uint64_t pfn, uint32_t *added, size_t *nr)
{
	int index = bits__has(q->known, pfn) ? -ENOENT : guest__add(q->guest, pfn, 1);

	if (index == -ENOSPC)
		q->audit->complete = false;
	if (index < 0)
		return;
	bits__set(q->known, pfn);
	added[(*nr)++] = index;
}

/* The pages @added are behind all tables that Xen was asked of. */
static int look_at_added(struct inquiry *q, const uint32_t *added, size_t nr)
{
	int err = nr ? guest__again(q->guest, added, nr) : 0;
	void *types;

	if (err || !nr || !q->audit->types)
		return err;
	types = realloc(q->audit->types, added[nr - 1] + 1);
	if (!types)
		return -ENOMEM;
	q->audit->types = types;
	inquiry__ask_xen(q, added, nr);
	return 0;
}

/* Of @n read-only pages that no tree reaches add those that Xen takes for page tables. */
static void add_typed(struct inquiry *q, const struct xp_readonly *pages, uint32_t n,
		      uint32_t *added, size_t *nr)
{
	uint64_t mfns[PIECE];
	uint8_t types[PIECE];

	for (uint32_t at = 0, some; at < n; at += some) {
		some = n - at < PIECE ? n - at : PIECE;
		for (uint32_t i = 0; i < some; i++)
			mfns[i] = pages[at + i].mfn;
		if (!ask(q, mfns, types, some))
			return;
		for (uint32_t i = 0; i < some; i++)
			if (xen__is_table(types[i]))
				add_unreached(q, pages[at + i].pfn, added, nr);
	}
}

/* Without Xen: add those that are read-only for no reason that is known.  0 or -errno. */
static int add_unexplained(struct inquiry *q, const struct xp_readonly *pages, uint32_t n,
			   uint32_t *added, size_t *nr)
{
	int err = inquiry__explain(q);

	for (uint32_t i = 0; !err && i < n; i++)
		if (!bits__has(q->audit->explained, pages[i].pfn))
			add_unreached(q, pages[i].pfn, added, nr);
	return err;
}

/* The kernel has hundreds of such pages that are no page tables, and they are no suspects. */
static int add_readonly(struct inquiry *q, uint32_t *added, size_t *nr)
{
	const struct xp_readonly *all = q->guest->readonly;
	uint32_t n = q->guest->look->readonly, unreached = 0;
	struct xp_readonly *pages = calloc(n + 1, sizeof(*pages));
	int err = 0;

	if (!pages)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (!bits__has(q->known, all[i].pfn))
			pages[unreached++] = all[i];
	if (q->audit->types)
		add_typed(q, pages, unreached, added, nr);
	if (!q->audit->types && unreached)
		err = add_unexplained(q, pages, unreached, added, nr);
	free(pages);
	return err;
}

/* Pages that no tree reaches, with the flag or read-only in the direct map. */
static int suspect_unreached(struct inquiry *q)
{
	const struct xp_look *look = q->guest->look;
	const struct xp_flagged *flagged = q->guest->flagged;
	uint32_t *added = malloc((look->flagged + look->readonly + 1) * sizeof(*added));
	size_t nr = 0;
	int err;

	if (!added)
		return -ENOMEM;
	for (uint32_t i = 0; i < look->flagged; i++)
		add_unreached(q, flagged[i].pfn, added, &nr);
	err = add_readonly(q, added, &nr);
	if (!err)
		err = look_at_added(q, added, nr);
	for (size_t i = 0; !err && i < nr; i++)
		err = suspect(q, added[i], false);
	free(added);
	return err;
}

int inquiry__suspect(struct inquiry *q)
{
	return suspect_tables(q) ?: suspect_unreached(q);
}
