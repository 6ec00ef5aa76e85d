// SPDX-License-Identifier: GPL-2.0-only
/* From records to the account of a boot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

int boot__begin(struct boot *b)
{
	memset(b, 0, sizeof(*b));
	b->frames = frames__new();
	return b->frames ? 0 : -ENOMEM;
}

void boot__expect(struct boot *b, const struct xp_boot_log *header)
{
	for (uint32_t n = 0; n < header->nodes; n++)
		b->nodes[n].expected = header->first_deferred_pfn[n] != XP_NO_PFN;
}

bool boot__node_open(const struct boot_node *node)
{
	return (node->expected || node->deferred.begun) && !node->deferred.ended;
}

void boot__end(struct boot *b)
{
	frames__free(b->frames);
	free(b->erased);
}

/* What numbers say: is there a gap before @rec? */
static void count_gap(struct boot *b, const struct xp_record *rec)
{
	uint32_t slot = rec->seq - 1, skipped = slot - (uint32_t)b->next;

	b->missing += skipped;
	b->next += skipped + rec->nslots;
}

static void begin_stage(struct boot_stage *s, const struct xp_record *rec)
{
	s->begun = true;
	s->begin = rec->t;
}

static void end_stage(struct boot_stage *s, const struct xp_record *rec)
{
	s->ended = true;
	s->end = rec->t;
	s->pages = rec->u.boot.pages;
}

static struct boot_node *node_of(struct boot *b, const struct xp_record *rec)
{
	return rec->u.boot.node < XP_LOG_NODES ? &b->nodes[rec->u.boot.node] : NULL;
}

static void apply_deferred(struct boot *b, const struct xp_record *rec)
{
	struct boot_node *node = node_of(b, rec);

	if (!node)
		return;
	switch (rec->kind) {
	case XP_DEFERRED_BEGIN:
		begin_stage(&node->deferred, rec);
		node->first_pfn = rec->u.boot.pfn;
		break;
	case XP_DEFERRED_END:
		end_stage(&node->deferred, rec);
		node->threads = rec->u.boot.threads;
		break;
	case XP_DEFERRED_RANGE:
		if (rec->where == XP_WHERE_GROW)
			node->grown += rec->u.boot.pages;
		break;
	}
}

static int add_erased(struct boot *b, const struct xp_record *rec)
{
	if (b->nr_erased == b->max_erased) {
		uint64_t max = b->max_erased * 2 ?: 256;
		void *more = reallocarray(b->erased, max, sizeof(*b->erased));

		if (!more)
			return -ENOMEM;
		b->erased = more;
		b->max_erased = max;
	}
	b->erased[b->nr_erased++] = (struct boot_loss){
		.pfn = rec->u.flag.pfn, .level = rec->level, .where = rec->where,
	};
	return 0;
}

/*
 * Struct pages that are not deferred are initialised at the end of
 * paging_init(): behind the last page table that was made and pinned for them,
 * by a hypercall of its own, and before the first record of what follows, where
 * pins are batched.  Nothing else there takes time.
 */
static void watch_memmap(struct boot *b, const struct xp_record *rec)
{
	struct boot_stage *m = &b->memmap;

	if (m->ended || b->handover.begun)
		return;
	if (rec->kind == XP_DIRECT) {
		begin_stage(m, rec);
		m->end = 0;
	} else if (m->begun && !m->end) {
		m->end = rec->t;
	}
	m->ended = m->begun && rec->kind != XP_DIRECT && rec->kind != XP_TABLE_ALLOC;
}

static int apply_stage(struct boot *b, const struct xp_record *rec)
{
	switch (rec->kind) {
	case XP_HANDOVER_BEGIN:
		begin_stage(&b->handover, rec);
		return 0;
	case XP_HANDOVER_END:
		end_stage(&b->handover, rec);
		return 0;
	case XP_HOOK_BEGIN:
		begin_stage(&b->hook, rec);
		return 0;
	case XP_HOOK_END:
		end_stage(&b->hook, rec);
		return 0;
	case XP_DEFERRED_BEGIN:
	case XP_DEFERRED_END:
	case XP_DEFERRED_RANGE:
		apply_deferred(b, rec);
		return 0;
	case XP_ERASED:
		return add_erased(b, rec);
	default:
		return 0;
	}
}

int boot__apply(struct boot *b, const struct xp_record *rec)
{
	int err;

	if (rec->kind == XP_LOST) {
		b->unnumbered += rec->u.lost.count;
		return 0;
	}
	count_gap(b, rec);
	if (!b->records++)
		b->first = rec->t;
	b->last = rec->t;
	watch_memmap(b, rec);
	err = apply_stage(b, rec);
	return err ?: frames__apply(b->frames, rec);
}

static void count_frame(void *context, const struct frame *frame)
{
	struct boot_sum *sum = context;

	sum->flagged += frame->flag;
	sum->tables += frame->table;
	sum->pinned += frame->pinned;
	sum->bare += frame->table && !frame->flag && !frame->erased;
}

static void sum_losses(struct boot *b, struct boot_sum *sum)
{
	for (uint64_t i = 0; i < b->nr_erased; i++) {
		const struct frame *frame = frames__find(b->frames, b->erased[i].pfn);

		b->erased[i].repaired = !frame->erased;
		sum->open += frame->erased;
	}
}

static void sum_deferred(const struct boot *b, struct boot_sum *sum)
{
	int64_t begin = INT64_MAX, end = INT64_MIN;

	for (int n = 0; n < XP_LOG_NODES; n++) {
		const struct boot_stage *s = &b->nodes[n].deferred;

		if (!boot_stage__ns(s))
			continue;
		begin = s->begin < begin ? s->begin : begin;
		end = s->end > end ? s->end : end;
		sum->deferred_pages += s->pages;
	}
	if (begin < end)
		sum->deferred_ns = end - begin;
}

/*
 * What deferral saved: what its pages would have cost in the early phase, at
 * that phase's own price in this boot, against what the stage took.  Pages are
 * those that go to the allocator; the hand-over counts the deferred ones too,
 * but leaves them alone.
 */
static void sum_saved(const struct boot *b, struct boot_sum *sum)
{
	uint64_t memmap = boot_stage__ns(&b->memmap), late = sum->deferred_pages;

	for (int n = 0; n < XP_LOG_NODES; n++) {
		if (boot__node_open(&b->nodes[n]))
			return;
		late += b->nodes[n].grown;
	}
	if (!memmap || !sum->handover_ns || b->handover.pages <= late)
		return;
	sum->early_ns = memmap + sum->handover_ns;
	sum->early_pages = b->handover.pages - late;
	sum->early_ns_per_page = (double)sum->early_ns / sum->early_pages;
	sum->has_saved = sum->deferred_ns != 0;
	if (sum->has_saved)
		sum->saved_ns = sum->deferred_pages * sum->early_ns_per_page -
				(double)sum->deferred_ns;
}

void boot__sum(struct boot *b, struct boot_sum *sum)
{
	*sum = (struct boot_sum){
		.handover_ns = boot_stage__ns(&b->handover),
		.hook_ns = boot_stage__ns(&b->hook),
	};
	sum_losses(b, sum);
	sum_deferred(b, sum);
	sum_saved(b, sum);
	frames__each(b->frames, count_frame, sum);
}
