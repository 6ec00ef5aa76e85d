// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of a command's options at work: parsing, help, and every message that names an option.
 * getopt_long() does the splitting.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "../../include/record.h"
#include "options.h"

#define for_each_row(row, cmd) \
	for (const struct option_row *row = (cmd)->options; row && row->name; row++)

static bool number(const char *text, char **end, uint64_t *value)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, end, 0);
	return !errno;
}

const char *option__u32(const struct option_row *row, const char *value)
{
	static char wanted[80];
	uint64_t n;
	char *end;

	if (number(value, &end, &n) && !*end && n >= row->min && n <= row->max) {
		*row->to.u32 = n;
		return NULL;
	}
	snprintf(wanted, sizeof(wanted), "a number from %llu to %llu",
		 (unsigned long long)row->min, (unsigned long long)row->max);
	return wanted;
}

const char *option__power_of_2(const struct option_row *row, const char *value)
{
	const char *wanted = option__u32(row, value);
	uint32_t n = *row->to.u32;

	return wanted ?: n & (n - 1) ? "a power of two" : NULL;
}

const char *option__count(const struct option_row *row, const char *value)
{
	uint64_t n;
	char *end;

	if (!number(value, &end, &n) || *end || !n)
		return "a number above zero";
	*row->to.u64 = n;
	return NULL;
}

const char *option__size(const struct option_row *row, const char *value)
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
	if (*end || n > UINT64_MAX >> shift || n << shift < row->min)
		goto bad;
	*row->to.u64 = n << shift;
	return NULL;
bad:
	return "a size of at least 1M, such as 500M or 2G";
}

const char *option__seconds(const struct option_row *row, const char *value)
{
	char *end;
	double s = strtod(value, &end);

	/* Less than a nanosecond would be 0, which is no limit. */
	if (end == value || *end || !(s >= 1e-9 && s <= 1e9))
		return "a number of seconds from 1e-9 to 1e9, such as 10 or 0.5";
	*row->to.u64 = s * 1e9;
	return NULL;
}

const char *option__address(const struct option_row *row, const char *value)
{
	char *end;

	errno = 0;
	*row->to.u64 = strtoull(value, &end, 16);
	if (errno || end == value || *end || *value == '-' || !*row->to.u64)
		return "a kernel address in hex, as a record's \"mm\" shows it";
	return NULL;
}

/* No machine has more frames: what is above is no frame's number, but "any". */
#define PFN_MAX ((1ULL << 52) - 1)

const char *option__pfns(const struct option_row *row, const char *value)
{
	struct range *range = row->to.range;
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

/* What the value should have been: @intro, and the words with @between them. */
static const char *name_words(const char *intro, const char *between, const struct word *words)
{
	static char wanted[120];
	int len = snprintf(wanted, sizeof(wanted), "%s", intro);

	for (const struct word *w = words; w->name && len < (int)sizeof(wanted); w++)
		len += snprintf(wanted + len, sizeof(wanted) - len, "%s%s",
				w == words ? " " : between, w->name);
	return wanted;
}

const char *option__bits(const struct option_row *row, const char *value)
{
	char *copy = strdupa(value), *word, *rest = copy;
	const struct word *w;

	while ((word = strsep(&rest, ","))) {
		for (w = row->words; w->name && strcasecmp(w->name, word); w++)
			;
		if (!w->name)
			return name_words("a list of", ",", row->words);
		*row->to.u32 |= w->value;
	}
	return NULL;
}

static const struct word *find_word(const struct word *words, const char *name)
{
	while (words->name && strcmp(words->name, name))
		words++;
	return words->name ? words : NULL;
}

const char *option__word(const struct option_row *row, const char *value)
{
	const struct word *word = find_word(row->words, value);

	if (!word)
		return name_words("one of", ", ", row->words);
	*row->to.u32 = word->value;
	return NULL;
}

const char *option__string(const struct option_row *row, const char *value)
{
	if (row->words && !find_word(row->words, value))
		return name_words("one of", ", ", row->words);
	*row->to.string = value;
	return *value ? NULL : "a name or a path: it is empty";
}

const char *option__comm(const struct option_row *row, const char *value)
{
	if (strlen(value) >= XP_COMM_LEN)
		return "at most 15 characters, as in /proc/PID/comm";
	return option__string(row, value);
}

enum { HELP = 1 };	/* getopt's value; those of options follow it */

static void print_help(const struct command *cmd)
{
	printf("Usage: xenpin %s [OPTION]...%s%s\n\n%s\n\n", cmd->name, *cmd->args ? " " : "",
	       cmd->args, cmd->what);
	for_each_row(row, cmd) {
		char left[40];

		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
			 row->letter ?: ' ', row->letter ? ", " : "  ", row->name,
			 row->arg ? " " : "", row->arg ?: "");
		printf("  %-24s %s\n", left, row->help);
	}
}

void options__list(const struct command *cmd, FILE *to)
{
	fprintf(to, "%s\t%s\t%s\n", cmd->name, cmd->args, cmd->what);
	for_each_row(row, cmd)
		fprintf(to, "%s\t--%s\t%.1s\t%s\t%s\n", cmd->name, row->name,
			row->letter ? &row->letter : "", row->arg ?: "", row->help);
}

static size_t count_rows(const struct command *cmd)
{
	size_t rows = 0;

	for_each_row(row, cmd)
		rows++;
	return rows;
}

/* getopt's two forms of the options of @cmd. */
static void build_getopt(const struct command *cmd, struct option *longs, char *shorts)
{
	if (!cmd->operand)
		*shorts++ = '+';	/* what follows the first operand is not ours */
	*shorts++ = ':';	/* we say what is missing */
	*longs++ = (struct option){ "help", no_argument, NULL, HELP };
	*shorts++ = 'h';
	for_each_row(row, cmd) {
		int arg = row->arg ? required_argument : no_argument;

		*longs++ = (struct option){ row->name, arg, NULL, HELP + 1 + (row - cmd->options) };
		if (!row->letter)
			continue;
		*shorts++ = row->letter;
		if (row->arg)
			*shorts++ = ':';
	}
	*longs = (struct option){};
	*shorts = 0;
}

static const struct option_row *find_row(const struct command *cmd, int value)
{
	if (value > HELP && value <= HELP + (int)count_rows(cmd))
		return &cmd->options[value - HELP - 1];
	for_each_row(row, cmd)
		if (row->letter == value)
			return row;
	return NULL;
}

static bool apply(const struct option_row *row, const char *value)
{
	const char *wanted;

	if (!row->arg) {
		*row->to.flag = true;
		return true;
	}
	wanted = row->parse(row, value);
	if (wanted)
		say("--%s: '%s' is not %s", row->name, value, wanted);
	return !wanted;
}

/* Of an option with two values; getopt_long() knows only one. */
static bool apply_second(const struct option_row *row, const char *value)
{
	if (!value || *value == '-') {
		say("--%s needs two values: %s", row->name, row->arg);
		return false;
	}
	row->to.string[1] = value;
	return true;
}

/* The one operand among the @n words that are no options; "[WORD]" need not be there. */
static enum options_result take_operand(const struct command *cmd, char **words, int n)
{
	if (n == 1) {
		*cmd->operand = words[0];
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

enum options_result options__parse(const struct command *cmd, int argc, char **argv)
{
	size_t rows = count_rows(cmd);
	struct option longs[rows + 2];	/* and --help, and an end */
	char shorts[2 * rows + 4];	/* and "+:h", and an end */
	const struct option_row *row;
	int c;

	build_getopt(cmd, longs, shorts);
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (c) {
		case 'h':
		case HELP:
			print_help(cmd);
			return OPTIONS_HELP;
		case ':':
			row = find_row(cmd, optopt);
			say("--%s needs a value: %s", row ? row->name : "?", row ? row->arg : "");
			return OPTIONS_BAD;
		case '?':
			/* Of a long option that is known, but takes no value. */
			row = optopt > HELP ? find_row(cmd, optopt) : NULL;
			if (row && !row->arg && !strncmp(argv[optind - 1], "--", 2)) {
				say("--%s takes no value", row->name);
				return OPTIONS_BAD;
			}
			say("unknown option '%s'; `xenpin %s --help` lists them", argv[optind - 1],
			    cmd->name);
			return OPTIONS_BAD;
		}
		row = find_row(cmd, c);
		if (!apply(row, optarg) || (row->two && !apply_second(row, argv[optind++])))
			return OPTIONS_BAD;
	}
	if (cmd->operand)
		return take_operand(cmd, argv + optind, argc - optind);
	if (optind == argc && cmd->child && !strcmp(argv[argc - 1], "--")) {
		say("%s: no command stands behind '--'", cmd->name);
		return OPTIONS_BAD;
	}
	if (optind == argc)
		return OPTIONS_OK;
	if (!cmd->child || strcmp(argv[optind - 1], "--")) {
		say("%s: unexpected argument '%s'%s", cmd->name, argv[optind],
		    cmd->child ? "; a command to run stands behind '--'" : "");
		return OPTIONS_BAD;
	}
	*cmd->child = argv + optind;
	return OPTIONS_OK;
}
