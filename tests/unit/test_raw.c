// SPDX-License-Identifier: GPL-2.0-only
/* Records that are packed, and unpacked again: bit by bit the same, whatever they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "recording/raw.h"

#define ROUNDS	20000

static uint32_t state = 1;

static uint32_t below(uint32_t n)
{
	return (next_random(&state) >> 8) % n;
}

/* Any field in a few values, so that words are often those of the record before, and often not. */
static uint64_t some(uint64_t of)
{
	return below(3) ? below(4) * of : (uint64_t)below(1 << 24) << 24 | below(1 << 24);
}

static void make_record(union raw_record *r, int64_t seq)
{
	struct xp_record *rec = &r->head;
	bool batch;

	memset(r, 0, sizeof(*r));
	rec->seq = seq;
	rec->kind = 1 + below(XP_KIND_END - 1);
	rec->cpu = below(1 << 16);
	rec->t = some(1);
	rec->pid = some(1000);
	rec->level = below(XP_L4 + 1);
	rec->flags = below(64);
	rec->where = below(XP_WHERE_GROW + 1);
	memcpy(rec->comm, below(2) ? "forks" : "a name of fifte", 6);
	rec->u.table.pfn = some(1);
	rec->u.table.mm = some(0x12340000);
	rec->u.table.ip = some(7);
	if (rec->kind == XP_TABLE_RUN)
		rec->u.boot.pages = 1 + below(XP_RUN_MAX);
	if (rec->kind == XP_REFUSED)
		rec->u.refused.result |= INT16_MIN;
	batch = rec->kind == XP_BATCH || rec->kind == XP_UNBATCHED;
	if (batch)
		rec->u.batch.nops = below(XP_OPS_MAX + 1);
	for (int i = 0; rec->flags & XP_F_STACK && i < XP_STACK_MAX; i++)
		((uint64_t *)record__stack(rec))[i] = some(0xffffffff81000000);
	for (uint32_t i = 0; batch && i < rec->u.batch.nops; i++)
		record__ops(rec)[i] = (struct xp_op){
			some(3), some(1), some(1), 1 + below(2), below(5) };
	rec->nslots = record__slots(rec);
}

/* All records of @packed, from number @first on; the generator stands where it stood then. */
static void check_piece(const struct raw *packed)
{
	static struct raw raw;
	union raw_record want, got;
	int64_t seq = packed->first;
	const char *flaw = raw__open(&raw, seq, packed->piece, packed->bytes);

	assert_null(flaw);
	for (; seq < packed->seq; seq++) {
		make_record(&want, seq);
		assert_int_equal(raw.seq, seq);
		assert_true(raw__unpack(&raw, &got, &flaw));
		assert_memory_equal(&got, &want, want.head.nslots * XP_SLOT);
	}
	assert_false(raw__unpack(&raw, &got, &flaw));
	assert_null(flaw);
}

static void what_is_packed_is_unpacked(void **unused)
{
	static struct raw raw;
	union raw_record rec;
	uint32_t before = state;
	int pieces = 0;

	raw.seq = 1;
	raw__clear(&raw);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t begin = state;

		make_record(&rec, raw.seq);
		if (raw__pack(&raw, &rec.head))
			continue;
		state = before;
		check_piece(&raw);
		/* What had no room is the first one of the next piece. */
		assert_int_equal(state, begin);
		raw__clear(&raw);
		before = begin;
		state = begin;
		pieces++;
	}
	assert_true(pieces > 10);
}

static void a_piece_that_is_cut_anywhere_has_a_flaw_or_is_shorter(void **unused)
{
	static struct raw raw, cut;
	union raw_record rec;
	const char *flaw = NULL;

	raw.seq = 1;
	raw__clear(&raw);
	do
		make_record(&rec, raw.seq);
	while (raw.bytes < 4000 && raw__pack(&raw, &rec.head));
	for (size_t bytes = 1; bytes < raw.bytes; bytes++) {
		assert_null(raw__open(&cut, 1, raw.piece, bytes));
		while (raw__unpack(&cut, &rec, &flaw))
			;
		assert_true(cut.seq < raw.seq);
		assert_true(flaw || cut.at == bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(a_piece_that_is_cut_anywhere_has_a_flaw_or_is_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
