// SPDX-License-Identifier: GPL-2.0-only
/* An open hash of frames.  None is ever removed: what was a page table once is news of its own. */
#include <errno.h>
#include <stdlib.h>

#include "record/records.h"
#include "frames.h"

struct frames {
	struct frame *hash;
	uint64_t size, used;	/* size: a power of two */
	uint64_t in_runs;	/* tables that came in runs */
};

static struct frame *look_up(const struct frame *hash, uint64_t size, uint64_t pfn)
{
	uint64_t i = pfn * 0x9e3779b97f4a7c15ULL >> 20 & (size - 1);

	while (hash[i].used && hash[i].pfn != pfn)
		i = (i + 1) & (size - 1);
	return (struct frame *)&hash[i];
}

struct frames *frames__new(void)
{
	struct frames *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->size = 1 << 10;
	f->hash = calloc(f->size, sizeof(*f->hash));
	if (f->hash)
		return f;
	free(f);
	return NULL;
}

void frames__free(struct frames *f)
{
	if (!f)
		return;
	free(f->hash);
	free(f);
}

static int grow(struct frames *f)
{
	uint64_t size = f->size * 2;
	struct frame *hash = calloc(size, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	for (uint64_t i = 0; i < f->size; i++)
		if (f->hash[i].used)
			*look_up(hash, size, f->hash[i].pfn) = f->hash[i];
	free(f->hash);
	f->hash = hash;
	f->size = size;
	return 0;
}

static struct frame *get(struct frames *f, uint64_t pfn)
{
	struct frame *frame = look_up(f->hash, f->size, pfn);

	if (frame->used)
		return frame;
	if (f->used >= f->size / 2) {
		if (grow(f))
			return NULL;
		frame = look_up(f->hash, f->size, pfn);
	}
	f->used++;
	*frame = (struct frame){ .pfn = pfn, .used = true };
	return frame;
}

static int apply_op(struct frames *f, const struct xp_op *op)
{
	struct frame *frame;

	if (op->result || op->pfn == XP_NO_PFN)
		return 0;
	frame = get(f, op->pfn);
	if (!frame)
		return -ENOMEM;
	frame->pinned = frame->table = frame->made = op->op == XP_OP_PIN;
	if (op->level)
		frame->level = op->level;
	return 0;
}

static int apply_ops(struct frames *f, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);
	int err = 0;

	for (uint32_t i = 0; !err && i < rec->u.batch.nops; i++)
		err = apply_op(f, &op[i]);
	return err;
}

static void apply_page(struct frame *frame, const struct xp_record *rec)
{
	if (rec->level)
		frame->level = rec->level;
	switch (rec->kind) {
	case XP_TABLE_ALLOC:
		/* In a tree that is not pinned it is a page like any other, for now. */
		if (rec->flags & XP_F_PINNED)
			frame->table = frame->made = true;
		break;
	case XP_TABLE_RELEASE:
		frame->table = frame->made = frame->pinned;
		break;
	case XP_FLAG_SET:
	case XP_REPAIRED:
		frame->flag = frame->table = true;
		frame->erased = false;
		break;
	case XP_FLAG_CLEAR:
		frame->flag = frame->erased = false;
		frame->table = frame->pinned;
		break;
	case XP_ERASED:
		frame->flag = false;
		frame->erased = true;
		break;
	}
}

/* A run says of each of its tables what an allocation and a pin by a hypercall of its own would. */
static int apply_run(struct frames *f, const struct xp_record *rec)
{
	struct frame *frame;
	uint64_t pfn;

	f->in_runs += rec->u.boot.pages;
	if (f->in_runs > XP_RUNS_MAX)
		return -E2BIG;
	for (uint32_t i = 0; record__frame(rec, i, &pfn); i++) {
		frame = get(f, pfn);
		if (!frame)
			return -ENOMEM;
		frame->level = XP_L1;
		frame->pinned = frame->table = frame->made = true;
	}
	return 0;
}

int frames__apply(struct frames *f, const struct xp_record *rec)
{
	struct frame *frame;
	uint64_t pfn;

	if (record__has_ops(rec))
		return apply_ops(f, rec);
	if (rec->kind == XP_TABLE_RUN)
		return apply_run(f, rec);
	/* Each table of a tree has records of its own. */
	if (record__shape(rec) == SHAPE_mm || !record__frame(rec, 0, &pfn))
		return 0;
	frame = get(f, pfn);
	if (!frame)
		return -ENOMEM;
	apply_page(frame, rec);
	return 0;
}

const struct frame *frames__find(const struct frames *f, uint64_t pfn)
{
	const struct frame *frame = look_up(f->hash, f->size, pfn);

	return frame->used ? frame : NULL;
}

void frames__each(const struct frames *f, frame_fn fn, void *context)
{
	for (uint64_t i = 0; i < f->size; i++)
		if (f->hash[i].used)
			fn(context, &f->hash[i]);
}
