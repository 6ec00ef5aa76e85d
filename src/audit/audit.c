// SPDX-License-Identifier: GPL-2.0-only
/* Comparing the witnesses. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "inquiry.h"

/* A PGD, or its user half, that is not pinned now: of a process that begins or ends. */
static bool is_unpinned_root(const struct inquiry *q, uint32_t index, const struct xp_seen *s)
{
	return s->level == XP_L4 && !(s->state & (XP_S_FLAG | XP_S_READONLY | XP_S_NO_MAP)) &&
	       !xen__is_table(inquiry__type(q, index));
}

/* Some tables are referred to many times: each pfn once, unpinned trees not at all. */
static void choose(struct inquiry *q, bool kept)
{
	struct audit *a = q->audit;

	for (uint32_t i = 0; i < q->nr_seen; i++) {
		const struct xp_seen *s = inquiry__table(q, i);

		if (is_kept(s) != kept || bits__has(q->known, s->pfn) || is_unpinned_root(q, i, s))
			continue;
		bits__set(q->known, s->pfn);
		a->chosen[a->nr_tables++] = i;
	}
}

/* What a tree reaches comes before what is kept. */
static int choose_tables(struct inquiry *q)
{
	q->nr_seen = q->guest->look->seen;
	q->known = calloc(q->guest->places->max_pfn / 64 + 2, sizeof(*q->known));
	q->audit->chosen = malloc((q->nr_seen + 1) * sizeof(uint32_t));
	if (!q->known || !q->audit->chosen)
		return -ENOMEM;
	choose(q, false);
	choose(q, true);
	return 0;
}

/* What the look tells of itself. */
static void note_look(struct inquiry *q)
{
	const struct xp_look *look = q->guest->look;
	struct audit *a = q->audit;

	a->begin = look->begin;
	a->trees_ns = look->walked - look->begin;
	a->scan_ns = look->scanned - look->walked;
	a->direct_map_ns = look->end - look->scanned;
	a->complete = !look->torn && !look->overflow && !look->unread;
	a->aliases = look->aliases;
}

/* As of its last look, a page table with the flag. */
static bool is_marked(const struct inquiry *q, uint32_t index)
{
	uint8_t state = inquiry__table(q, index)->state;

	return state & XP_S_FLAG && !(state & XP_S_NOT_THERE) &&
	       inquiry__contradiction(q, index, true) == FINDING_CLASSES;
}

/* Last: what went meanwhile is no table any more, so that all without the flag have a name. */
static void count(struct inquiry *q)
{
	struct audit *a = q->audit;

	for (size_t i = 0; i < a->nr_tables; i++) {
		const struct xp_seen *s = inquiry__table(q, a->chosen[i]);
		bool marked = is_marked(q, a->chosen[i]);

		a->tables[s->level] += marked || is_kept(s);
		a->flagged += marked;
	}
	for (size_t i = 0; i < q->nr; i++) {
		const struct suspect *suspect = &q->suspects[i];

		if (!suspect->settled && suspect->reached && suspect->class == FINDING_LOST)
			a->tables[inquiry__table(q, suspect->index)->level]++;
	}
	a->witnesses = q->guest->witnesses & ~(a->types ? 0 : WITNESS_XEN);
}

/* A table that could not be read is worth a whole new look, a few times. */
static int look(struct inquiry *q)
{
	const struct xp_look *look = q->guest->look;
	int err = 0;

	for (uint32_t i = 0; !err && i < q->guest->rules->tries; i++) {
		err = guest__look(q->guest);
		if (!look->torn && !look->overflow && !look->unread)
			break;
	}
	return err;
}

static int ask_xen_of_all(struct inquiry *q)
{
	uint32_t n = q->guest->look->seen, *all;

	if (!guest__has_types(q->guest))
		return 0;
	q->audit->types = calloc(n + 1, 1);
	all = malloc((n + 1) * sizeof(*all));
	if (!q->audit->types || !all) {
		free(all);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		all[i] = i;
	inquiry__ask_xen(q, all, n);
	free(all);
	return 0;
}

static int inquire(struct inquiry *q)
{
	int err = inquiry__suspect(q);

	if (!err)
		err = inquiry__settle(q);
	q->audit->end = q->guest->look->end;
	return err ?: q->nr ? inquiry__conclude(q) : 0;
}

int audit__take(struct audit *audit, struct guest *guest)
{
	struct inquiry q = { .audit = audit, .guest = guest };
	int err;

	*audit = (struct audit){};
	err = look(&q);
	if (!err)
		err = ask_xen_of_all(&q);
	if (!err)
		err = choose_tables(&q);
	if (!err) {
		note_look(&q);
		err = inquire(&q);
		count(&q);
	}
	audit->end = now_ns();
	free(q.suspects);
	free(q.known);
	return err;
}

void audit__free(struct audit *audit)
{
	free(audit->findings);
	free(audit->chosen);
	free(audit->types);
	free(audit->explained);
}
