// SPDX-License-Identifier: GPL-2.0-only
/* The early ring, written as its BPF program does; and what messages and ftrace say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/records.h"
#include "boot/early.h"
#include "boot/kmsg.h"

#define SLOTS	32U
#define FIRST	1000	/* the boot log ended there */

struct fixture {
	struct xp_ring *ring;
	struct early *early;
	uint64_t slot;		/* of the record that should come next */
	uint64_t n, dropped;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ring = calloc(1, sizeof(*f->ring) + (SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT);
	f->ring->head = f->ring->tail = f->slot = FIRST;
	f->early = early__new(f->ring, FIRST, SLOTS);
	*state = f;
	return !f->early;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	early__close(f->early);
	free(f->ring);
	free(f);
	return 0;
}

static struct xp_record *at(struct fixture *f, uint64_t slot)
{
	return (void *)(f->ring->slots + slot % SLOTS * XP_SLOT);
}

/* Of as many slots as a batch of @nops operations takes; NULL when there is no room. */
static struct xp_record *reserve(struct fixture *f, uint32_t nops)
{
	uint64_t head = f->ring->head;
	struct xp_record *rec = at(f, head);
	uint32_t nslots = 1 + (nops + 1) / 2;

	if (head + nslots - f->ring->tail > SLOTS)
		return NULL;
	assert_int_equal(rec->seq, 0);
	memset(rec, 0, nslots * XP_SLOT);
	rec->kind = XP_BATCH;
	rec->nslots = nslots;
	rec->u.batch.nops = nops;
	for (uint32_t i = 0; i < nops; i++)
		record__ops(rec)[i] = (struct xp_op){ .op = XP_OP_PIN, .mfn = -1ULL };
	f->ring->head += nslots;
	return rec;
}

static bool write_one(struct fixture *f, uint32_t nops)
{
	uint64_t slot = f->ring->head;
	struct xp_record *rec = reserve(f, nops);

	if (!rec) {
		f->ring->dropped[XP_PROBE_FLUSH]++;
		return false;
	}
	rec->seq = slot + 1;
	return true;
}

static void on_record(void *context, struct xp_record *rec)
{
	struct fixture *f = context;

	if (rec->kind == XP_DROPPED) {
		f->dropped += rec->u.dropped.count;
		return;
	}
	assert_int_equal(rec->seq, (uint32_t)(f->slot + 1));
	f->slot += rec->nslots;
	f->n++;
}

static int drain(struct fixture *f)
{
	return early__drain(f->early, on_record, f);
}

static void records_come_in_the_order_of_their_numbers(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 5; i++)
		assert_true(write_one(f, i));
	assert_int_equal(drain(f), (1 + 2 + 2 + 3 + 3) * 100 / SLOTS);
	assert_int_equal(f->n, 5);
	assert_int_equal(drain(f), (1 + 2 + 2 + 3 + 3) * 100 / SLOTS);
	assert_int_equal(f->n, 5);
}

static void a_half_written_record_holds_back_what_follows(void **state)
{
	struct fixture *f = *state;
	struct xp_record *half;
	uint64_t slot;

	write_one(f, 1);
	slot = f->ring->head;
	half = reserve(f, 3);
	write_one(f, 0);
	drain(f);
	assert_int_equal(f->n, 1);
	half->seq = slot + 1;
	drain(f);
	assert_int_equal(f->n, 3);
}

static void what_was_read_stays_for_the_next_reader(void **state)
{
	struct fixture *f = *state;
	struct early *second;

	for (int i = 0; i < 8; i++)
		write_one(f, 1);
	drain(f);
	assert_int_equal(f->ring->tail, FIRST);
	second = early__new(f->ring, FIRST, SLOTS);
	f->slot = FIRST;
	assert_int_equal(early__drain(second, on_record, f), 50);
	assert_int_equal(f->n, 16);
	assert_int_equal(early__taken(second), 0);
	early__close(second);

	early__rewind(f->early);
	f->slot = FIRST;
	drain(f);
	assert_int_equal(f->n, 24);
}

static void a_ring_more_than_half_full_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct early *late;

	/* The last words of operations look like numbers to whoever does not clear them. */
	for (uint64_t n = 0; n < 1000; n++) {
		assert_true(write_one(f, n % 7));
		assert_true(drain(f) >= 0);
		assert_int_equal(f->n, n + 1);
	}
	assert_int_equal(f->dropped, 0);
	late = early__new(f->ring, FIRST, SLOTS);
	assert_int_equal(early__taken(late), f->ring->tail - FIRST);
	assert_true(early__taken(late) > 900);
	early__close(late);
}

static void losses_are_told_once(void **state)
{
	struct fixture *f = *state;

	while (write_one(f, 2))
		;
	assert_false(write_one(f, 2));
	assert_int_equal(drain(f), 100);
	assert_int_equal(f->dropped, 2);
	assert_true(write_one(f, 2));
	drain(f);
	assert_int_equal(f->dropped, 2);
	assert_int_equal(early__dropped(f->early), 2);
	assert_int_equal(early__missed(f->early), 0);
}

static void what_is_no_record_is_refused(void **state)
{
	struct fixture *f = *state;

	write_one(f, 0);
	write_one(f, 0);
	at(f, FIRST + 1)->u.batch.nops = 1U << 31;
	assert_int_equal(drain(f), -EBADMSG);
	assert_int_equal(f->n, 1);
	f->ring->head = FIRST + SLOTS + 1;
	assert_int_equal(drain(f), -EBADMSG);
	f->ring->head = FIRST - 1;
	assert_int_equal(drain(f), -EBADMSG);
}

static const char *const messages[] = {
	"6,0,10,-;Linux version 6.1.0-56-amd64",
	"6,103,5591048,-;Memory: 2167936K/7340028K available",
	"6,104,5591050,-;Memory: not the first",
	"6,181,6739535,-;node 0 deferred pages initialised in 108ms",
	"6,182,6739999,-;node 1 deferred pages initialised in 8ms",
	"6,183,6740000,-;node 1 deferred pages initialised in 8",
	"no record; node 2 deferred pages initialised in 8ms",
	"6,373,11728410,-;Run /init as init process",
	"6,374,11728411,-;Run away",
};

static void messages_tell_of_stages(void **state)
{
	struct kmsg k = {};

	for (size_t i = 1; i < sizeof(messages) / sizeof(*messages); i++)
		kmsg__line(&k, messages[i]);
	assert_false(k.complete);
	kmsg__line(&k, messages[0]);
	assert_true(k.complete);
	assert_int_equal(k.first, 10000);
	assert_true(k.memory == 5591048000ULL);
	assert_true(k.init == 11728410000ULL);
	assert_int_equal(k.nr_nodes, 2);
	assert_int_equal(k.nodes[1].node, 1);
	assert_int_equal(k.nodes[0].ms, 108);
	for (int i = 0; i < 2 * KMSG_NODES; i++)
		kmsg__line(&k, messages[3]);
	assert_int_equal(k.nr_nodes, KMSG_NODES);
}

static void ftrace_tells_of_tables(void **state)
{
	static const char *const lines[] = {
		"swapper/0-1  [000] .....  6.700000: xen_mmu_alloc_ptpage: mm 0 pfn 1 level 4 pinned",
		"swapper/0-1  [000] .....  7.000000: xen_mmu_release_ptpage: pfn 1 level 4 pinned",
		"swapper/0-1  [000] .....  7.000000: xen_mmu_pgd_pin: mm 0 pgd 1",
		"init-1       [001] ..... 12.000000: xen_mmu_alloc_ptpage: mm 0 pfn 1 level 4 pinned",
		"xen_mmu_alloc_ptpage: mm 0 pfn 1 level 4 pinned",
		"",
	};
	struct boot_ftrace f = {};
	struct kmsg k = {};

	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		kmsg__line(&k, messages[i]);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		boot_ftrace__line(&f, &k, lines[i]);
	assert_true(f.there && !f.overwritten);
	assert_int_equal(f.allocs, 1);
	assert_int_equal(f.releases, 1);
	assert_int_equal(f.deferred, 1);
	boot_ftrace__line(&f, &k, "CPU:0 [LOST 1234 EVENTS]");
	assert_true(f.overwritten);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_in_the_order_of_their_numbers),
		TEST(a_half_written_record_holds_back_what_follows),
		TEST(what_was_read_stays_for_the_next_reader),
		TEST(a_ring_more_than_half_full_is_given_back),
		TEST(losses_are_told_once),
		TEST(what_is_no_record_is_refused),
		TEST(messages_tell_of_stages),
		TEST(ftrace_tells_of_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
