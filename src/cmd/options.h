/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a command is, and its options: rows that stand beside it, in cmd_NAME.c.  They drive
 * parsing, help, manual, completion, and every message that names an option.
 */
#ifndef XENPIN_OPTIONS_H
#define XENPIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/word.h"
#include "base/xenpin.h"
#include "trace/request.h"

struct option_row;

/* Stores a value where @row says.  Returns NULL, or what the value should have been. */
typedef const char *option_parse_fn(const struct option_row *row, const char *value);

struct option_row {
	const char *name;
	char letter;		/* 0: none */
	const char *arg;	/* NULL: a switch */
	const char *help;
	/* One of TO_...() fills in the rest: what the value is, and into which field it goes. */
	option_parse_fn *parse;
	union {
		bool *flag;
		uint32_t *u32;
		uint64_t *u64;
		struct range *range;
		const char **string;
	} to;
	uint64_t min, max;
	const struct word *words;
	bool two;		/* a second value follows, into the string behind */
};

option_parse_fn option__u32, option__power_of_2, option__count, option__size, option__seconds,
	option__address, option__pfns, option__word, option__bits, option__string, option__comm;

#define TO_FLAG(field)		.to.flag = &(field)
#define TO_U32(field, from, upto) \
	.parse = option__u32, .to.u32 = &(field), .min = (from), .max = (upto)
#define TO_POWER_OF_2(field, from, upto) \
	.parse = option__power_of_2, .to.u32 = &(field), .min = (from), .max = (upto)
#define TO_COUNT(field)		.parse = option__count, .to.u64 = &(field)	/* above 0 */
#define TO_SIZE(field, least)	.parse = option__size, .to.u64 = &(field), .min = (least)
#define TO_SECONDS(field)	.parse = option__seconds, .to.u64 = &(field)	/* as ns */
#define TO_ADDRESS(field)	.parse = option__address, .to.u64 = &(field)
#define TO_PFNS(field)		.parse = option__pfns, .to.range = &(field)
/* The number of one of the words; of some of them, as bits. */
#define TO_WORD(field, list)	.parse = option__word, .to.u32 = &(field), .words = (list)
#define TO_BITS(field, list)	.parse = option__bits, .to.u32 = &(field), .words = (list)
#define TO_STRING(field)	.parse = option__string, .to.string = &(field)
#define TO_ONE_OF(field, list)	.parse = option__string, .to.string = &(field), .words = (list)
#define TO_COMM(field)		.parse = option__comm, .to.string = &(field)
#define TO_TWO_STRINGS(array)	.parse = option__string, .to.string = (array), .two = true

/* Rows of several commands, each of which has a field of its own for it. */
#define JSON_ROW(field) \
	{ "json", 0, NULL, "one JSON object a line (docs/records.schema.json)", TO_FLAG(field) }
#define DURATION_ROW(field) \
	{ "duration", 'd', "S", "stop after S seconds", TO_SECONDS(field) }
#define READY_FILE_ROW(field) \
	{ "ready-file", 0, "FILE", "create FILE once all probes are armed", TO_STRING(field) }
#define VERBOSE_ROW(field) \
	{ "verbose", 'v', NULL, "say more, libbpf's messages included", TO_FLAG(field) }

struct command {
	const char *name;
	const char *args;	/* for the usage line, behind the options; "[...]": may be left out */
	const char *what;	/* one line of help */
	const struct option_row *options;	/* end with {}; NULL: it takes none */
	/* Where that which stands behind the options goes, and stays NULL when it is left out. */
	const char **operand;	/* one word; NULL: it takes none */
	char ***child;		/* a command to run and its arguments; NULL: it takes none */
	enum exit_status (*run)(void);
};

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_BAD };

/*
 * Fills the fields that the rows of @cmd name; argv[0] is the command's name.  Says on stderr
 * what is wrong, or on stdout the help that was asked for.
 */
enum options_result options__parse(const struct command *cmd, int argc, char **argv);

/*
 * A command and its options, tab-separated, for man page and completion (tools/manuals):
 * "command args what", then "command --name letter arg help".
 */
void options__list(const struct command *cmd, FILE *to);

#endif
