// SPDX-License-Identifier: GPL-2.0-only
/* `xenpin boot --console FILE` and `--compare A B`. */
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_files.h"
#include "read_file.h"
#include "record.h"
#include "sink/boot.h"

#define FILE_MAX	(256UL << 20)
#define VERDICT_LEN	400

/* A PV guest's direct map, which is never randomised: for consoles that lack the kernel's word. */
#define PAGE_OFFSET	0xffff888000000000ULL
#define PAGE_OFFSET_END	0xffffc88000000000ULL

/* X86_PF_PROT | X86_PF_WRITE, from the kernel: a write to a page that is read-only. */
#define WRITE_TO_READ_ONLY	3

/* The page that the oops is about: the kernel's word, or concluded from CR2. */
static const struct console_page *faulting_page(const struct console *c, bool *concluded)
{
	*concluded = false;
	if (c->has_fault)
		return c->fault_erased ? &c->fault : NULL;
	if (!c->page_fault || c->cr2 < PAGE_OFFSET || c->cr2 >= PAGE_OFFSET_END)
		return NULL;
	*concluded = true;
	return console__erased(c, (c->cr2 - PAGE_OFFSET) >> 12);
}

static enum exit_status verdict_is(char *verdict, enum exit_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum exit_status verdict_is(char *verdict, enum exit_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verdict, VERDICT_LEN, format, args);
	va_end(args);
	return status;
}

static enum exit_status judge_fault(const struct console *c, char *verdict)
{
	bool concluded;
	const struct console_page *page = faulting_page(c, &concluded);
	uint64_t address = c->has_fault ? c->fault_addr : c->cr2;

	if (page)
		return verdict_is(verdict, EXIT_FINDING,
			"The guest died of an erased flag: it wrote to 0x%" PRIx64 ", which is in "
			"pfn 0x%" PRIx64 ", an L%u page table that Xen keeps read-only, and whose "
			"PagePinned struct-page init had wiped out (%s)%s", address, page->pfn,
			page->level, record__where_name(page->where), !concluded ? "" :
			"; the pfn is concluded from the address, the kernel's own line about it "
			"is not there");
	if (c->has_erased && c->erased_total > c->repaired)
		return verdict_is(verdict, EXIT_FINDING,
			"%" PRIu64 " flags were erased, and the guest died of a fault at 0x%"
			PRIx64 " that is in none of the erased pages that the console names",
			c->erased_total, address);
	if (c->has_fault || c->has_erased)
		return verdict_is(verdict, EXIT_CLEAN,
			"The guest died of a fault at 0x%" PRIx64 "; no flag was erased there",
			address);
	return verdict_is(verdict, EXIT_INCOMPLETE,
		"The guest died of %s 0x%" PRIx64 "; nothing tells whether a flag was erased: this "
		"kernel has no boot log, one with xenpin's series (kernel/README.md) would name "
		"the page", c->error_code == WRITE_TO_READ_ONLY ?
		"a write to a read-only page, as a lost PagePinned makes it, at" :
		"a page fault at", address);
}

static enum exit_status judge(const struct console *c, char *verdict)
{
	if (c->has_fault || c->page_fault)
		return judge_fault(c, verdict);
	if (c->has_erased && c->erased_total > c->repaired)
		return verdict_is(verdict, EXIT_FINDING,
			"%" PRIu64 " flags were erased; no page fault is on this console",
			c->erased_total);
	if (c->oops)
		return verdict_is(verdict, EXIT_INCOMPLETE,
			"The guest died, but not of a page fault that is on this console; nothing "
			"on it tells of erased flags");
	if (*c->kernel || c->repaired)
		return verdict_is(verdict, EXIT_INCOMPLETE,
			"No oops is on this console, so nothing on it tells of erased flags: on a "
			"guest that lives, run `xenpin boot` in it");
	return verdict_is(verdict, EXIT_INCOMPLETE,
		"This is not the console of a Linux kernel, or only a piece of it: no oops, no "
		"kernel's name, no line of xenpin's");
}

enum exit_status boot_files__console(const struct options *opts)
{
	char verdict[VERDICT_LEN], *text;
	struct console console;
	enum exit_status status;
	size_t size;
	int err = read_file(opts->console, FILE_MAX, &text, &size);

	if (err) {
		say("--console %s: %s", opts->console, strerror(-err));
		return EXIT_USAGE;
	}
	console__parse(&console, text, size);
	free(text);
	status = judge(&console, verdict);
	(opts->json ? console_json__print : console_text__print)(stdout, &console, verdict);
	return stdout_ends(status);
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
	return object;
}

static void print_ms(json_t *o, const char *name)
{
	json_t *ns = json_object_get(o, name);

	if (json_is_integer(ns))
		printf(" %18.3f ms", json_integer_value(ns) / 1e6);
	else
		printf(" %21s", "unknown");
}

static void print_comparison(json_t *a, json_t *b, const struct options *opts)
{
	static const struct { const char *title, *name; } rows[] = {
		{ "whole boot", "boot_ns" },
		{ "early struct pages", "memmap_ns" },
		{ "hand-over, reserved pages", "reserved_ns" },
		{ "hand-over, free pages", "free_ns" },
		{ "deferred stage", "deferred_ns" },
		{ "saved, by own account", "saved_ns" },
	};

	printf("%-28s %21.21s %21.21s\n", "", opts->compare[0], opts->compare[1]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		printf("%-28s", rows[i].title);
		print_ms(a, rows[i].name);
		print_ms(b, rows[i].name);
		putchar('\n');
	}
}

static void print_difference(const struct options *opts, int64_t ns)
{
	printf("\n%s booted %.3f ms %s than %s\n", opts->compare[0], (ns < 0 ? -ns : ns) / 1e6,
	       ns < 0 ? "slower" : "faster", opts->compare[1]);
}

static bool complete(json_t *account)
{
	json_t *gaps = json_object_get(account, "incomplete");

	return json_is_array(gaps) && !json_array_size(gaps);
}

/* Not below 0, so that a difference of two is a number. */
static bool is_boot_time(json_t *ns)
{
	return json_is_integer(ns) && json_integer_value(ns) >= 0;
}

static enum exit_status compare(json_t *a, json_t *b, const struct options *opts)
{
	json_t *boot_a = json_object_get(a, "boot_ns"), *boot_b = json_object_get(b, "boot_ns");
	bool known = is_boot_time(boot_a) && is_boot_time(boot_b);
	int64_t ns = known ? json_integer_value(boot_b) - json_integer_value(boot_a) : 0;

	if (opts->json) {
		json_t *o = json_pack("{sisssOsOso}", "schema", 1, "type", "boot-comparison", "a",
				      a, "b", b, "difference_ns",
				      known ? json_integer(ns) : json_null());

		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	} else {
		print_comparison(a, b, opts);
		if (known)
			print_difference(opts, ns);
	}
	if (!known)
		say("one of the accounts does not know how long the whole boot took");
	if (!complete(a) || !complete(b))
		say("one of the accounts calls itself incomplete");
	return stdout_ends(known && complete(a) && complete(b) ? EXIT_CLEAN : EXIT_INCOMPLETE);
}

enum exit_status boot_files__compare(const struct options *opts)
{
	json_t *a = load_account(opts->compare[0]);
	json_t *b = a ? load_account(opts->compare[1]) : NULL;
	enum exit_status status = a && b ? compare(a, b, opts) : EXIT_USAGE;

	json_decref(a);
	json_decref(b);
	return status;
}
