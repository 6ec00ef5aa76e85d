// SPDX-License-Identifier: GPL-2.0-only
/* The line builder's numbers against stdio's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "output/line.h"

/* Numbers of every length: the ends of each, and some between. */
#define NUMBERS 64000

static uint64_t number(uint64_t i)
{
	uint64_t edge = 1ULL << i % 64;

	switch (i % 5) {
	case 0:
		return edge;
	case 1:
		return edge - 1;
	case 2:
		return i;
	default:
		return i * 0x9e3779b97f4a7c15ULL >> i % 64;
	}
}

static void expect(struct line *l, const char *text)
{
	*l->at = 0;
	assert_string_equal(l->text, text);
	l->at = l->text;
}

static void numbers_are_stdios(void **state)
{
	char text[64], line[LINE_BYTES];
	struct line l = line__begin(line);

	for (uint64_t i = 0; i < NUMBERS; i++) {
		unsigned long long n = number(i);

		snprintf(text, sizeof(text), "%llu", n);
		put_dec(&l, n);
		expect(&l, text);
		snprintf(text, sizeof(text), "%06llu", n);
		put_dec_padded(&l, n, 6, '0');
		expect(&l, text);
		snprintf(text, sizeof(text), "%lld", (long long)n);
		put_signed(&l, n);
		expect(&l, text);
		snprintf(text, sizeof(text), "0x%llx", n);
		put_hex(&l, n);
		expect(&l, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_stdios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
