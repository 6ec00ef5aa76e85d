// SPDX-License-Identifier: GPL-2.0-only
/* Consoles: whole, cut at every byte, of other kernels, and no text at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/console.h"
#include "random.h"

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
	"[    5.129564] xenpin: fault addr=0xffff888274934068 pfn=0x274934 level=2 flag=0 erased=1 where=handover\n"
	"[    5.131226] xenpin: last seq=20822 t=2670844106 cpu=0 kind=alloc pfn=0x274934 level=2 where=- ip=xen_alloc_ptpage+0x151/0x330\n"
	"[    5.131295] xenpin: last seq=20823 t=2670844666 cpu=0 kind=batch pfn=0x274934 level=1 op=pin mfn=0x32e3f4 result=-22\n"
	"[    5.131428] xenpin: log head=26218 lost=7 slots=65536\n"
	"[    5.131500] RIP: e030:xen_set_pmd+0x1f/0xb0\n"
	"[    5.131942] Kernel panic - not syncing: Attempted to kill the idle task!\n"
	"[    5.131943] BUG: unable to handle page fault for address: 0000000000000000\n";

static void parse(struct console *c, const char *text, size_t size)
{
	/* From a buffer of just that size, so that reading behind it is noticed. */
	char *copy = malloc(size ?: 1);

	memcpy(copy, text, size);
	console__parse(c, copy, size);
	free(copy);
}

static void a_death_is_understood(void **state)
{
	struct console c;

	parse(&c, death, strlen(death));
	assert_string_equal(c.kernel, "6.1.192-xenpin");
	assert_true(c.oops && c.page_fault);
	assert_true(c.cr2 == 0xffff888274934068);
	assert_int_equal(c.error_code, 3);
	assert_string_equal(c.rip, "xen_set_pmd+0x1f/0xb0");
	assert_true(c.has_erased);
	assert_int_equal(c.erased_total, 5194);
	assert_int_equal(c.nr_erased, 3);
	assert_int_equal(c.erased[2].pfn, 0x2749bb);
	assert_int_equal(c.erased[2].level, 3);
	assert_int_equal(c.erased[2].where, XP_WHERE_DEFERRED);
	assert_true(c.has_fault && c.fault_erased && !c.fault_flag);
	assert_int_equal(c.fault.pfn, 0x274934);
	assert_int_equal(c.fault.level, 2);
	assert_int_equal(c.nr_last, 2);
	assert_string_equal(c.last[0].kind, "alloc");
	assert_string_equal(c.last[0].where, "xen_alloc_ptpage+0x151/0x330");
	assert_string_equal(c.last[1].where, "pin, result -22");
	assert_true(c.has_log && c.log_head == 26218 && c.log_lost == 7);
	assert_int_equal(c.cut, 0);
	assert_ptr_equal(console__erased(&c, 0x274934), &c.erased[1]);
	assert_null(console__erased(&c, 0x274935));
}

/* A line is used whole or not at all, wherever the console ends. */
static void a_console_cut_anywhere(void **state)
{
	struct console whole, c;

	parse(&whole, death, strlen(death));
	for (size_t size = 0; size < strlen(death); size++) {
		parse(&c, death, size);
		assert_true(c.cut == 0 || c.cut == 1);
		assert_true(c.nr_erased <= 3 && c.nr_last <= 2);
		for (unsigned int i = 0; i < c.nr_erased; i++)
			assert_true(c.erased[i].pfn == whole.erased[i].pfn &&
				    c.erased[i].level == whole.erased[i].level &&
				    c.erased[i].where == whole.erased[i].where);
		if (c.has_fault)
			assert_int_equal(c.fault.pfn, 0x274934);
		if (c.has_log)
			assert_int_equal(c.log_slots, 65536);
		if (c.cut)
			assert_int_not_equal(death[size - 1], '\n');
	}
}

static void lines_that_are_not_ours_are_left_alone(void **state)
{
	static const char *const damaged[] = {
		"xenpin: erased pfn=0x27352a level=7 where=handover\n",
		"xenpin: erased pfn=0x27352a level=1 where=somewhere\n",
		"xenpin: erased pfn=27352a level=1 where=handover\n",
		"xenpin: erased level=1 pfn=0x27352a where=handover\n",
		"xenpin: fault addr=0xffff888274934068 pfn=0x274934 level=2 flag=0 erased=1 where=-\n",
		"xenpin: fault addr=0xffff888274934068 pfn=0x274934 level=2 flag=0 erased=0 where=handover\n",
		"xenpin: fault addr=0xffff888274934068 pfn=- level=2 flag=- erased=- where=-\n",
		"xenpin: last seq=1 t=2 cpu=0 kind=alloc pfn=0x1\n",
		"xenpin: log head=1 lost=2\n",
		"xenpin: log head=1 lost=2 slots=3",
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		struct console c;

		parse(&c, damaged[i], strlen(damaged[i]));
		assert_int_equal(c.cut, 1);
		assert_false(c.has_fault || c.has_erased || c.has_log || c.nr_erased || c.nr_last);
	}
}

static void an_address_outside_the_direct_map_has_no_page(void **state)
{
	static const char text[] =
		"xenpin: fault addr=0x10 pfn=- level=0 flag=- erased=- where=-\r\n";
	struct console c;

	parse(&c, text, strlen(text));
	assert_true(c.has_fault && !c.fault_erased);
	assert_int_equal(c.fault_addr, 0x10);
	assert_true(c.fault.pfn == XP_NO_PFN);
}

static void more_than_there_can_be_is_not_stored(void **state)
{
	static const char line[] = "xenpin: erased pfn=0x1 level=1 where=grow\n";
	static const char last[] = "xenpin: last seq=1 t=2 cpu=0 kind=alloc pfn=0x1 level=1 where=- ip=f\n";
	char text[100 * sizeof(line) + 100 * sizeof(last)];
	struct console c;
	size_t len = 0;

	for (int i = 0; i < 100; i++)
		len += sprintf(text + len, "%s%s", line, last);
	parse(&c, text, len);
	assert_int_equal(c.nr_erased, CONSOLE_ERASED);
	assert_int_equal(c.nr_last, CONSOLE_LAST);
}

static void a_very_long_line_is_one_line(void **state)
{
	size_t size = 1 << 16;
	char *text = malloc(size);
	struct console c;

	memset(text, 'x', size);
	memcpy(text + 600, "xenpin: erased total=1 shown=1", 30);
	text[size - 1] = '\n';
	parse(&c, text, size);
	assert_int_equal(c.lines, 1);
	assert_false(c.has_erased);
	free(text);
}

/* Of a guest that wants to write to the terminal of its host, and to be missing in JSON. */
static void words_are_printable(void **state)
{
	static const char text[] =
		"Linux version 6\x1b[2J\xff\x7f (root@vm)\r\n"
		"RIP: e030:f\x1b[2J\xff\r\n"
		"xenpin: last seq=1 t=2 cpu=0 kind=a\x1b\xff pfn=0x1 level=1 where=- ip=f\x1b\xff\r\n";
	struct console c;

	parse(&c, text, strlen(text));
	assert_string_equal(c.kernel, "6?[2J??");
	assert_string_equal(c.rip, "f?[2J?");
	assert_int_equal(c.nr_last, 1);
	assert_string_equal(c.last[0].kind, "a??");
	assert_string_equal(c.last[0].where, "f??");
}

static void no_damage_at_all_is_followed(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		char text[sizeof(death)];
		struct console c;

		memcpy(text, death, sizeof(death));
		for (int i = next_random(&seed) >> 28; i >= 0; i--)
			text[(next_random(&seed) >> 8) % sizeof(text)] ^= next_random(&seed) >> 24;
		parse(&c, text, (next_random(&seed) >> 8) % sizeof(text));
		assert_true(c.nr_erased <= CONSOLE_ERASED && c.nr_last <= CONSOLE_LAST);
		assert_true(strnlen(c.rip, CONSOLE_WORD) < CONSOLE_WORD);
		assert_true(c.fault.level <= XP_L4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_is_understood),
		cmocka_unit_test(a_console_cut_anywhere),
		cmocka_unit_test(lines_that_are_not_ours_are_left_alone),
		cmocka_unit_test(an_address_outside_the_direct_map_has_no_page),
		cmocka_unit_test(more_than_there_can_be_is_not_stored),
		cmocka_unit_test(a_very_long_line_is_one_line),
		cmocka_unit_test(words_are_printable),
		cmocka_unit_test(no_damage_at_all_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
