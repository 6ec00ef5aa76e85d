// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records a second the model takes, on one core: the life of forked
 * processes, 15 tables each, among half a million other tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/clock.h"
#include "../../src/model/pins.h"
#include "../../src/record/records.h"

enum { OTHERS = 1 << 19, FORKS = 100000, TABLES = 15, L1S = 6, ALIVE = 64 };

struct event {
	struct xp_record rec;
	struct xp_op ops[L1S + 2];
};

static struct pins *pins;
static uint64_t records;

static void feed(struct event *e)
{
	e->rec.t = ++records << 10;
	pins__complete(pins, &e->rec);
	if (pins__apply(pins, &e->rec))
		abort();
}

static void table(int kind, uint64_t pfn, int level, uint64_t mm)
{
	struct event e = { .rec = { .kind = kind, .level = level, .flags = XP_F_FLAG_KNOWN,
				    .u.table = { pfn, mm, 0 } } };

	feed(&e);
}

static void tree(int kind, int op, uint64_t mm, uint64_t first)
{
	struct event e = { .rec = { .kind = kind, .level = XP_L4,
				    .u.mm = { mm, 0xffff888000000000ULL, first + TABLES } } };

	feed(&e);
	e.rec = (struct xp_record){ .kind = XP_BATCH, .flags = XP_F_RESULT,
				    .u.batch = { .entries = 20, .nops = L1S + 2 } };
	for (int i = 0; i < L1S + 2; i++)
		e.ops[i] = (struct xp_op){ .mfn = first + i, .pfn = first + TABLES - L1S + i,
					   .op = op, .level = i < L1S ? XP_L1 : XP_L4 };
	feed(&e);
}

static int level_of(int i)
{
	return i >= TABLES - L1S ? XP_L1 : i % 2 ? XP_L2 : XP_L3;
}

static void process(int fork, bool begins)
{
	uint64_t mm = 0xffff888004c60000ULL + fork % ALIVE * 0x480;
	uint64_t first = (uint64_t)fork * 7919 % ALIVE * 64 + OTHERS;

	if (!begins)
		tree(XP_MM_UNPIN, XP_OP_UNPIN, mm, first);
	for (int i = 0; i < TABLES; i++)
		table(begins ? XP_TABLE_ALLOC : XP_TABLE_RELEASE, first + i, level_of(i), mm);
	if (begins)
		tree(XP_MM_PIN, XP_OP_PIN, mm, first);
}

static void on_finding(void *context, const struct finding *finding)
{
	abort();
}

int main(void)
{
	uint64_t begin, ns;

	pins = pins__new((struct pins_handlers){ .finding = on_finding });
	for (uint64_t pfn = 0; pfn < OTHERS; pfn++) {
		struct pin_state seen = { .pfn = pfn, .mfn = pfn, .mm = 1, .level = XP_L1,
					  .xen = PIN_EXPLICIT, .flag = PIN_FLAG_SET };

		if (pins__seed(pins, &seen))
			abort();
	}
	begin = now_ns();
	for (int i = 0; i < FORKS + ALIVE; i++) {
		if (i >= ALIVE)
			process(i - ALIVE, false);
		if (i < FORKS)
			process(i, true);
		pins__confirm(pins);
	}
	ns = now_ns() - begin;
	printf("%.1f M records/s, %u tables left\n", records * 1e3 / ns, pins__count(pins));
	pins__free(pins);
	return 0;
}
