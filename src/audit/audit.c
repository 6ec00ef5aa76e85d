// SPDX-License-Identifier: GPL-2.0-only
/* Comparing the witnesses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../clock.h"
#include "../grow.h"
#include "audit.h"

/* Pauses before each new look: longer than it takes to pin or unpin a tree. */
static const unsigned int pauses_us[] = { 1000, 3000, 10000, 30000, 60000 };

/* A table that could not be read is worth a whole new look, so often. */
#define LOOKS 5

/* A contradiction, and where it stands. */
struct suspect {
	uint32_t index;		/* of snapshot__tables() */
	uint8_t class;		/* enum finding_class */
	bool reached;		/* through a tree, and not only through its flag */
	bool changed;		/* to the other class, at some look */
	bool settled;
};

struct inquiry {
	struct audit *audit;
	struct snapshot *snapshot;
	struct xen *xen;
	uint64_t *reached;	/* a bit for each pfn: it is among the tables that were chosen */
	struct suspect *suspects;
	size_t nr, room;
};

static struct xp_seen *table(const struct inquiry *q, uint32_t index)
{
	return snapshot__tables(q->snapshot) + index;
}

/* A table that the kernel pins by itself, for use in trees to come. */
static bool is_kept(const struct xp_seen *s)
{
	return s->parent == XP_NO_PARENT && s->level == XP_L1;
}

static bool xen_has_it(const struct audit *a, uint32_t index)
{
	uint8_t type = a->types ? a->types[index] & XEN_T_LEVEL : XEN_T_NONE;

	return type >= XEN_T_L1 && type <= XEN_T_L4;
}

static bool xen_has_it_not(const struct audit *a, uint32_t index)
{
	return a->types && !xen_has_it(a, index);
}

/* A PGD, or its user half, that is not pinned now: of a process that begins or ends. */
static bool is_unpinned_root(const struct audit *a, uint32_t index, const struct xp_seen *s)
{
	return s->level == XP_L4 && !(s->state & (XP_S_FLAG | XP_S_READONLY | XP_S_NO_MAP)) &&
	       !xen_has_it(a, index);
}

static bool is_reached(const struct inquiry *q, uint64_t pfn)
{
	return q->reached[pfn / 64] >> pfn % 64 & 1;
}

/* Some tables are referred to many times: each pfn once, unpinned trees not at all. */
static void choose(struct inquiry *q, bool kept)
{
	struct audit *a = q->audit;
	uint32_t seen = snapshot__what(q->snapshot)->seen;

	for (uint32_t i = 0; i < seen; i++) {
		const struct xp_seen *s = table(q, i);

		if (is_kept(s) != kept || is_reached(q, s->pfn) || is_unpinned_root(a, i, s))
			continue;
		q->reached[s->pfn / 64] |= 1ULL << s->pfn % 64;
		a->chosen[a->nr_tables++] = i;
	}
}

/* What a tree reaches comes before what is kept. */
static int choose_tables(struct inquiry *q)
{
	q->reached = calloc(snapshot__places(q->snapshot)->max_pfn / 64 + 2, sizeof(*q->reached));
	q->audit->chosen = malloc((snapshot__what(q->snapshot)->seen + 1) * sizeof(uint32_t));
	if (!q->reached || !q->audit->chosen)
		return -ENOMEM;
	choose(q, false);
	choose(q, true);
	return 0;
}

/* Xen's types of the tables @indices, into .types.  Xen may have begun to refuse. */
static void ask_xen(struct inquiry *q, const uint32_t *indices, size_t n)
{
	uint64_t mfns[256];
	uint8_t types[256];

	for (size_t at = 0, some; q->audit->types && at < n; at += some) {
		some = n - at < 256 ? n - at : 256;
		for (size_t i = 0; i < some; i++)
			mfns[i] = table(q, indices[at + i])->mfn;
		if (xen__types(q->xen, mfns, types, some)) {
			free(q->audit->types);
			q->audit->types = NULL;
			return;
		}
		for (size_t i = 0; i < some; i++)
			q->audit->types[indices[at + i]] = types[i];
	}
}

/* Returns enum finding_class, or FINDING_CLASSES: the witnesses agree. */
static int contradiction(const struct inquiry *q, uint32_t index, bool reached)
{
	const struct xp_seen *s = table(q, index);
	bool readonly = s->state & XP_S_READONLY, map = !(s->state & XP_S_NO_MAP);

	if (s->state & XP_S_NO_FLAG)
		return FINDING_LOST;
	if (!(s->state & XP_S_FLAG)) {
		/* Without flag and writable it is like any other page: its tree is not pinned. */
		if (!reached || is_kept(s) || (map && !readonly && !xen_has_it(q->audit, index)))
			return FINDING_CLASSES;
		return FINDING_LOST;
	}
	if ((map && !readonly) || xen_has_it_not(q->audit, index))
		return FINDING_STALE;
	return FINDING_CLASSES;
}

static int suspect(struct inquiry *q, uint32_t index, bool reached)
{
	int class = contradiction(q, index, reached);

	if (class == FINDING_CLASSES)
		return 0;
	if (GROW(q->suspects, q->nr, q->room, 64))
		return -ENOMEM;
	q->suspects[q->nr++] = (struct suspect){ index, class, reached };
	return 0;
}

static int suspect_tables(struct inquiry *q)
{
	int err = 0;

	for (size_t i = 0; !err && i < q->audit->nr_tables; i++)
		err = suspect(q, q->audit->chosen[i], true);
	return err;
}

/* Frames with the flag that no tree reaches: looked at again, on their own. */
static int suspect_flagged(struct inquiry *q)
{
	const struct xp_flagged *f = snapshot__flagged(q->snapshot);
	uint32_t n = snapshot__what(q->snapshot)->flagged, first = snapshot__what(q->snapshot)->seen;
	uint32_t *added = malloc((n + 1) * sizeof(*added));
	size_t nr = 0;
	int err = added ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < n; i++) {
		int index = is_reached(q, f[i].pfn) ? -ENOENT :
						      snapshot__add(q->snapshot, f[i].pfn, 1);

		if (index >= 0)
			added[nr++] = index;
		else if (index == -ENOSPC)
			q->audit->complete = false;
	}
	if (!err && nr)
		err = snapshot__again(q->snapshot, added, nr);
	if (!err && q->audit->types) {
		void *p = realloc(q->audit->types, first + nr);

		if (p)
			q->audit->types = p;
		else
			err = -ENOMEM;
	}
	if (!err)
		ask_xen(q, added, nr);
	for (size_t i = 0; !err && i < nr; i++)
		err = suspect(q, added[i], false);
	free(added);
	return err;
}

/* Those that were settled are left out; the others are looked at once more. */
static int look_again(struct inquiry *q)
{
	uint32_t *indices = malloc((q->nr + 1) * sizeof(*indices));
	size_t n = 0;
	int err;

	if (!indices)
		return -ENOMEM;
	for (size_t i = 0; i < q->nr; i++)
		if (!q->suspects[i].settled)
			indices[n++] = q->suspects[i].index;
	err = n ? snapshot__again(q->snapshot, indices, n) : 0;
	if (!err)
		ask_xen(q, indices, n);
	free(indices);
	for (size_t i = 0; !err && i < q->nr; i++) {
		struct suspect *s = &q->suspects[i];
		int class = contradiction(q, s->index, s->reached);

		s->changed |= class != s->class;
		s->settled |= class == FINDING_CLASSES ||
			      (s->reached && table(q, s->index)->state & XP_S_NOT_THERE);
	}
	return err ?: (int)n;
}

/* Who says so besides the flag, and how sure that makes it. */
static void testify(const struct inquiry *q, const struct suspect *s, struct finding *f)
{
	uint8_t state = table(q, s->index)->state;
	bool lost = s->class == FINDING_LOST, map = !(state & XP_S_NO_MAP);

	f->witnesses = WITNESS_FLAG;
	if (lost || !s->reached)
		f->witnesses |= WITNESS_TREE;
	if (map && lost == !!(state & XP_S_READONLY))
		f->witnesses |= WITNESS_DIRECT_MAP;
	if (lost ? xen_has_it(q->audit, s->index) : xen_has_it_not(q->audit, s->index))
		f->witnesses |= WITNESS_XEN;
	f->grade = f->witnesses & (WITNESS_DIRECT_MAP | WITNESS_XEN) ? GRADE_PROVEN :
								       GRADE_SUSPECTED;
}

static void name_owner(struct finding *f, const struct xp_owner *owners, int n, uint64_t init_mm)
{
	if (!f->mm || f->mm == init_mm)
		strcpy(f->comm, "kernel");
	for (int i = 0; i < n; i++) {
		if (owners[i].mm != f->mm)
			continue;
		f->pid = owners[i].pid;
		memcpy(f->comm, owners[i].comm, sizeof(f->comm));
		return;
	}
}

static int by_pfn(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static int conclude(struct inquiry *q)
{
	struct audit *a = q->audit;
	struct xp_owner *owners;
	int n;

	a->findings = calloc(q->nr, sizeof(*a->findings));
	if (!a->findings)
		return -ENOMEM;
	n = snapshot__owners(q->snapshot, &owners);
	for (size_t i = 0; i < q->nr; i++) {
		const struct suspect *s = &q->suspects[i];
		const struct xp_seen *t = table(q, s->index);
		struct finding *f = &a->findings[a->nr_findings];

		if (s->settled)
			continue;
		if (s->changed || t->state & (XP_S_EXITING | XP_S_NO_FLAG)) {
			a->unknown++;
			continue;
		}
		*f = (struct finding){ .t = a->end, .pfn = t->pfn, .mfn = t->mfn, .mm = t->mm,
				       .class = s->class, .level = t->level };
		testify(q, s, f);
		name_owner(f, owners, n, snapshot__places(q->snapshot)->init_mm);
		a->nr_findings++;
	}
	free(owners);
	qsort(a->findings, a->nr_findings, sizeof(*a->findings), by_pfn);
	return 0;
}

/* What the look tells of itself. */
static void note_look(struct inquiry *q)
{
	const struct xp_look *look = snapshot__what(q->snapshot);
	struct audit *a = q->audit;

	a->begin = look->begin;
	a->trees_ns = look->walked - look->begin;
	a->scan_ns = look->end - look->walked;
	a->complete = !look->torn && !look->overflow && !look->unread;
	a->aliases = look->aliases;
}

/* As of its last look, a page table with the flag. */
static bool is_marked(const struct inquiry *q, uint32_t index)
{
	uint8_t state = table(q, index)->state;

	return state & XP_S_FLAG && !(state & XP_S_NOT_THERE) &&
	       contradiction(q, index, true) == FINDING_CLASSES;
}

/* Last: what went meanwhile is no table any more, so that all without the flag have a name. */
static void count(struct inquiry *q)
{
	struct audit *a = q->audit;

	for (size_t i = 0; i < a->nr_tables; i++) {
		const struct xp_seen *s = table(q, a->chosen[i]);
		bool marked = is_marked(q, a->chosen[i]);

		a->tables[s->level] += marked || is_kept(s);
		a->flagged += marked;
	}
	for (size_t i = 0; i < q->nr; i++)
		if (!q->suspects[i].settled && q->suspects[i].class == FINDING_LOST)
			a->tables[table(q, q->suspects[i].index)->level]++;
	a->witnesses = WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP |
		       (a->types ? WITNESS_XEN : 0);
}

static int look(struct inquiry *q)
{
	const struct xp_look *look = snapshot__what(q->snapshot);
	int err = 0;

	for (int i = 0; !err && i < LOOKS; i++) {
		err = snapshot__look(q->snapshot);
		if (!look->torn && !look->overflow && !look->unread)
			break;
	}
	return err;
}

static int ask_xen_of_all(struct inquiry *q)
{
	uint32_t n = snapshot__what(q->snapshot)->seen, *all;

	if (!q->xen)
		return 0;
	q->audit->types = calloc(n + 1, 1);
	all = malloc((n + 1) * sizeof(*all));
	if (!q->audit->types || !all) {
		free(all);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		all[i] = i;
	ask_xen(q, all, n);
	free(all);
	return 0;
}

static int inquire(struct inquiry *q)
{
	int err = suspect_tables(q);

	if (!err)
		err = suspect_flagged(q);
	for (size_t i = 0; !err && i < sizeof(pauses_us) / sizeof(*pauses_us); i++) {
		int left;

		if (!q->nr)
			return 0;
		usleep(pauses_us[i]);
		left = look_again(q);
		if (left <= 0)
			return left;
	}
	q->audit->end = snapshot__what(q->snapshot)->end;
	return err ?: conclude(q);
}

int audit__take(struct audit *audit, struct snapshot *snapshot, struct xen *xen)
{
	struct inquiry q = { .audit = audit, .snapshot = snapshot, .xen = xen };
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
	free(q.reached);
	return err;
}

void audit__free(struct audit *audit)
{
	free(audit->findings);
	free(audit->chosen);
	free(audit->types);
}
