// SPDX-License-Identifier: GPL-2.0-only
/* What is the same for all makers of a guest to read from. */
#include "guest.h"

int guest__add(struct guest *g, uint64_t pfn, uint32_t leave)
{
	if (g->look->seen + leave >= g->room)
		return -ENOSPC;
	g->tables[g->look->seen] = (struct xp_seen){ .pfn = pfn, .mfn = XP_NO_PFN,
						     .parent = XP_NO_PARENT };
	return g->look->seen++;
}

void guest__close(struct guest *g)
{
	if (g)
		g->ops->close(g);
}

int guest__follow(struct guest *g)
{
	return g->ops->moves ? g->ops->moves->follow(g) : 0;
}

void guest__ignore(struct guest *g)
{
	if (g->ops->moves)
		g->ops->moves->ignore(g);
}

int guest__visit_cpus(struct guest *g)
{
	return g->ops->moves ? g->ops->moves->visit_cpus(g) : 1;
}

bool guest__missed_moves(struct guest *g)
{
	return g->ops->moves && g->ops->moves->missed(g);
}

int guest__halfway(struct guest *g)
{
	return g->ops->moves ? g->ops->moves->halfway(g) : 0;
}

uint32_t guest__moves(const struct guest *g, uint64_t pfn)
{
	const volatile uint32_t *of_page = g->moves ? g->moves->of_page : NULL;

	return of_page ? of_page[xp_page_slot(pfn)] : 0;
}
