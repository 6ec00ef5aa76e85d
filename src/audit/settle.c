// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which suspects stand.
 *
 * A contradiction counts only of a page that was at rest.  The kernel contradicts itself
 * for a moment whenever it pins or unpins a tree, since flags, the direct map and Xen's types
 * do not change together; and a page may be met in another life at each look, since the
 * next fork reuses the page tables of the last.  Time alone tells neither from a fault:
 * to pin thousands of tables takes longer than any pause.
 *
 * So the kernel is asked.  Programs count by page what allocates and releases page tables, and
 * of each tree's roots what pins and unpins them (bpf/audit_moves.h).  Before each look every CPU
 * is visited, which ends what was under way.
 *
 * From its allocation until its release a page table belongs to one tree, which is pinned once
 * and unpinned once; each is over before the next visit.  So of a page whose count stands still
 * two looks may fall into these, and three cannot: what three in a row see is no moment.
 *
 * What a visit does not end is a task that is preempted before it clears the flag of a page that
 * it releases, or when it has set that of a page that it allocates.  No tree refers to the page
 * then.  So where such a page has the flag, the stacks of preempted tasks are looked at, too
 * (bpf/audit_halfway.h).
 *
 * All this holds of a guest that runs and whose moves can be followed.  The maker that reads the
 * guest says how many looks are needed, and when (struct guest_rules).  One that cannot follow
 * moves has nothing but time, and wants more looks.  Memory that stands still would show the same
 * at each look, so the first decides.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "inquiry.h"

bool inquiry__stands(const struct inquiry *q, const struct suspect *s)
{
	return !s->settled && s->looks >= q->guest->rules->looks &&
	       !(inquiry__table(q, s->index)->state & XP_S_NO_FLAG);
}

/* Did the page move since it was asked last? */
static bool has_moved(const struct inquiry *q, struct suspect *s)
{
	uint32_t before = s->moves;

	s->moves = guest__moves(q->guest, inquiry__table(q, s->index)->pfn);
	return s->moves != before;
}

/* See above: a task in the middle of an allocation or a release leaves a page like that. */
static bool may_be_halfway(const struct suspect *s)
{
	return s->class == FINDING_STALE && !s->reached;
}

/* Are there such pages, and such tasks?  1 or 0, or -errno. */
static int anybody_halfway(const struct inquiry *q, const uint32_t *open, size_t n)
{
	int tasks = 0;

	for (size_t i = 0; i < n; i++) {
		if (!may_be_halfway(&q->suspects[open[i]]))
			continue;
		tasks = guest__halfway(q->guest);
		break;
	}
	return tasks < 0 ? tasks : tasks > 0;
}

/* What the last look said.  @calm: after a visit to all CPUs, and no move went uncounted. */
static void weigh(const struct inquiry *q, struct suspect *s, bool calm, bool halfway)
{
	bool moved = has_moved(q, s);
	int class;

	/* A table that left its tree is judged as a page without one. */
	s->reached = s->walked && !(inquiry__table(q, s->index)->state & XP_S_NOT_THERE);
	class = inquiry__contradiction(q, s->index, s->reached);
	s->settled = class == FINDING_CLASSES;
	if (halfway && may_be_halfway(s))
		calm = false;
	s->looks = calm && !moved && class == s->class ? s->looks + 1 : 0;
	s->class = class;
}

/* All that is open; at the last pauses, which are for what moved, without what stands. */
static size_t open_suspects(const struct inquiry *q, uint32_t pause, uint32_t *indices)
{
	const struct guest_rules *rules = q->guest->rules;
	bool last = pause >= rules->unfollowed + rules->looks;
	size_t n = 0;

	for (size_t i = 0; i < q->nr; i++) {
		const struct suspect *s = &q->suspects[i];

		if (!s->settled && !(last && inquiry__stands(q, s)))
			indices[n++] = i;
	}
	return n;
}

/* Look once more at the @n suspects of @open.  @counted: since before the last look. */
static int look_again(struct inquiry *q, bool counted, const uint32_t *open, uint32_t *indices,
		      size_t n)
{
	int halfway = counted ? anybody_halfway(q, open, n) : 0, calm, err;

	if (halfway < 0)
		return halfway;
	calm = guest__visit_cpus(q->guest);
	if (calm < 0)
		return calm;
	for (size_t i = 0; i < n; i++)
		indices[i] = q->suspects[open[i]].index;
	err = guest__again(q->guest, indices, n);
	if (err)
		return err;
	inquiry__ask_xen(q, indices, n);
	if (!counted || guest__missed_moves(q->guest))
		calm = 0;
	for (size_t i = 0; i < n; i++)
		weigh(q, &q->suspects[open[i]], calm, halfway);
	return 0;
}

/* From now on it is counted what moves. */
static int begin_to_count(struct inquiry *q)
{
	int err = guest__follow(q->guest);

	for (size_t i = 0; !err && i < q->nr; i++)
		has_moved(q, &q->suspects[i]);
	return err;
}

static int settle_with(struct inquiry *q, uint32_t *open, uint32_t *indices)
{
	const struct guest_rules *rules = q->guest->rules;
	int err = 0;

	for (uint32_t i = 0; !err && i < PAUSES_MAX && rules->pauses_us[i]; i++) {
		size_t n = open_suspects(q, i, open);

		if (!n)
			break;
		if (i == rules->unfollowed)
			err = begin_to_count(q);
		if (err)
			break;
		usleep(rules->pauses_us[i]);
		err = look_again(q, i >= rules->unfollowed, open, indices, n);
	}
	return err;
}

int inquiry__settle(struct inquiry *q)
{
	uint32_t *lists = q->nr ? malloc(2 * q->nr * sizeof(*lists)) : NULL;
	int err;

	if (!q->nr)
		return 0;
	if (!lists)
		return -ENOMEM;
	err = settle_with(q, lists, lists + q->nr);
	guest__ignore(q->guest);
	free(lists);
	return err;
}
