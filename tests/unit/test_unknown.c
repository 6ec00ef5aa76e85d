// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records that do not say all.  Whatever is made unknown in a legal history, nothing
 * contradicts it; and what cannot be judged is counted.
 */
#include "kernel.h"

enum { STEPS = 300, HISTORIES = 2000 };

static uint64_t spoiled;

static void no_pfn(struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);

	switch (rec->kind) {
	case XP_BATCH:
		for (uint32_t i = dice(2); i < rec->u.batch.nops; i += 1 + dice(3))
			op[i].pfn = XP_NO_PFN;
		break;
	case XP_MM_PIN:
	case XP_MM_UNPIN:
		rec->u.mm.pgd_pfn = dice(2) ? XP_NO_PFN : rec->u.mm.pgd >> 12;
		break;
	default:
		rec->u.table.pfn = XP_NO_PFN;
	}
}

static void no_mm(struct xp_record *rec)
{
	if (rec->kind == XP_MM_PIN || rec->kind == XP_MM_UNPIN)
		rec->u.mm.mm = 0;
	else if (rec->kind != XP_BATCH)
		rec->u.table.mm = 0;
}

static void no_level(struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);

	rec->level = 0;
	for (uint32_t i = 0; rec->kind == XP_BATCH && i < rec->u.batch.nops; i++)
		op[i].level = dice(2) ? 0 : op[i].level;
}

static void no_flag(struct xp_record *rec)
{
	rec->flags &= ~(XP_F_FLAG_KNOWN | XP_F_FLAG | XP_F_READONLY);
	rec->flags |= dice(2) ? XP_F_FLAG : 0;
}

static void no_mfn(struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);

	for (uint32_t i = 0; rec->kind == XP_BATCH && i < rec->u.batch.nops; i++)
		op[i].mfn = XP_NO_PFN;
}

/* What stands in .result then is nobody's. */
static void no_result(struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);

	if (rec->kind != XP_BATCH)
		return;
	rec->flags &= ~XP_F_RESULT;
	for (uint32_t i = 0; i < rec->u.batch.nops; i++)
		op[i].result = dice(2) ? -22 : 0;
}

static void (*const ways[])(struct xp_record *rec) = {
	no_pfn, no_mm, no_level, no_flag, no_mfn, no_result,
};

enum { WAYS = sizeof(ways) / sizeof(*ways) };

/* Of a seed's histories: one field always, or any of some records. */
static void (*always)(struct xp_record *rec);
static int one_of;

static void spoil(struct xp_record *rec)
{
	if (dice(one_of))
		return;
	spoiled++;
	if (always)
		always(rec);
	for (int n = always ? 0 : 1 + dice(2); n; n--)
		ways[dice(WAYS)](rec);
}

/* Returns what was counted as unjudged. */
static uint64_t live_through(unsigned int seed)
{
	uint64_t unjudged;

	begin(seed);
	k.spoil = spoil;
	for (int i = 0; i < STEPS; i++)
		legal_step();
	end_processes();
	pins__confirm(k.pins);
	assert_int_equal(nr_found, 0);
	unjudged = pins__unjudged(k.pins);
	pins__free(k.pins);
	return unjudged;
}

static void any_field_of_some_records(void **state)
{
	uint64_t unjudged = 0;

	always = NULL;
	spoiled = 0;
	for (int h = 0; h < (int)histories(HISTORIES); h++) {
		one_of = 1 + h % 60;
		unjudged += live_through(h);
	}
	assert_true(spoiled > 10 * histories(HISTORIES) && unjudged > histories(HISTORIES));
}

/* As a kernel makes them whose frames, or flags, or whatever, nobody can read. */
static void one_field_of_all_records(void **state)
{
	uint64_t unjudged[WAYS] = {};

	one_of = 1;
	for (int w = 0; w < WAYS; w++) {
		always = ways[w];
		for (int h = 0; h < (int)histories(HISTORIES) / WAYS; h++)
			unjudged[w] += live_through(h);
	}
	/* These four decide; of mfns and results no rule needs to know. */
	for (int w = 0; w < 4; w++)
		assert_true(unjudged[w] > histories(HISTORIES) / WAYS);
	assert_int_equal(unjudged[4], 0);
	assert_int_equal(unjudged[5], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_field_of_some_records),
		cmocka_unit_test(one_field_of_all_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
