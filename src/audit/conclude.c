// SPDX-License-Identifier: GPL-2.0-only
/* What stands becomes a finding. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inquiry.h"

/*
 * A pin sets the flags before Xen and the direct map follow.  Where memory stands still, no later
 * look tells such a flag from a stale one.
 */
static bool may_be_half_pinned(const struct inquiry *q, const struct suspect *s)
{
	return !finding_classes[s->class].is_table && !q->guest->rules->looks;
}

/* A page that is read-only need not be a page table: so the direct map proves no stranded one. */
static bool is_proven(const struct suspect *s, uint8_t witnesses)
{
	return witnesses & WITNESS_XEN ||
	       (witnesses & WITNESS_DIRECT_MAP && s->class != FINDING_STRANDED);
}

/* Who says so besides the flag, and how sure that makes it. */
static void testify(const struct inquiry *q, const struct suspect *s, struct finding *f)
{
	uint8_t state = inquiry__table(q, s->index)->state, type = inquiry__type(q, s->index);
	bool is_table = finding_classes[s->class].is_table, map = !(state & XP_S_NO_MAP);

	f->witnesses = WITNESS_FLAG;
	if (is_table || !s->reached)
		f->witnesses |= WITNESS_TREE;
	if (map && is_table == !!(state & XP_S_READONLY))
		f->witnesses |= WITNESS_DIRECT_MAP;
	if (is_table ? xen__is_table(type) : xen__is_no_table(type))
		f->witnesses |= WITNESS_XEN;
	f->grade = is_proven(s, f->witnesses) && !may_be_half_pinned(q, s) ? GRADE_PROVEN :
									     GRADE_SUSPECTED;
}

/* Of a page that no tree refers to nobody knows the owner. */
static void name_owner(struct finding *f, bool reached, const struct xp_owner *owners, int n,
		       uint64_t init_mm)
{
	if (reached && (!f->mm || f->mm == init_mm))
		strcpy(f->comm, "kernel");
	for (int i = 0; f->mm && i < n; i++) {
		if (owners[i].mm != f->mm)
			continue;
		f->pid = owners[i].pid;
		memcpy(f->comm, owners[i].comm, sizeof(f->comm));
		return;
	}
}

/* The tree of a stranded page is gone, and Xen knows best what it was. */
static struct finding finding_of(const struct inquiry *q, const struct suspect *s)
{
	const struct xp_seen *t = inquiry__table(q, s->index);
	struct finding f = { .t = q->audit->end, .pfn = t->pfn, .mfn = t->mfn, .mm = t->mm,
			     .class = s->class, .level = t->level };

	if (!s->reached)
		f.mm = 0;
	if (xen__is_table(inquiry__type(q, s->index)))
		f.level = inquiry__type(q, s->index) & XEN_T_LEVEL;
	testify(q, s, &f);
	return f;
}

static int by_pfn(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

int inquiry__conclude(struct inquiry *q)
{
	uint64_t init_mm = q->guest->places->init_mm;
	struct audit *a = q->audit;
	struct xp_owner *owners;
	int n;

	a->findings = calloc(q->nr, sizeof(*a->findings));
	if (!a->findings)
		return -ENOMEM;
	n = guest__owners(q->guest, &owners);
	for (size_t i = 0; i < q->nr; i++) {
		const struct suspect *s = &q->suspects[i];
		struct finding *f = &a->findings[a->nr_findings];

		if (inquiry__stands(q, s)) {
			*f = finding_of(q, s);
			name_owner(f, s->reached, owners, n, init_mm);
			a->nr_findings++;
		} else {
			a->unknown += !s->settled;
		}
	}
	free(owners);
	qsort(a->findings, a->nr_findings, sizeof(*a->findings), by_pfn);
	return 0;
}
