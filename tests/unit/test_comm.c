// SPDX-License-Identifier: GPL-2.0-only
/* Names that tasks choose, on their way to a terminal and into JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "record/comm.h"
#include "output/finding.h"
#include "output/text.c"

/* What the sinks share. */
static char waiting[LINES_BYTES];
struct line sink__lines = { waiting, waiting };

int sink__flush(struct sink *sink)
{
	line__write(&sink__lines, sink->out);
	return fflush(sink->out);
}

#define EVIL "b\xff\x1b[2J\n\x7f"

static const struct finding finding = {
	.class = FINDING_LOST, .grade = GRADE_PROVEN, .pfn = 1, .mfn = 2, .level = XP_L1, .pid = 3,
	.comm = EVIL,
};

static void expect(const char *comm, const char *printable)
{
	char name[XP_COMM_LEN + 1];

	assert_int_equal(comm__printable(name, comm), strlen(printable));
	assert_string_equal(name, printable);
}

static void control_characters(void **state)
{
	expect("", "");
	expect("forks", "forks");
	expect(EVIL, "b\xff?[2J??");
	expect("\n\r\t\x01\x1f ~", "????" "? ~");
	/* As long as a name can be, without an end. */
	expect("0123456789abcde\x1b", "0123456789abcde?");
	/* UTF-8 stays as it is, but for CSI and its like. */
	expect("gr\xc3\xbc\xc3\x9f" "e\xe2\x82\xac", "gr\xc3\xbc\xc3\x9f" "e\xe2\x82\xac");
	expect("a\xc2\x9b" "2J\xc2\xa0", "a??2J\xc2\xa0");
}

/* What @print writes, in @text. */
static void print(void (*fn)(FILE *out, const struct finding *f, struct symbols *symbols),
		  char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	fn(out, &finding, NULL);
	fclose(out);
}

static void a_finding_as_json(void **state)
{
	char text[2000] = "";
	json_t *object;

	print(finding__print_json, text, sizeof(text));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "class")), "lost");
	assert_string_equal(json_string_value(json_object_get(object, "comm")), "b?\x1b[2J\n\x7f");
	assert_string_equal(json_string_value(json_object_get(object, "text")),
			    "L1 page 0x1 (mfn 0x2) in a pinned tree has no flag, of b??[2J?? (pid 3)");
	json_decref(object);
}

static void a_finding_as_text(void **state)
{
	char text[2000] = "";

	print(finding__print_text, text, sizeof(text));
	assert_non_null(strstr(text, ", of b\xff?[2J?? (pid 3)\n    effect: "));
}

static void a_record_as_text(void **state)
{
	char text[2000] = "";
	struct sink sink = { .ops = &sink_text, .out = fmemopen(text, sizeof(text), "w") };
	struct xp_record rec = { .kind = XP_TABLE_RELEASE, .level = XP_L1, .pid = 3, .comm = EVIL,
				 .u.table.pfn = 1 };

	assert_non_null(sink.out);
	sink.ops->record(&sink, &rec);
	sink.ops->flush(&sink);
	fclose(sink.out);
	assert_string_equal(text, "   0.000000   0       3 b\xff?[2J??        release  L1 pfn 0x1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters),
		cmocka_unit_test(a_finding_as_json),
		cmocka_unit_test(a_finding_as_text),
		cmocka_unit_test(a_record_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
