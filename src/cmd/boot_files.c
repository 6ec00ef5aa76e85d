// SPDX-License-Identifier: GPL-2.0-only
/* `xenpin boot --compare A B`. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/read_file.h"
#include "boot_files.h"

#define FILE_MAX	(256UL << 20)

/* What this xenpin writes, and others may not. */
static bool is_known(json_t *account, const char *path)
{
	json_int_t schema = json_integer_value(json_object_get(account, "schema"));

	if (schema == JSON_SCHEMA)
		return true;
	say("--compare %s: its schema is %lld, this xenpin knows %d", path, (long long)schema, JSON_SCHEMA);
	json_decref(account);
	return false;
}

/* The last object of type "boot" in a file of JSON lines, or NULL after saying why. */
static json_t *load_account(const char *path)
{
	json_t *object = NULL;
	char *text, *line, *rest;
	size_t size;
	int err = read_file(path, FILE_MAX, &text, &size);

	if (err) {
		say("--compare %s: %s", path, strerror(-err));
		return NULL;
	}
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		json_t *o = json_loads(line, 0, NULL);
		const char *type = json_string_value(json_object_get(o, "type"));

		if (!type || strcmp(type, "boot")) {
			json_decref(o);
			continue;
		}
		json_decref(object);
		object = o;
	}
	free(text);
	if (!object)
		say("--compare %s: it holds no account; `xenpin boot --json >FILE` makes one",
		    path);
	return object && is_known(object, path) ? object : NULL;
}

static void print_ms(json_t *o, const char *name)
{
	json_t *ns = json_object_get(o, name);

	if (json_is_integer(ns))
		printf(" %18.3f ms", json_integer_value(ns) / 1e6);
	else
		printf(" %21s", "unknown");
}

static void print_comparison(json_t *a, json_t *b, const char *const paths[2])
{
	static const struct { const char *title, *name; } rows[] = {
		{ "whole boot", "boot_ns" },
		{ "early struct pages", "memmap_ns" },
		{ "hand-over, reserved pages", "reserved_ns" },
		{ "hand-over, free pages", "free_ns" },
		{ "deferred stage", "deferred_ns" },
		{ "saved, by own account", "saved_ns" },
	};

	printf("%-28s %21.21s %21.21s\n", "", paths[0], paths[1]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		printf("%-28s", rows[i].title);
		print_ms(a, rows[i].name);
		print_ms(b, rows[i].name);
		putchar('\n');
	}
}

static void print_difference(const char *const paths[2], int64_t ns)
{
	printf("\n%s booted %.3f ms %s than %s\n", paths[0], (ns < 0 ? -ns : ns) / 1e6,
	       ns < 0 ? "slower" : "faster", paths[1]);
}

static bool complete(json_t *account)
{
	json_t *gaps = json_object_get(account, "incomplete");

	return json_is_array(gaps) && !json_array_size(gaps);
}

/* What differs beside what is compared, with the words for it; accounts that do not tell differ in nothing. */
static void note_differences(json_t *a, json_t *b)
{
	static const struct { const char *name, *what; } fixed[] = {
		{ "kernel", "of different kernels" },
		{ "domain", "of different domains" },
		{ "pinned", "with different xenpin.pinned=" },
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		const char *of_a = json_string_value(json_object_get(a, fixed[i].name));
		const char *of_b = json_string_value(json_object_get(b, fixed[i].name));

		if (of_a && of_b && strcmp(of_a, of_b))
			say("the accounts are %s: %s and %s", fixed[i].what, of_a, of_b);
	}
}

/* A boot log begins before the first message does: whole boots that begin at different points have no difference. */
static bool begin_alike(json_t *a, json_t *b)
{
	return json_is_true(json_object_get(a, "exact")) == json_is_true(json_object_get(b, "exact"));
}

/* Not below 0, so that a difference of two is a number. */
static bool is_boot_time(json_t *ns)
{
	return json_is_integer(ns) && json_integer_value(ns) >= 0;
}

static enum exit_status compare(json_t *a, json_t *b, const char *const paths[2], bool json)
{
	json_t *boot_a = json_object_get(a, "boot_ns"), *boot_b = json_object_get(b, "boot_ns");
	bool alike = begin_alike(a, b), known = alike && is_boot_time(boot_a) && is_boot_time(boot_b);
	int64_t ns = known ? json_integer_value(boot_b) - json_integer_value(boot_a) : 0;

	if (json) {
		json_t *o = json_pack("{sisssOsOso}", "schema", JSON_SCHEMA, "type", "boot-comparison", "a",
				      a, "b", b, "difference_ns",
				      known ? json_integer(ns) : json_null());

		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	} else {
		print_comparison(a, b, paths);
		if (known)
			print_difference(paths, ns);
	}
	note_differences(a, b);
	if (!alike)
		say("one account is of a boot log and one of the kernel's messages, which begin later");
	else if (!known)
		say("one of the accounts does not know how long the whole boot took");
	if (!complete(a) || !complete(b))
		say("one of the accounts does not say that it is complete");
	return stdout_ends(known && complete(a) && complete(b) ? EXIT_CLEAN : EXIT_INCOMPLETE);
}

enum exit_status boot_files__compare(const char *const paths[2], bool json)
{
	json_t *a = load_account(paths[0]);
	json_t *b = a ? load_account(paths[1]) : NULL;
	enum exit_status status = a && b ? compare(a, b, paths, json) : EXIT_USAGE;

	json_decref(a);
	json_decref(b);
	return status;
}
