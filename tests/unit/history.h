/* SPDX-License-Identifier: GPL-2.0-only */
/* Histories of a few page tables, told to the model record by record, and what it finds. */
#ifndef XENPIN_TEST_HISTORY_H
#define XENPIN_TEST_HISTORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/pins.h"
#include "record/records.h"

#define MM	0xffff888004c60900ULL
#define INIT_MM	0xffffffff82b5c940ULL
#define PGD	0xffff888005732000ULL
#define PGD_PFN	0x5732ULL
#define EINVAL_	(-22)
#define KNOWN	XP_F_FLAG_KNOWN
#define SET	(XP_F_FLAG_KNOWN | XP_F_FLAG)

static struct finding found[16];
static int nr_found;

static inline void on_finding(void *context, const struct finding *finding)
{
	assert_true(nr_found < 16);
	found[nr_found++] = *finding;
}

static inline void feed(struct pins *p, struct xp_record *rec)
{
	memcpy(rec->comm, "forks", 6);
	rec->pid = 121;
	rec->t = 7ULL << 30;
	pins__complete(p, rec);
	assert_int_equal(pins__apply(p, rec), 0);
}

static inline void alloc(struct pins *p, uint64_t pfn, int level, int flags)
{
	struct xp_record rec = { .kind = XP_TABLE_ALLOC, .level = level, .flags = flags,
				 .u.table = { .pfn = pfn, .mm = MM } };

	feed(p, &rec);
}

static inline void release(struct pins *p, uint64_t pfn, int level, int flags)
{
	struct xp_record rec = { .kind = XP_TABLE_RELEASE, .level = level, .flags = flags,
				 .u.table = { .pfn = pfn } };

	feed(p, &rec);
}

static inline void tree(struct pins *p, int kind, uint64_t mm)
{
	struct xp_record rec = { .kind = kind, .level = XP_L4,
				 .u.mm = { .mm = mm, .pgd = PGD, .pgd_pfn = PGD_PFN } };

	feed(p, &rec);
}

static inline void flag_in(struct pins *p, int kind, uint64_t pfn, int level, uint64_t mm)
{
	struct xp_record rec = { .kind = kind, .level = level,
				 .u.flag = { .pfn = pfn, .mm = mm } };

	feed(p, &rec);
}

static inline void flag(struct pins *p, int kind, uint64_t pfn, int level)
{
	flag_in(p, kind, pfn, level, MM);
}

static inline void lose(struct pins *p, int probe)
{
	struct xp_record rec = { .kind = XP_DROPPED, .u.dropped = { .probe = probe, .count = 1 } };

	assert_int_equal(pins__apply(p, &rec), 0);
}

static inline void batch(struct pins *p, int flags, struct xp_op a, struct xp_op b)
{
	struct { struct xp_record rec; struct xp_op ops[2]; } e = {
		.rec = { .kind = XP_BATCH, .flags = flags,
			 .u.batch = { .entries = 2, .nops = b.op ? 2 : 1 } },
		.ops = { a, b },
	};

	feed(p, &e.rec);
}

static inline struct xp_op op(int kind, uint64_t pfn, int level, int result)
{
	return (struct xp_op){ .mfn = pfn + 0x70000, .pfn = pfn, .result = result, .op = kind,
			       .level = kind == XP_OP_PIN ? level : 0 };
}

static inline void one_op(struct pins *p, int kind, uint64_t pfn, int level, int result)
{
	batch(p, XP_F_RESULT, op(kind, pfn, level, result), (struct xp_op){});
}

/* A process: an L3, an L2 and an L1 table, pinned. */
static inline void a_process(struct pins *p)
{
	alloc(p, 3, XP_L3, KNOWN);
	alloc(p, 2, XP_L2, KNOWN);
	alloc(p, 1, XP_L1, KNOWN);
	tree(p, XP_MM_PIN, MM);
	batch(p, XP_F_RESULT, op(XP_OP_PIN, 1, XP_L1, 0), op(XP_OP_PIN, PGD_PFN, XP_L4, 0));
}

static inline const struct finding *only(struct pins *p)
{
	pins__confirm(p);
	assert_int_equal(nr_found, 1);
	return &found[0];
}

static inline void assert_finding(const struct finding *f, const char *class, const char *grade,
			   int witnesses, uint64_t pfn, int level)
{
	assert_string_equal(finding__class(f), class);
	assert_string_equal(finding__grade(f), grade);
	assert_int_equal(f->witnesses, witnesses);
	assert_int_equal(f->pfn, pfn);
	assert_int_equal(f->level, level);
	assert_int_equal(f->pid, 121);
	assert_string_equal(f->comm, "forks");
}

static inline void assert_none(struct pins *p)
{
	pins__confirm(p);
	assert_int_equal(nr_found, 0);
}

static inline int setup(void **state)
{
	nr_found = 0;
	*state = pins__new((struct pins_handlers){ .finding = on_finding });
	return !*state;
}

static inline int teardown(void **state)
{
	pins__free(*state);
	return 0;
}

static inline struct pin_state seed(uint64_t pfn, int level, int xen)
{
	return (struct pin_state){ .pfn = pfn, .mfn = pfn + 0x70000, .mm = MM, .level = level,
				   .xen = xen, .flag = PIN_FLAG_SET };
}

static inline struct pin_state state_of(struct pins *p, uint64_t pfn)
{
	struct pin_state state;

	assert_true(pins__find(p, pfn, &state));
	return state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
