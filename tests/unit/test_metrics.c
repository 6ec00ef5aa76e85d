// SPDX-License-Identifier: GPL-2.0-only
/* What a monitoring system reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/metrics.h"

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

/* What an incomplete audit found is no less true, and one that fails leaves what was there. */
static void an_audit_that_is_not_whole(void **state)
{
	struct metrics m = { .source = "live", .up = true, .complete = true, .has_findings = true,
			     .looked_at = 1700000000,
			     .audit = { .live = true, .complete = true } };

	assert_null(metrics__audit_flaw(&m));
	m.findings[FINDING_LOST][GRADE_PROVEN] = 2;
	m.audit.unknown = 3;
	write_metrics(&m);
	assert_true(has("xenpin_audit_complete 1") && has("xenpin_audit_unknown_tables 3"));
	assert_string_equal(metrics__audit_flaw(&m),
			    "the last audit could not judge all page tables");
	m.audit.complete = false;
	write_metrics(&m);
	assert_true(has("xenpin_findings{class=\"lost\",grade=\"proven\"} 2"));
	assert_true(has("xenpin_audit_timestamp_seconds 1700000000"));
	assert_true(has("xenpin_audit_complete 0") && has("xenpin_complete 1"));
	assert_string_equal(metrics__audit_flaw(&m),
			    "the last audit did not see all page tables");
	m.audit = (struct metrics_audit){ .live = true, .complete = true, .failed = true };
	write_metrics(&m);
	assert_true(has("xenpin_findings{class=\"lost\",grade=\"proven\"} 2"));
	assert_true(has("xenpin_audit_timestamp_seconds 1700000000"));
	assert_true(has("xenpin_audit_complete 0"));
	assert_string_equal(metrics__audit_flaw(&m), "the last audit failed");
}

static void no_audit_that_did_not_fail(void **state)
{
	struct metrics m = { .source = "live", .up = true, .audit = { .live = true, .failed = true } };

	write_metrics(&m);
	assert_true(has("xenpin_audit_timestamp_seconds 0") && has("xenpin_audit_complete 0"));
	assert_null(strstr(text, "xenpin_findings"));
}

/* It is one look, and has a gauge of its own for what it did not see. */
static void a_recording_has_no_audits(void **state)
{
	struct metrics m = { .source = "recording", .up = true, .has_findings = true,
			     .looked_at = 1700000000 };

	write_metrics(&m);
	assert_true(has("xenpin_audit_timestamp_seconds 1700000000"));
	assert_null(strstr(text, "xenpin_audit_complete"));
	assert_null(strstr(text, "xenpin_audit_unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_trees_than_an_int_counts),
		cmocka_unit_test(an_audit_that_is_not_whole),
		cmocka_unit_test(no_audit_that_did_not_fail),
		cmocka_unit_test(a_recording_has_no_audits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
