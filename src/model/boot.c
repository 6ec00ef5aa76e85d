// SPDX-License-Identifier: GPL-2.0-only
/* From records to the account of a boot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "boot.h"

int boot__begin(struct boot *b)
{
	memset(b, 0, sizeof(*b));
	b->frames = frames__new();
	return b->frames ? 0 : -ENOMEM;
}

void boot__expect(struct boot *b, const struct xp_boot_log *header)
{
	for (uint32_t n = 0; n < header->nodes; n++) {
		b->nodes[n].first_deferred = header->first_deferred_pfn[n];
		b->nodes[n].expected = header->first_deferred_pfn[n] != XP_NO_PFN;
	}
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

static void apply_range(struct boot *b, const struct xp_record *rec)
{
	switch (rec->where) {
	case XP_WHERE_NONE:
		/* Two records a range: the one before it is about no page yet. */
		if (!rec->u.boot.pages) {
			b->memmap_begin = rec->t;
			break;
		}
		b->memmap_ns += rec->t - b->memmap_begin;
		b->memmap_pages += rec->u.boot.pages;
		break;
	case XP_WHERE_HANDOVER:
		b->has_reserved = b->handover.begun;
		b->reserved_end = rec->t;
		break;
	}
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
		if (node->expected && node->first_pfn > node->first_deferred)
			node->grown = node->first_pfn - node->first_deferred;
		break;
	case XP_DEFERRED_END:
		end_stage(&node->deferred, rec);
		node->threads = rec->u.boot.threads;
		break;
	case XP_DEFERRED_RANGE:
		apply_range(b, rec);
		break;
	}
}

static int add_erased(struct boot *b, const struct xp_record *rec)
{
	if (GROW(b->erased, b->nr_erased, b->max_erased, 256))
		return -ENOMEM;
	b->erased[b->nr_erased++] = (struct boot_loss){
		.pfn = rec->u.flag.pfn, .t = rec->t, .level = rec->level, .where = rec->where,
	};
	return 0;
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

	if (rec->kind == XP_DROPPED) {
		b->unnumbered += rec->u.dropped.count;
		return 0;
	}
	count_gap(b, rec);
	if (!b->records++)
		b->first = rec->t;
	b->last = rec->t;
	b->repairs += rec->kind == XP_REPAIRED;
	err = apply_stage(b, rec);
	return err ?: frames__apply(b->frames, rec);
}

bool boot__lost(const struct boot *b, uint64_t pfn)
{
	const struct frame *frame = frames__find(b->frames, pfn);

	return frame && frame->erased;
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
		bool lost = boot__lost(b, b->erased[i].pfn);

		b->erased[i].repaired = !lost;
		sum->open += lost;
	}
}

static void sum_deferred(const struct boot *b, struct boot_sum *sum)
{
	int64_t begin = INT64_MAX, end = INT64_MIN;

	sum->has_deferred = true;
	for (int n = 0; n < XP_LOG_NODES; n++) {
		const struct boot_stage *s = &b->nodes[n].deferred;

		sum->has_deferred &= !boot__node_open(&b->nodes[n]);
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
 * What a page costs that is not deferred: its struct page, and its way to the
 * allocator.  The hand-over counts the deferred pages too, but leaves them alone.
 */
static void sum_early(const struct boot *b, struct boot_sum *sum)
{
	uint64_t late = sum->deferred_pages;

	for (int n = 0; n < XP_LOG_NODES; n++) {
		if (boot__node_open(&b->nodes[n]))
			return;
		late += b->nodes[n].grown;
	}
	if (!b->memmap_pages || !b->has_reserved || !b->handover.ended || b->handover.pages <= late)
		return;
	sum->reserved_ns = b->reserved_end - b->handover.begin;
	sum->free_ns = b->handover.end - b->reserved_end;
	sum->free_pages = b->handover.pages - late;
	sum->early_ns_per_page = (double)b->memmap_ns / b->memmap_pages +
				 (double)sum->free_ns / sum->free_pages;
	sum->has_early = true;
}

/*
 * What deferral saved: what its pages would have cost early, at that phase's own
 * price in this boot, against what the stage took.
 */
/*
 * Deferral has its price in the early stages, too: for each page it is asked whether the next ones are to
 * be deferred, and reserved pages take longer.  And what these stages take whatever the guest's size
 * looks like a price of pages.  No record tells how much of it a boot without deferral would not have.
 * Boots of both kinds were off by less than a fifth of what the pages would cost, all of the time for
 * reserved pages, and the price of 256 MiB.
 */
#define ERROR_PART	5
#define ERROR_PAGES	65536

static void sum_saved(struct boot_sum *sum)
{
	double would = sum->deferred_pages * sum->early_ns_per_page;

	sum->has_saved = sum->has_early && sum->deferred_ns;
	if (!sum->has_saved)
		return;
	sum->saved_ns = boot__whole(would - (double)sum->deferred_ns);
	sum->saved_error_ns = boot__whole(would / ERROR_PART + (double)sum->reserved_ns +
					  ERROR_PAGES * sum->early_ns_per_page);
}

void boot__sum(struct boot *b, struct boot_sum *sum)
{
	*sum = (struct boot_sum){
		.handover_ns = boot_stage__ns(&b->handover),
		.hook_ns = boot_stage__ns(&b->hook),
	};
	sum_losses(b, sum);
	sum_deferred(b, sum);
	sum_early(b, sum);
	sum_saved(sum);
	frames__each(b->frames, count_frame, sum);
}
