// SPDX-License-Identifier: GPL-2.0-only
/* What a monitoring system reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sink/metrics.h"

static char text[16384];

static void write_metrics(const struct metrics *m)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	metrics__write(m, METRICS_TEXT, out);
	fclose(out);
}

/* @line is a whole one. */
static bool has(const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void more_trees_than_an_int_counts(void **state)
{
	struct metrics m = { .source = "live", .up = true };

	m.counts.tree_times[5] = 3000000000;
	m.counts.tree_times[17] = 5000000000;
	write_metrics(&m);
	assert_true(has("xenpin_pin_seconds_bucket{le=\"1.024e-06\"} 3000000000"));
	assert_true(has("xenpin_pin_seconds_bucket{le=\"6.5536e-05\"} 3000000000"));
	assert_true(has("xenpin_pin_seconds_bucket{le=\"0.000131072\"} 8000000000"));
	assert_true(has("xenpin_pin_seconds_bucket{le=\"1.07374182\"} 8000000000"));
	assert_true(has("xenpin_pin_seconds_bucket{le=\"+Inf\"} 8000000000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_trees_than_an_int_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
