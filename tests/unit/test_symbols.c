// SPDX-License-Identifier: GPL-2.0-only
/* kallsyms from a file, and source lines of this very program. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/symbols.h"

static const char kallsyms[] =
	"0000000000000000 A fixed_percpu_data\n"
	"ffffffff81000000 T _text\n"
	"ffffffff81012340 t xen_pin_page\n"
	"ffffffff81012400 T xen_mc_flush\n"
	"ffffffff81800000 T _etext\n"
	"ffffffff82000000 D some_data\n"
	"ffffffffc0000000 t helper\t[inject]\n"
	"ffffffffc0001000 t bpf_prog_0123456789abcdef_flush\t[bpf]\n"
	"not a line of kallsyms\n";

static struct symbols *open_sample(void)
{
	char path[] = "/tmp/xenpin-kallsyms-XXXXXX";
	int fd = mkstemp(path);
	struct symbols *s;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, kallsyms, sizeof(kallsyms) - 1), sizeof(kallsyms) - 1);
	close(fd);
	s = symbols__open(path, "no-such-release");
	unlink(path);
	assert_non_null(s);
	return s;
}

static void names(void **state)
{
	struct symbols *s = open_sample();
	char name[SYMBOL_LEN];

	assert_true(symbols__name(s, 0xffffffff81012410, name, sizeof(name)));
	assert_string_equal(name, "xen_mc_flush+0x10");
	assert_true(symbols__name(s, 0xffffffff810123ff, name, sizeof(name)));
	assert_string_equal(name, "xen_pin_page+0xbf");
	/* From the cache, and the neighbour's slot is not confused with it. */
	assert_true(symbols__name(s, 0xffffffff81012410, name, sizeof(name)));
	assert_string_equal(name, "xen_mc_flush+0x10");
	assert_true(symbols__name(s, 0xffffffffc0000020, name, sizeof(name)));
	assert_string_equal(name, "helper+0x20 [inject]");
	assert_true(symbols__name(s, 0x1000, name, sizeof(name)));
	assert_string_equal(name, "0x1000");
	/* Nobody's, in spite of what stands before it. */
	assert_true(symbols__name(s, 0xffffffffc0300000, name, sizeof(name)));
	assert_string_equal(name, "0xffffffffc0300000");
	symbols__close(s);
}

static void frames_of_bpf_are_not_the_kernels(void **state)
{
	struct symbols *s = open_sample();
	char name[SYMBOL_LEN];

	assert_false(symbols__name(s, 0xffffffffc0001010, name, sizeof(name)));
	symbols__close(s);
}

static void a_module_comes_later(void **state)
{
	static const char more[] = "ffffffffc0200000 t late\t[late]\n";
	char path[] = "/tmp/xenpin-kallsyms-XXXXXX", name[SYMBOL_LEN];
	int fd = mkstemp(path);
	struct symbols *s;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, kallsyms, sizeof(kallsyms) - 1), sizeof(kallsyms) - 1);
	s = symbols__open(path, "no-such-release");
	unlink(path);
	assert_non_null(s);
	assert_true(symbols__name(s, 0xffffffff81012410, name, sizeof(name)));
	assert_int_equal(write(fd, more, sizeof(more) - 1), sizeof(more) - 1);
	close(fd);
	/* A list of modules is believed for a second. */
	usleep(1100000);
	assert_true(symbols__name(s, 0xffffffffc0200010, name, sizeof(name)));
	assert_string_equal(name, "late+0x10 [late]");
	symbols__close(s);
}

static void no_file(void **state)
{
	assert_null(symbols__open("/no/such/kallsyms", "6.1"));
}

static uintptr_t __attribute__((noinline)) here(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

/* This program plays the kernel: main() is the anchor, as _text is there. */
int main(void);

static void source_lines(void **state)
{
	struct lines *lines = lines__open("/proc/self/exe", "main", (uintptr_t)main);
	char where[200], wanted[200];
	uintptr_t address;

	assert_non_null(lines);
	address = here(); snprintf(wanted, sizeof(wanted), "test_symbols.c:%d", __LINE__);
	assert_true(lines__find(lines, address - 1, where, sizeof(where)));
	assert_non_null(strstr(where, wanted));
	assert_false(lines__find(lines, 16, where, sizeof(where)));
	lines__close(lines);
}

static void no_lines(void **state)
{
	assert_null(lines__open("/proc/self/exe", "no_such_symbol", 0));
	assert_null(lines__open("/dev/null", "main", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(frames_of_bpf_are_not_the_kernels),
		cmocka_unit_test(a_module_comes_later),
		cmocka_unit_test(no_file),
		cmocka_unit_test(source_lines),
		cmocka_unit_test(no_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
