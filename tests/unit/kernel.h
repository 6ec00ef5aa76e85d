/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel made of a few arrays: what the real one does to flags and pins when it
 * keeps the rules, and the records that this makes, told to the model at once.
 *
 * Like the real one it gives out first the page that was freed last.  Its seed says
 * whether it tells of each write of a flag, whether L1 tables have a lock and so a pin
 * of their own, and how often execve() fails.
 */
#ifndef XENPIN_TEST_KERNEL_H
#define XENPIN_TEST_KERNEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../include/config.h"
#include "model/pins.h"
#include "record/records.h"

enum { FRAMES = 96, MMS = 6, TABLES = 12, FREED = 256 };

struct frame {
	uint8_t level;		/* 0: not a page table */
	bool flag;
	bool pinned;		/* by itself, in Xen */
	bool readonly;		/* in the direct map */
	bool broken;		/* released while Xen has it: nobody may have it again */
};

struct process {
	bool alive, pinned;
	uint64_t pgd, user_pgd;
	uint64_t tables[TABLES];
	int n;
};

static struct kernel {
	struct frame frames[FRAMES];
	struct process mms[MMS];
	struct pins *pins;
	uint64_t t;
	unsigned int seed;
	bool exact;		/* tells of each write of a flag, too */
	bool split;		/* PTE locks: an L1 table is pinned by itself */
	bool failing;		/* execve() fails every other time */
	uint64_t freed[FREED];
	unsigned int nr_freed;
	void (*spoil)(struct xp_record *rec);	/* before it is told, or NULL */
	void (*deliver)(struct xp_record *rec);	/* instead of to the model, or NULL */
	int drop;		/* records still to lose */
	int dropped[XP_PROBES_MAX];
	int late;		/* records until the loss is told */
	struct { struct xp_record rec; struct xp_op ops[32]; } batch;
} k;

static struct finding found[64];
static int nr_found;

static void on_finding(void *context, const struct finding *finding)
{
	assert_true(nr_found < 64);
	found[nr_found++] = *finding;
}

/* XENPIN_HISTORIES, for who has the time, or as many as take a second. */
static inline unsigned int histories(unsigned int usual)
{
	const char *wanted = getenv("XENPIN_HISTORIES");

	return wanted ? strtoul(wanted, NULL, 10) : usual;
}

static int dice(int sides)
{
	return rand_r(&k.seed) % sides;
}

static void tell_losses(void)
{
	for (int p = 0; p < XP_PROBES_MAX; p++) {
		struct xp_record gap = { .kind = XP_DROPPED, .u.dropped = { p, 0, k.dropped[p], 0 } };

		if (k.dropped[p])
			assert_int_equal(pins__apply(k.pins, &gap), 0);
		k.dropped[p] = 0;
	}
}

static void emit(struct xp_record *rec)
{
	rec->t = k.t += 1 << 20;
	if (k.spoil)
		k.spoil(rec);
	if (k.deliver) {
		k.deliver(rec);
		return;
	}
	if (k.drop) {
		k.drop--;
		k.dropped[record__kind(rec)->probe]++;
		k.late = 1 + dice(20);
		return;
	}
	if (k.late && !--k.late)
		tell_losses();
	pins__complete(k.pins, rec);
	assert_int_equal(pins__apply(k.pins, rec), 0);
}

static uint64_t mm_address(const struct process *mm)
{
	return 0xffff888004c60000ULL + (mm - k.mms) * 0x480;
}

static void hypercall(int kind, uint64_t pfn)
{
	struct frame *f = &k.frames[pfn];
	bool pin = kind == XP_OP_PIN;
	struct xp_op *op = &k.batch.ops[k.batch.rec.u.batch.nops++];

	*op = (struct xp_op){ .op = kind, .pfn = pfn, .mfn = pfn ^ 0x70000,
			      .level = pin ? f->level : 0,
			      .result = f->pinned == pin ? -22 : 0 };
	f->pinned = pin;
}

static void flush(void)
{
	if (!k.batch.rec.u.batch.nops)
		return;
	k.batch.rec.kind = XP_BATCH;
	k.batch.rec.flags = XP_F_RESULT;
	emit(&k.batch.rec);
	memset(&k.batch, 0, sizeof(k.batch));
}

static bool is_free(uint64_t pfn)
{
	return !k.frames[pfn].level && !k.frames[pfn].broken;
}

static void free_frame(uint64_t pfn)
{
	k.frames[pfn].level = 0;
	k.freed[k.nr_freed++ % FREED] = pfn;
}

static uint64_t new_frame(int level)
{
	uint64_t pfn = FRAMES;

	if (k.nr_freed && dice(8))
		pfn = k.freed[--k.nr_freed % FREED];
	while (pfn == FRAMES || !is_free(pfn))
		pfn = dice(FRAMES);
	k.frames[pfn] = (struct frame){ .level = level };
	return pfn;
}

/* In the name of the mm at @address; 0: none. */
static void write_flag(uint64_t address, uint64_t pfn, bool set)
{
	struct frame *f = &k.frames[pfn];
	struct xp_record rec = { .kind = set ? XP_FLAG_SET : XP_FLAG_CLEAR, .level = f->level,
				 .flags = XP_F_FLAG_KNOWN | (f->flag ? XP_F_FLAG : 0),
				 .u.flag = { pfn, address, 0 } };

	f->flag = set;
	if (k.exact)
		emit(&rec);
}

/* With the flag go its pages' entries in the direct map, unless it is not there to go with. */
static void mark(uint64_t address, uint64_t pfn, bool set)
{
	struct frame *f = &k.frames[pfn];

	if (set || f->flag)
		f->readonly = set;
	write_flag(address, pfn, set);
}

static bool has_own_pin(const struct frame *f)
{
	return f->level == XP_L1 && k.split;
}

/* xen_alloc_ptpage(): of a new page, or of a table that mremap() moves. */
static void alloc_table(struct process *mm, uint64_t pfn)
{
	struct frame *f = &k.frames[pfn];
	struct xp_record rec = { .kind = XP_TABLE_ALLOC, .level = f->level,
				 .u.table = { pfn, mm_address(mm), 0 } };
	bool was = f->flag, pinned = k.frames[mm->pgd].flag;

	rec.flags = XP_F_FLAG_KNOWN | (was ? XP_F_FLAG : 0) | (pinned ? XP_F_PINNED : 0);
	emit(&rec);
	if (!pinned)
		return;
	mark(mm_address(mm), pfn, true);
	if (has_own_pin(f) && !was)
		hypercall(XP_OP_PIN, pfn);
	flush();
}

static void release_table(uint64_t pfn)
{
	struct frame *f = &k.frames[pfn];
	struct xp_record rec = { .kind = XP_TABLE_RELEASE, .level = f->level,
				 .flags = XP_F_FLAG_KNOWN | (f->flag ? XP_F_FLAG : 0),
				 .u.table.pfn = pfn };

	if (!f->flag && f->readonly)
		rec.flags |= XP_F_READONLY;
	emit(&rec);
	if (f->flag && has_own_pin(f))
		hypercall(XP_OP_UNPIN, pfn);
	flush();
	if (f->flag)
		mark(0, pfn, false);
	f->broken = f->pinned || f->readonly;
	free_frame(pfn);
}

static void mm_record(struct process *mm, int kind, uint64_t address)
{
	struct xp_record rec = { .kind = kind, .level = XP_L4,
				 .u.mm = { address, 0xffff888000000000ULL + (mm->pgd << 12),
					   mm->pgd } };

	emit(&rec);
}

static void pin_tree(struct process *mm, uint64_t address)
{
	mm_record(mm, XP_MM_PIN, address);
	for (int i = 0; i < mm->n; i++) {
		struct frame *f = &k.frames[mm->tables[i]];

		if (!f->flag && has_own_pin(f))
			hypercall(XP_OP_PIN, mm->tables[i]);
		mark(address, mm->tables[i], true);
	}
	mark(address, mm->pgd, true);
	hypercall(XP_OP_PIN, mm->pgd);
	mark(address, mm->user_pgd, true);
	hypercall(XP_OP_PIN, mm->user_pgd);
	flush();
	mm->pinned = true;
}

/* As bpf/upper.h looks at the upper tables of a tree that is about to be unpinned. */
static void look_at(uint64_t address, uint64_t pfn)
{
	struct frame *f = &k.frames[pfn];
	struct xp_record rec = { .kind = XP_FLAG_CLEAR, .level = f->level,
				 .flags = XP_F_INFERRED | XP_F_FLAG_KNOWN | XP_F_FLAG |
					  (f->readonly ? XP_F_READONLY : 0),
				 .u.flag = { pfn, address, 0 } };

	if (!f->flag && f->level > XP_L1)
		emit(&rec);
}

static void unpin_tree(struct process *mm, uint64_t address)
{
	look_at(address, mm->user_pgd);
	for (int i = 0; i < mm->n; i++)
		look_at(address, mm->tables[i]);
	mm_record(mm, XP_MM_UNPIN, address);
	hypercall(XP_OP_UNPIN, mm->pgd);
	hypercall(XP_OP_UNPIN, mm->user_pgd);
	mark(address, mm->user_pgd, false);
	for (int i = 0; i < mm->n; i++) {
		struct frame *f = &k.frames[mm->tables[i]];

		if (f->flag && has_own_pin(f))
			hypercall(XP_OP_UNPIN, mm->tables[i]);
		mark(address, mm->tables[i], false);
	}
	mark(address, mm->pgd, false);
	flush();
	mm->pinned = false;
}

static void make(struct process *mm)
{
	*mm = (struct process){ .alive = true, .pgd = new_frame(XP_L4),
				.user_pgd = new_frame(XP_L4) };
	for (int level = XP_L3; level >= XP_L1; level--)
		alloc_table(mm, mm->tables[mm->n++] = new_frame(level));
	if (dice(k.failing ? 2 : 4))
		pin_tree(mm, mm_address(mm));
}

static void free_pgd(uint64_t pfn)
{
	k.frames[pfn].broken = k.frames[pfn].readonly;
	free_frame(pfn);
}

static void end(struct process *mm)
{
	if (mm->pinned)
		unpin_tree(mm, mm_address(mm));
	while (mm->n)
		release_table(mm->tables[--mm->n]);
	free_pgd(mm->pgd);
	free_pgd(mm->user_pgd);
	mm->alive = false;
}

/* Trees that are not pinned yet are, for as long as the guest sleeps. */
static void suspend(void)
{
	bool saved[MMS];

	for (int i = 0; i < MMS; i++) {
		saved[i] = k.mms[i].alive && !k.mms[i].pinned;
		if (saved[i])
			pin_tree(&k.mms[i], 0xffffffff82b5c940ULL);
	}
	for (int i = 0; i < MMS; i++)
		if (saved[i])
			unpin_tree(&k.mms[i], 0xffffffff82b5c940ULL);
}

static void legal_step(void)
{
	struct process *mm = &k.mms[dice(MMS)];

	if (!mm->alive) {
		make(mm);
		return;
	}
	switch (dice(16)) {
	case 0:
		end(mm);
		break;
	case 1:
		suspend();
		break;
	case 2:
		if (!mm->pinned)
			pin_tree(mm, mm_address(mm));
		break;
	case 3: case 4: case 5: case 6:
		if (mm->n < TABLES)
			alloc_table(mm, mm->tables[mm->n++] = new_frame(dice(3) + XP_L1));
		break;
	case 7: case 8: case 9:
		alloc_table(mm, mm->tables[dice(mm->n)]);	/* mremap() */
		break;
	default:
		if (mm->n > 3)
			release_table(mm->tables[--mm->n]);
	}
	/* As a live source does: when it left no untold loss. */
	if (!dice(10) && !k.deliver && !k.drop && !k.late)
		pins__confirm(k.pins);
}

static void end_processes(void)
{
	for (int i = 0; i < MMS; i++)
		if (k.mms[i].alive)
			end(&k.mms[i]);
}

static void begin(unsigned int seed)
{
	memset(&k, 0, sizeof(k));
	nr_found = 0;
	k.seed = seed;
	k.exact = seed / 4 % 2;
	k.split = seed / 8 % 4;
	k.failing = seed / 32 % 2;
	k.pins = pins__new((struct pins_handlers){ .finding = on_finding });
	assert_non_null(k.pins);
}

/* A table of a pinned tree, of @level (L4: its user's); NULL when there is none. */
static inline struct frame *victim(int level, uint64_t *pfn)
{
	for (int try = 0; try < 100; try++) {
		struct process *mm = &k.mms[dice(MMS)];

		if (!mm->alive || !mm->pinned)
			continue;
		*pfn = level == XP_L4 ? mm->user_pgd : mm->tables[dice(mm->n)];
		if (k.frames[*pfn].level == level && k.frames[*pfn].flag)
			return &k.frames[*pfn];
	}
	return NULL;
}

#endif
