// SPDX-License-Identifier: GPL-2.0-only
/*
 * The option table.  It drives parsing, help, and every message that names an
 * option; getopt_long() does the splitting.
 */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "../../include/config.h"
#include "../../include/record.h"
#include "base/xenpin.h"
#include "report/stacks.h"
#include "top/view.h"
#include "options.h"

struct option_spec;

/* Returns NULL, or what a value should have been. */
typedef const char *parse_fn(const struct option_spec *spec, const char *value, void *field);

struct option_spec {
	const char *name;
	char letter;		/* 0: none */
	const char *arg;	/* NULL: a switch */
	const char *help;
	uint32_t commands;	/* enum option_for */
	size_t offset;		/* of the field in struct options */
	parse_fn *parse;	/* of a value; a switch sets a bool */
	uint64_t min, max;
	bool two;		/* a second value follows, into the field behind */
};

struct bit_name {
	const char *name;
	uint32_t bit;
};

static const struct bit_name level_names[] = {
	{ "L1", 1 << XP_L1 }, { "L2", 1 << XP_L2 }, { "L3", 1 << XP_L3 }, { "L4", 1 << XP_L4 }, {}
};

static const struct bit_name what_names[] = {
	{ "pin", XP_W_PIN }, { "unpin", XP_W_UNPIN },
	{ "alloc", XP_W_ALLOC }, { "release", XP_W_RELEASE },
	{ "mm-pin", XP_W_MM_PIN }, { "mm-unpin", XP_W_MM_UNPIN },
	{ "set", XP_W_SET }, { "clear", XP_W_CLEAR }, {}
};

static bool number(const char *text, char **end, uint64_t *value)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, end, 0);
	return !errno;
}

static const char *parse_u32(const struct option_spec *spec, const char *value, void *field)
{
	static char wanted[80];
	uint64_t n;
	char *end;

	if (number(value, &end, &n) && !*end && n >= spec->min && n <= spec->max) {
		*(uint32_t *)field = n;
		return NULL;
	}
	snprintf(wanted, sizeof(wanted), "a number from %llu to %llu",
		 (unsigned long long)spec->min, (unsigned long long)spec->max);
	return wanted;
}

static const char *parse_ring(const struct option_spec *spec, const char *value, void *field)
{
	const char *wanted = parse_u32(spec, value, field);
	uint32_t n = *(uint32_t *)field;

	return wanted ?: n & (n - 1) ? "a power of two" : NULL;
}

static const char *parse_u64(const struct option_spec *spec, const char *value, void *field)
{
	uint64_t n;
	char *end;

	if (!number(value, &end, &n) || *end || !n)
		return "a number above zero";
	*(uint64_t *)field = n;
	return NULL;
}

static const char *parse_size(const struct option_spec *spec, const char *value, void *field)
{
	static const char units[] = "kMGT";
	const char *unit;
	uint64_t n;
	char *end;
	int shift = 0;

	if (!number(value, &end, &n))
		goto bad;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
	}
	if (*end || n > UINT64_MAX >> shift || n << shift < spec->min)
		goto bad;
	*(uint64_t *)field = n << shift;
	return NULL;
bad:
	return "a size of at least 1M, such as 500M or 2G";
}

static const char *parse_seconds(const struct option_spec *spec, const char *value, void *field)
{
	char *end;
	double s = strtod(value, &end);

	/* Less than a nanosecond would be 0, which is no limit. */
	if (end == value || *end || !(s >= 1e-9 && s <= 1e9))
		return "a number of seconds from 1e-9 to 1e9, such as 10 or 0.5";
	*(uint64_t *)field = s * 1e9;
	return NULL;
}

static const char *parse_mm(const struct option_spec *spec, const char *value, void *field)
{
	char *end;

	errno = 0;
	*(uint64_t *)field = strtoull(value, &end, 16);
	if (errno || end == value || *end || *value == '-' || !*(uint64_t *)field)
		return "a kernel address in hex, as a record's \"mm\" shows it";
	return NULL;
}

/* No machine has more frames: what is above is no frame's number, but "any". */
#define PFN_MAX ((1ULL << 52) - 1)

static const char *parse_range(const struct option_spec *spec, const char *value, void *field)
{
	struct range *range = field;
	bool ok = false;
	char *end;

	if (number(value, &end, &range->from)) {
		range->to = range->from;
		ok = !*end || (*end == '-' && number(end + 1, &end, &range->to) && !*end);
	}
	if (ok && range->from <= range->to && range->to <= PFN_MAX)
		return NULL;
	return "a frame or FROM-TO, such as 0x1000-0x1fff, up to 0xfffffffffffff";
}

static const char *parse_bits(const struct bit_name *names, const char *value, void *field)
{
	static char wanted[120];
	char *copy = strdupa(value), *word, *rest = copy;
	const struct bit_name *n;
	int len;

	while ((word = strsep(&rest, ","))) {
		for (n = names; n->name && strcasecmp(n->name, word); n++)
			;
		if (!n->name)
			goto bad;
		*(uint32_t *)field |= n->bit;
	}
	return NULL;
bad:
	len = snprintf(wanted, sizeof(wanted), "a list of");
	for (n = names; n->name; n++)
		len += snprintf(wanted + len, sizeof(wanted) - len, "%s%s", n == names ? " " : ",",
				n->name);
	return wanted;
}

static const char *parse_levels(const struct option_spec *spec, const char *value, void *field)
{
	return parse_bits(level_names, value, field);
}

static const char *parse_what(const struct option_spec *spec, const char *value, void *field)
{
	return parse_bits(what_names, value, field);
}

static const char *parse_string(const struct option_spec *spec, const char *value, void *field)
{
	*(const char **)field = value;
	return *value ? NULL : "a name or a path: it is empty";
}

static const char *parse_via(const struct option_spec *spec, const char *value, void *field)
{
	static const char *const ways[] = { "tp", "tp_btf", "raw_tp" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(value, ways[i]))
			return parse_string(spec, value, field);
	return "one of tp, tp_btf, raw_tp";
}

static const char *parse_comm(const struct option_spec *spec, const char *value, void *field)
{
	if (strlen(value) >= XP_COMM_LEN)
		return "at most 15 characters, as in /proc/PID/comm";
	return parse_string(spec, value, field);
}

static const char *parse_weight(const struct option_spec *spec, const char *value, void *field)
{
	static const char *const names[] = {
		[WEIGH_OPERATIONS] = "operations", [WEIGH_LATENCY] = "latency",
	};

	for (uint32_t i = WEIGH_OPERATIONS; i <= WEIGH_LATENCY; i++) {
		if (!strcmp(value, names[i])) {
			*(uint32_t *)field = i;
			return NULL;
		}
	}
	return "one of operations, latency";
}

static const char *parse_sort(const struct option_spec *spec, const char *value, void *field)
{
	for (int i = 0; i < SORT_KEYS; i++) {
		if (!strcmp(sort_names[i].name, value)) {
			*(uint32_t *)field = i;
			return NULL;
		}
	}
	return "one of pins, unpins, refused, tables, latency, pid, name";
}

#define LIVE	(FOR_TRACE | FOR_RECORD)
#define ALL	(FOR_FEATURES | FOR_AUDIT | FOR_BOOT | LIVE | FOR_REPORT | FOR_EXPORT | FOR_TOP | FOR_PAGE)
#define AT(f)	offsetof(struct options, f)

static const struct option_spec specs[] = {
	{ "json", 0, NULL, "one JSON object a line (docs/records.schema.json)",
	  FOR_FEATURES | FOR_TRACE | FOR_AUDIT | FOR_PAGE | FOR_BOOT, AT(json) },
	{ "duration", 'd', "S", "stop after S seconds", LIVE | FOR_PAGE | FOR_BOOT, AT(duration_ns),
	  parse_seconds },
	{ "count", 'n', "N", "stop after N records, or with --findings N findings", FOR_TRACE,
	  AT(count), parse_u64 },
	{ "count", 'n', "N", "stop after N records", FOR_RECORD, AT(count), parse_u64 },
	{ "pid", 'p', "PID", "only of this process", LIVE, AT(trace.pid), parse_u32, 1, 1 << 22 },
	{ "comm", 'c', "NAME", "only of tasks with this name", LIVE, AT(trace.comm), parse_comm },
	{ "mm", 0, "ADDRESS", "only of this mm_struct", LIVE, AT(trace.mm), parse_mm },
	{ "level", 'l', "L1,..", "only tables of these levels", LIVE, AT(trace.levels),
	  parse_levels },
	{ "pfn", 0, "FROM-TO", "only these frames", LIVE, AT(trace.pfn), parse_range },
	{ "op", 'o', "OP,..", "only pin,unpin,alloc,release,mm-pin,mm-unpin,set,clear (text: not the last two)", FOR_TRACE,
	  AT(trace.what), parse_what },
	{ "findings", 'f', NULL, "audit first, then print only what contradicts itself", FOR_TRACE,
	  AT(findings) },
	{ "audit", 'a', "S", "an audit every S seconds, one at the begin and one at the end", LIVE,
	  AT(audit_ns), parse_seconds },
	{ "op", 0, "OP,..", "only pin,unpin,alloc,release,mm-pin,mm-unpin", FOR_RECORD,
	  AT(trace.what), parse_what },
	{ "output", 'o', "FILE", "the recording, which must not exist", FOR_RECORD, AT(output),
	  parse_string },
	{ "output", 'o', "FILE", "write the report to FILE", FOR_REPORT, AT(output), parse_string },
	{ "listen", 'l', "ADDR:PORT", "an address of this host at which to answer /metrics (default 127.0.0.1:9871)", FOR_EXPORT,
	  AT(listen), parse_string },
	{ "textfile", 't', "DIR", "write DIR/xenpin.prom for node_exporter, and do not listen",
	  FOR_EXPORT, AT(textfile), parse_string },
	{ "interval", 'i', "S", "seconds between audits (export, default 60) or refreshes (top, 2)",
	  FOR_EXPORT | FOR_TOP, AT(interval), parse_u32, 1, 86400 },
	{ "batch", 'b', NULL, "lines for a script instead of a screen", FOR_TOP, AT(batch) },
	{ "sort", 's', "KEY", "by pins, unpins, refused, tables, latency, pid or name", FOR_TOP,
	  AT(sort), parse_sort },
	{ "group", 'g', NULL, "one line for all processes of a name", FOR_TOP, AT(group) },
	{ "comm", 'c', "PART", "only names that hold PART", FOR_TOP, AT(trace.comm), parse_comm },
	{ "watch", 'w', NULL, "then tell each write that changes its flag, with the kernel stack",
	  FOR_PAGE, AT(watch) },
	{ "count", 'n', "N", "stop after N changes", FOR_PAGE, AT(count), parse_u64 },
	{ "recording", 'r', "FILE", "what a recording tells of it", FOR_PAGE, AT(recording),
	  parse_string },
	{ "count", 'n', "N", "end after N refreshes", FOR_TOP, AT(count), parse_u64 },
	{ "recording", 'r', "FILE", "figures of a recording, read again when it changes",
	  FOR_EXPORT, AT(recording), parse_string },
	{ "format", 'f', "FORMAT", "text (the default), json, html, perfetto, folded", FOR_REPORT, AT(format),
	  parse_string },
	{ "weight", 0, "WEIGHT", "of folded stacks: operations (the default), or latency, in ns waited for Xen",
	  FOR_REPORT, AT(weight), parse_weight },
	{ "max-size", 0, "SIZE", "at this size FILE replaces FILE.1, and another FILE begins",
	  FOR_RECORD, AT(max_size), parse_size, 1 << 20 },
	{ "finish", 0, NULL, "trace nothing: make the rows that FILE lacks, whose recorder was killed",
	  FOR_RECORD, AT(finish) },
	{ "stack", 's', NULL, "kernel stacks, with source lines where debug information is",
	  LIVE, AT(trace.stack) },
	{ "ready-file", 0, "FILE", "create FILE once all probes are armed", LIVE | FOR_EXPORT | FOR_TOP |
	  FOR_PAGE, AT(ready_file), parse_string },
	{ "ring-pages", 0, "N", "buffer per CPU, in pages of 4 KiB (default 256)", LIVE,
	  AT(trace.ring_pages), parse_ring, 1, 512 },
	{ "via", 0, "WAY", "begin with this way to attach: tp, tp_btf, raw_tp",
	  LIVE, AT(trace.via), parse_via },
	{ "repeat", 0, "N", "audit N times", FOR_AUDIT, AT(repeat), parse_u32, 1, 1000000 },
	{ "dry-run", 0, NULL, "load and verify, attach nothing", LIVE, AT(trace.dry_run) },
	{ "records", 0, NULL, "every record since boot, as JSON, before the account", FOR_BOOT,
	  AT(records) },
	{ "verify", 0, NULL, "compare with Xen's own list of page tables, frame by frame (dom0)",
	  FOR_BOOT, AT(verify) },
	{ "log", 0, "FILE", "a copy of a boot log instead of this boot's own", FOR_BOOT, AT(log),
	  parse_string },
	{ "console", 0, "FILE", "why did this guest die: its console, or Xen's; -: stdin", FOR_BOOT,
	  AT(console), parse_string },
	{ "compare", 0, "A B", "two accounts that --json wrote, and their difference", FOR_BOOT,
	  AT(compare), parse_string, .two = true },
	{ "verbose", 'v', NULL, "say more, libbpf's messages included", ALL, AT(verbose) },
	{}
};

enum { HELP = 1 };	/* getopt's value; those of options follow it */

static void print_help(const struct command *cmd)
{
	printf("Usage: xenpin %s [OPTION]...%s%s\n\n%s\n\n", cmd->name, *cmd->args ? " " : "",
	       cmd->args, cmd->what);
	for (const struct option_spec *s = specs; s->name; s++) {
		char left[40];

		if (!(s->commands & cmd->options))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", s->letter ? '-' : ' ',
			 s->letter ?: ' ', s->letter ? ", " : "  ", s->name, s->arg ? " " : "",
			 s->arg ?: "");
		printf("  %-24s %s\n", left, s->help);
	}
}

void options__list(FILE *to)
{
	for (const struct command *cmd = commands; cmd->name; cmd++) {
		fprintf(to, "%s\t%s\t%s\n", cmd->name, cmd->args, cmd->what);
		for (const struct option_spec *s = specs; s->name; s++)
			if (s->commands & cmd->options)
				fprintf(to, "%s\t--%s\t%.1s\t%s\t%s\n", cmd->name, s->name,
					s->letter ? &s->letter : "", s->arg ?: "", s->help);
	}
}

static bool takes_command(const struct command *cmd)
{
	return !strncmp(cmd->args, "[--", 3);
}

/* An operand, a file or a word; otherwise there is none, or a command behind "--". */
static bool takes_operand(const struct command *cmd)
{
	return *cmd->args && !takes_command(cmd);
}

/* getopt's two forms of the options of @cmd. */
static void build_getopt(const struct command *cmd, struct option *longs, char *shorts)
{
	if (!takes_operand(cmd))
		*shorts++ = '+';	/* what follows the first operand is not ours */
	*shorts++ = ':';	/* we say what is missing */
	*longs++ = (struct option){ "help", no_argument, NULL, HELP };
	*shorts++ = 'h';
	for (const struct option_spec *s = specs; s->name; s++) {
		int arg = s->arg ? required_argument : no_argument;

		if (!(s->commands & cmd->options))
			continue;
		*longs++ = (struct option){ s->name, arg, NULL, HELP + 1 + (s - specs) };
		if (!s->letter)
			continue;
		*shorts++ = s->letter;
		if (s->arg)
			*shorts++ = ':';
	}
	*longs = (struct option){};
	*shorts = 0;
}

static const struct option_spec *find_spec(const struct command *cmd, int value)
{
	if (value > HELP && value <= HELP + (int)(sizeof(specs) / sizeof(*specs)) - 1)
		return &specs[value - HELP - 1];
	for (const struct option_spec *s = specs; s->name; s++)
		if (s->letter == value && s->commands & cmd->options)
			return s;
	return NULL;
}

static bool apply(const struct option_spec *spec, struct options *opts, const char *value)
{
	void *field = (char *)opts + spec->offset;
	const char *wanted;

	if (!spec->arg) {
		*(bool *)field = true;
		return true;
	}
	wanted = spec->parse(spec, value, field);
	if (wanted)
		say("--%s: '%s' is not %s", spec->name, value, wanted);
	return !wanted;
}

/* Of an option with two values; getopt_long() knows only one. */
static bool apply_second(const struct option_spec *spec, struct options *opts, const char *value)
{
	if (!value || *value == '-') {
		say("--%s needs two values: %s", spec->name, spec->arg);
		return false;
	}
	((const char **)((char *)opts + spec->offset))[1] = value;
	return true;
}

/* The one operand among the @n words that are no options; "[WORD]" need not be there. */
static enum options_result take_operand(struct options *opts, const struct command *cmd, char **words,
				     int n)
{
	if (n == 1) {
		opts->operand = words[0];
		return OPTIONS_OK;
	}
	if (!n && *cmd->args == '[')
		return OPTIONS_OK;
	if (!n)
		say("%s: needs a %s", cmd->name, cmd->args);
	else
		say("%s: unexpected argument '%s'; it takes one %s", cmd->name, words[1],
		    cmd->args);
	return OPTIONS_BAD;
}

enum options_result options__parse(struct options *opts, const struct command *cmd, int argc,
				   char **argv)
{
	struct option longs[sizeof(specs) / sizeof(*specs) + 1];
	char shorts[3 * sizeof(specs) / sizeof(*specs) + 4];
	const struct option_spec *spec;
	int c;

	*opts = (struct options){ .trace = { .pfn.to = UINT64_MAX, .ring_pages = 256 },
				  .repeat = 1, .interval = cmd->options & FOR_TOP ? 2 : 60 };
	build_getopt(cmd, longs, shorts);
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (c) {
		case 'h':
		case HELP:
			print_help(cmd);
			return OPTIONS_HELP;
		case ':':
			spec = find_spec(cmd, optopt);
			say("--%s needs a value: %s", spec ? spec->name : "?", spec ? spec->arg : "");
			return OPTIONS_BAD;
		case '?':
			/* Of a long option that is known, but takes no value. */
			spec = optopt > HELP ? find_spec(cmd, optopt) : NULL;
			if (spec && !spec->arg && !strncmp(argv[optind - 1], "--", 2)) {
				say("--%s takes no value", spec->name);
				return OPTIONS_BAD;
			}
			say("unknown option '%s'; `xenpin %s --help` lists them", argv[optind - 1],
			    cmd->name);
			return OPTIONS_BAD;
		}
		spec = find_spec(cmd, c);
		if (!apply(spec, opts, optarg) ||
		    (spec->two && !apply_second(spec, opts, argv[optind++])))
			return OPTIONS_BAD;
	}
	if (takes_operand(cmd))
		return take_operand(opts, cmd, argv + optind, argc - optind);
	if (optind == argc && *cmd->args && !strcmp(argv[argc - 1], "--")) {
		say("%s: no command stands behind '--'", cmd->name);
		return OPTIONS_BAD;
	}
	if (optind == argc)
		return OPTIONS_OK;
	if (!*cmd->args || strcmp(argv[optind - 1], "--")) {
		say("%s: unexpected argument '%s'%s", cmd->name, argv[optind],
		    *cmd->args ? "; a command to run stands behind '--'" : "");
		return OPTIONS_BAD;
	}
	opts->cmd = argv + optind;
	return OPTIONS_OK;
}
