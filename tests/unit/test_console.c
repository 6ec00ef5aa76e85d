// SPDX-License-Identifier: GPL-2.0-only
/* Consoles: whole, cut at every byte, in pieces, of other kernels, and no text at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "console/addresses.h"
#include "console/judge.h"
#include "random.h"
#include "record/records.h"

/* From a guest that died (tests/lab/test_boot.py), shortened. */
static const char death[] =
	"(XEN) d0 has maximum 856 PIRQs\n"
	"[    0.000000] Linux version 6.1.192-xenpin (root@vm) (gcc 12.2.0) #1 SMP\n"
	"[    5.128036] BUG: unable to handle page fault for address: ffff888274934068\n"
	"[    5.128090] #PF: supervisor write access in kernel mode\n"
	"[    5.128116] #PF: error_code(0x0003) - permissions violation\n"
	"[    5.128222] Oops: 0003 [#1] SMP NOPTI\n"
	"[    5.128310] xenpin: erased total=5194 shown=3\n"
	"[    5.129266] xenpin: erased pfn=0x27352a level=1 where=handover\n"
	"[    5.129296] xenpin: erased pfn=0x274934 level=2 where=handover\n"
	"[    5.129325] xenpin: erased pfn=0x2749bb level=3 where=deferred\n"
	"[    5.129564] xenpin: fault addr=0xffff888274934068 pfn=0x274934 level=2 flag=0 erased=1 "
	"where=handover\n"
	"[    5.131226] xenpin: last seq=20822 t=2670844106 cpu=0 kind=alloc pfn=0x274934 level=2 "
	"where=- ip=xen_alloc_ptpage+0x151/0x330\n"
	"[    5.131295] xenpin: last seq=20823 t=2670844666 cpu=0 kind=batch pfn=0x274934 level=1 "
	"op=pin mfn=0x32e3f4 result=-22\n"
	"[    5.131428] xenpin: log head=26218 lost=7 slots=65536\n"
	"[    5.131500] RIP: e030:xen_set_pmd+0x1f/0xb0\n"
	"[    5.131942] Kernel panic - not syncing: Attempted to kill the idle task!\n"
	"[    5.131943] BUG: unable to handle page fault for address: 0000000000000000\n";

/* From buffers of just their size, so that reading behind them is noticed. */
static void feed(struct scan *scan, const char *text, size_t size)
{
	char *copy = malloc(size ?: 1);

	memcpy(copy, text, size);
	scan__feed(scan, copy, size);
	free(copy);
}

static struct console *read_pieces(const char *text, size_t size, size_t piece)
{
	struct console *c = calloc(1, sizeof(*c));

	scan__begin(&c->scan);
	for (size_t at = 0; at < size; at += piece)
		feed(&c->scan, text + at, size - at < piece ? size - at : piece);
	assert_int_equal(scan__end(&c->scan), 0);
	assert_int_equal(console__judge(c), 0);
	return c;
}

static struct console *read_text(const char *text)
{
	return read_pieces(text, strlen(text), strlen(text) ?: 1);
}

static void done(struct console *c)
{
	console__free(c);
	free(c);
}

static struct boot_facts *newest(struct console *c)
{
	assert_true(c->boots.nr > 0);
	return c->boots.boot[c->boots.nr - 1];
}

static void a_death_is_understood(void **state)
{
	struct console *c = read_text(death);
	struct boot_facts *b = newest(c);
	struct oops *o = &b->oopses[0];
	struct oops_view v;

	assert_int_equal(c->boots.nr, 1);
	assert_string_equal(b->kernel->text, "6.1.192-xenpin");
	oops_view__read(&v, o, b, c);
	assert_true(v.page_fault && v.address == 0xffff888274934068);
	assert_true(v.has_code && v.code == 3);
	assert_string_equal(o->of[FACT_RIP]->text, "xen_set_pmd+0x1f/0xb0");
	assert_string_equal(v.function, "xen_set_pmd");
	assert_true(v.pfn == 0x274934 && v.level == 2);
	assert_int_equal(b->erased_total->v[0], 5194);
	assert_int_equal(b->nr_erased, 3);
	assert_int_equal(b->erased[2]->v[0], 0x2749bb);
	assert_int_equal(b->erased[2]->v[1], 3);
	assert_int_equal(b->erased[2]->v[2], XP_WHERE_DEFERRED);
	assert_int_equal(b->nr_last, 2);
	assert_string_equal(b->last[0]->name, "alloc");
	assert_string_equal(b->last[0]->text, "xen_alloc_ptpage+0x151/0x330");
	assert_string_equal(b->last[1]->text, "pin, result -22");
	assert_true(b->log->v[0] == 26218 && b->log->v[1] == 7 && b->log->v[2] == 65536);
	assert_int_equal(c->scan.cut, 0);
	assert_int_equal(b->nr_oopses, 2);
	assert_int_equal(b->verdict.class, VERDICT_ERASED);
	assert_int_equal(b->verdict.grade, VERDICT_IS_SHOWN);
	done(c);
}

/* A line is used whole or not at all, wherever the console ends. */
static void a_console_cut_anywhere(void **state)
{
	for (size_t size = 0; size < strlen(death); size++) {
		struct console *c = read_pieces(death, size, size ?: 1);
		struct boot_facts *b = c->boots.nr ? newest(c) : NULL;

		assert_true(c->scan.cut == 0 || c->scan.cut == 1);
		for (unsigned int i = 0; b && i < b->nr_erased; i++)
			assert_true(b->erased[i]->v[0] == 0x27352a ||
				    b->erased[i]->v[0] == 0x274934 ||
				    b->erased[i]->v[0] == 0x2749bb);
		for (unsigned int i = 0; b && i < b->nr_oopses; i++) {
			struct oops_view v;

			oops_view__read(&v, &b->oopses[i], b, c);
			assert_true(!v.has_address || v.address == 0xffff888274934068 ||
				    !v.address);
			assert_true(!v.has_code || v.code == 3);
			assert_true(!*v.function || !strcmp(v.function, "xen_set_pmd"));
		}
		if (b && b->log)
			assert_int_equal(b->log->v[2], 65536);
		if (c->scan.cut)
			assert_int_not_equal(death[size - 1], '\n');
		done(c);
	}
}

/* However a pipe cuts it, a console says the same. */
static void pieces_do_not_matter(void **state)
{
	for (size_t piece = 1; piece < 200; piece += 7) {
		struct console *c = read_pieces(death, strlen(death), piece);

		assert_int_equal(c->boots.nr, 1);
		assert_int_equal(newest(c)->nr_erased, 3);
		assert_int_equal(c->verdict->class, VERDICT_ERASED);
		done(c);
	}
}

static void lines_that_are_not_ours_are_left_alone(void **state)
{
	static const char *const damaged[] = {
		"xenpin: erased pfn=0x27352a level=7 where=handover\n",
		"xenpin: erased pfn=0x27352a level=1 where=somewhere\n",
		"xenpin: erased pfn=27352a level=1 where=handover\n",
		"xenpin: erased level=1 pfn=0x27352a where=handover\n",
		"xenpin: fault addr=0xffff888274934068 pfn=0x274934 level=2 flag=0 erased=1 "
		"where=-\n",
		"xenpin: fault addr=0xffff888274934068 pfn=0x274934 level=2 flag=0 erased=0 "
		"where=handover\n",
		"xenpin: fault addr=0xffff888274934068 pfn=- level=2 flag=- erased=- where=-\n",
		"xenpin: last seq=1 t=2 cpu=0 kind=alloc pfn=0x1\n",
		"xenpin: log head=1 lost=2\n",
		"xenpin: log head=1 lost=2 slots=3",
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		struct console *c = read_text(damaged[i]);
		struct boot_facts *b = newest(c);

		assert_int_equal(c->scan.cut, 1);
		assert_false(b->nr_oopses || b->erased_total || b->log || b->nr_erased ||
			     b->nr_last);
		assert_int_equal(c->verdict->class, VERDICT_UNKNOWN);
		done(c);
	}
}

static void an_address_outside_the_direct_map_has_no_page(void **state)
{
	struct console *c =
		read_text("xenpin: fault addr=0x10 pfn=- level=0 flag=- erased=- where=-\r\n");
	struct oops_view v;

	oops_view__read(&v, &newest(c)->oopses[0], newest(c), c);
	assert_true(v.has_address && v.address == 0x10 && v.pfn == XP_NO_PFN);
	done(c);
}

static void more_than_there_can_be_is_not_stored(void **state)
{
	static const char *const lines[] = {
		"xenpin: erased pfn=0x%x level=1 where=grow\n",
		"xenpin: last seq=%d t=2 cpu=0 kind=alloc pfn=0x1 level=1 where=- ip=f\n",
		"kernel BUG at mm/a.c:%d!\n",
		"%d of 3 multicall(s) failed: cpu 1\n",
	};
	struct boot_facts *b;
	struct console *c;
	char text[65536];
	size_t len = 0;

	for (int i = 0; i < 100; i++)
		for (size_t n = 0; n < sizeof(lines) / sizeof(*lines); n++)
			len += sprintf(text + len, lines[n], i);
	c = read_text(text);
	b = newest(c);
	assert_int_equal(b->nr_erased, BOOT_ERASED);
	assert_int_equal(b->nr_last, BOOT_LAST);
	assert_int_equal(b->nr_oopses, BOOT_OOPSES);
	assert_int_equal(b->nr_oopses + b->more_oopses, 100);
	assert_int_equal(b->nr_refusals + b->more_refusals, 100);
	done(c);
}

/* The newest boots are kept, and it is said how many are not. */
static void more_boots_than_there_is_room(void **state)
{
	char *text = calloc(1, 200000), *at = text;
	struct console *c;

	for (int i = 0; i < 300; i++)
		at += sprintf(at, "[    0.000000] Linux version 6.1.%d (a@b) #1\n"
			      "[    1.000000] kernel BUG at mm/a.c:%d!\n", i, i);
	c = read_text(text);
	assert_int_equal(c->boots.nr, BOOTS_MAX);
	assert_int_equal(c->boots.older, 300 - BOOTS_MAX);
	assert_string_equal(newest(c)->kernel->text, "6.1.299");
	done(c);
	free(text);
}

/* Guests for whom there is no room are left out, and never taken for one another. */
static void more_guests_than_there_is_room(void **state)
{
	char *text = calloc(1, 200000), *at = text;
	struct console *c;

	for (int i = 0; i < 40; i++)
		at += sprintf(
			at,
			"guest-%d: [    1.000000] BUG: unable to handle page fault for address: "
			"ffff8880000%02x000\n",
			i, i);
	for (int i = 39; i >= 0; i--)
		at += sprintf(at, "guest-%d: [    1.000001] Oops: %04x [#1] SMP\n", i, i);
	c = read_text(text);
	assert_int_equal(c->boots.nr, CONSOLE_GUESTS - 1);
	assert_int_equal(c->scan.mender.others, 2 * (40 - CONSOLE_GUESTS + 1));
	for (unsigned int i = 0; i < c->boots.nr; i++) {
		struct boot_facts *b = c->boots.boot[i];
		struct oops_view v;

		assert_int_equal(b->nr_oopses, 1);
		oops_view__read(&v, &b->oopses[0], b, c);
		assert_int_equal(v.pfn, v.code);
	}
	done(c);
	free(text);
}

/* A storm of the same lines is one fact and a number; one of different lines has an end. */
static void a_storm_takes_little_room(void **state)
{
	struct console *c = calloc(1, sizeof(*c));
	char text[400];

	scan__begin(&c->scan);
	for (int i = 0; i < 200000; i++) {
		int len = snprintf(text, sizeof(text),
				   "[%5d.%06d] 1 of 1 multicall(s) failed: cpu 0\n"
				   "[%5d.%06d]   call  1: op=1 arg=[ffff8880a1a9eb10] result=-22\n"
				   "(XEN) mm.c:1:d3v0 mfn %x already pinned\n",
				   i / 1000, i % 1000, i / 1000, i % 1000, i);

		scan__feed(&c->scan, text, len);
	}
	assert_int_equal(scan__end(&c->scan), 0);
	assert_int_equal(console__judge(c), 0);
	assert_true(c->scan.nr >= 1 && c->scan.nr <= 3000);
	assert_int_equal(newest(c)->refusals[0].failed->count, 200000);
	assert_true(c->scan.more > 190000);
	done(c);
}

static void a_very_long_line_is_one_line(void **state)
{
	size_t size = 1 << 16;
	char *text = malloc(size);
	struct console *c;

	memset(text, 'x', size);
	memcpy(text + 1400, "xenpin: erased total=1 shown=1", 30);
	text[size - 1] = '\n';
	c = read_pieces(text, size, 1000);
	assert_int_equal(c->scan.nr, 0);
	assert_true(console__is_none(c));
	done(c);
	free(text);
}

/* Of a guest that wants to write to the terminal of its host, and to be missing in JSON. */
static void words_are_printable(void **state)
{
	struct console *c =
		read_text("Linux version 6\x1b[2J\xff\x7f (root@vm)\r\n"
			  "BUG: unable to handle page fault for address: ffff888274934068\r\n"
			  "Oops: 0003 [#1] SMP\r\n"
			  "RIP: e030:f\x1b[2J\xff+0x1/0x2\r\n"
			  "xenpin: last seq=1 t=2 cpu=0 kind=a\x1b]0;title\a\xff pfn=0x1 level=1 "
			  "where=- ip=f\x1b[1m\xff\r\n");
	struct boot_facts *b = newest(c);

	assert_string_equal(b->kernel->text, "6??");
	assert_string_equal(b->oopses[0].of[FACT_RIP]->text, "f?+0x1/0x2");
	assert_int_equal(b->nr_last, 1);
	assert_string_equal(b->last[0]->name, "a?");
	assert_string_equal(b->last[0]->text, "f?");
	done(c);
}

static void no_damage_at_all_is_followed(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 5000; round++) {
		char text[sizeof(death)];
		struct console *c;

		memcpy(text, death, sizeof(death));
		for (int i = next_random(&seed) >> 28; i >= 0; i--)
			text[(next_random(&seed) >> 8) % sizeof(text)] ^= next_random(&seed) >> 24;
		c = read_pieces(text, (next_random(&seed) >> 8) % sizeof(text), 1000);
		for (unsigned int n = 0; n < c->boots.nr; n++) {
			struct boot_facts *b = c->boots.boot[n];

			assert_true(b->nr_erased <= BOOT_ERASED && b->nr_last <= BOOT_LAST);
			for (unsigned int i = 0; i < b->nr_erased; i++)
				assert_true(b->erased[i]->v[1] <= XP_L4);
		}
		done(c);
	}
}

/* Xen's types of a page in each of its layouts, as its messages have them. */
static void types_of_xen(void **state)
{
	static const struct {
		uint64_t saw, expected;
		unsigned int level, wanted;
		bool known, pinned, writable;
	} rows[] = {
		{ 0x7400000000000001, 0x3000000000000000, 0, 3, true, false, true },
		{ 0x1400000000000002, 0x7000000000000000, 1, 0, true, false, false },
		{ 0x8c00000000000001, 0xe000000000000000, 4, 0, true, true, false },
		{ 0x2c00000000000001, 0xe000000000000000, 1, 0, true, true, false },
		{ 0x4c00000000000001, 0xe000000000000000, 2, 0, true, true, false },
		{ 0xe400000000000001, 0x2000000000000000, 0, 1, true, false, true },
		{ 0xe400000000000001, 0x8000000000000000, 0, 4, true, false, true },
		{ 0x4c00000000000001, 0x7000000000000000, 4, 0, true, true, false },
		{ 0x38000001, 0xe0000000, 1, 0, true, true, false },
		{ 0x4c00000000000001, 0x2000000000000000, 0, 0, false, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct xen_type is, wanted;

		xen_types(rows[i].saw, rows[i].expected, &is, &wanted);
		assert_int_equal(is.known, rows[i].known);
		assert_int_equal(is.level, rows[i].level);
		assert_int_equal(wanted.level, rows[i].wanted);
		assert_int_equal(is.pinned, rows[i].pinned);
		assert_int_equal(is.writable, rows[i].writable);
	}
}

static void addresses_and_their_frames(void **state)
{
	static const struct {
		uint64_t address;
		unsigned int digits;
		enum region region;
		uint64_t pfn;
	} rows[] = {
		{ 0x10, 16, REGION_NULL, XP_NO_PFN },
		{ 0x6a042c1ac000, 16, REGION_USER, XP_NO_PFN },
		{ 0xdead000000000100, 16, REGION_NONE, XP_NO_PFN },
		{ 0xffff820000000000, 16, REGION_XEN, XP_NO_PFN },
		{ 0xffff8801ea123456, 16, REGION_OLD_DIRECT, 0x1ea123 },
		{ 0xffff888274934068, 16, REGION_DIRECT, 0x274934 },
		{ 0xffffc9000096b818, 16, REGION_VMALLOC, XP_NO_PFN },
		{ 0xffffea0000345678, 16, REGION_VMEMMAP, XP_NO_PFN },
		{ 0xffffffff82803d48, 16, REGION_IMAGE, XP_NO_PFN },
		{ 0xffffffffc0803d48, 16, REGION_MODULES, XP_NO_PFN },
		{ 0xc1234000, 8, REGION_DIRECT, 0x1234 },
		{ 0xb7700000, 8, REGION_USER, XP_NO_PFN },
		{ 0xc1234000, 16, REGION_USER, XP_NO_PFN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(address__region(rows[i].address, rows[i].digits), rows[i].region);
		assert_true(address__pfn(rows[i].address, rows[i].digits) == rows[i].pfn);
	}
	assert_int_equal(address__vmemmap_pfn(0xffffea0000345678), 0xd159);
}

/* What Linux prints of a code segment's slot, of 64 and 32 bits, and what is none. */
static void selectors_in_their_slots(void **state)
{
	static const struct {
		uint64_t slot, selector;
	} rows[] = {
		{ 0, 0 }, { 0xe030, 0xe030 }, { 0x10000e030, 0xe030 }, { 0xff0000e030, 0xe030 },
		{ 0x1000010000e030, 0xe030 }, { 0xffffffff0000e030, 0xe030 }, { 0x10000e033, 0xe033 },
		{ 0x10, 0x10 }, { 0x100000010, 0x10 },
		{ 0x61, 0x61 }, { 0x10061, 0x61 }, { 0x10069, 0x69 }, { 0xff0061, 0x61 },
		{ 0x12340060, 0x60 },
		{ 0x1e030, 0x1e030 }, { 0x10001e030, 0x10001e030 }, { 0xe0300000, 0xe0300000 },
		{ 0x10010, 0x10010 }, { 0x100010061, 0x100010061 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_true(segment__selector(rows[i].slot) == rows[i].selector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_is_understood),
		cmocka_unit_test(a_console_cut_anywhere),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(lines_that_are_not_ours_are_left_alone),
		cmocka_unit_test(an_address_outside_the_direct_map_has_no_page),
		cmocka_unit_test(more_than_there_can_be_is_not_stored),
		cmocka_unit_test(more_boots_than_there_is_room),
		cmocka_unit_test(more_guests_than_there_is_room),
		cmocka_unit_test(a_storm_takes_little_room),
		cmocka_unit_test(a_very_long_line_is_one_line),
		cmocka_unit_test(words_are_printable),
		cmocka_unit_test(no_damage_at_all_is_followed),
		cmocka_unit_test(types_of_xen),
		cmocka_unit_test(addresses_and_their_frames),
		cmocka_unit_test(selectors_in_their_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
