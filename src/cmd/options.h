/* SPDX-License-Identifier: GPL-2.0-only */
/* Command-line options, declared in one table (options.c). */
#ifndef XENPIN_OPTIONS_H
#define XENPIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "trace/request.h"

struct command;

/* Which commands take an option. */
enum option_for {
	FOR_FEATURES	= 1 << 0,
	FOR_TRACE	= 1 << 1,
	FOR_AUDIT	= 1 << 2,
	FOR_BOOT	= 1 << 3,
	FOR_RECORD	= 1 << 4,
	FOR_REPORT	= 1 << 5,
	FOR_EXPORT	= 1 << 6,
	FOR_TOP		= 1 << 7,
	FOR_PAGE	= 1 << 8,
	FOR_EXPLAIN	= 1 << 9,
};

struct options {
	struct trace_request trace;
	bool json;
	bool verbose;
	bool watch;
	bool findings;		/* only these */
	uint64_t audit_ns;	/* an audit so often; 0: none in between */
	uint64_t duration_ns;	/* 0: no limit */
	uint64_t count;		/* 0: no limit */
	uint32_t repeat;	/* audits */
	const char *ready_file;
	const char *log;	/* NULL: this boot's own */
	const char *console;	/* NULL: none; "-": stdin */
	const char *compare[2];	/* NULL: none */
	bool records;
	bool verify;
	const char *output;	/* NULL: stdout */
	const char *format;	/* NULL: text */
	uint32_t weight;	/* enum stack_weighing */
	const char *recording;	/* NULL: live */
	const char *listen;	/* NULL: the default */
	const char *textfile;	/* a directory; NULL: listen */
	uint32_t interval;	/* seconds */
	uint32_t sort;		/* enum sort_key */
	bool batch, group;
	uint64_t max_size;	/* bytes; 0: no limit */
	bool finish;
	const char *operand;	/* what the command is about; NULL: it takes none, or need not have it */
	char **cmd;		/* behind "--", or NULL */
};

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_BAD };

/*
 * Fills @opts for @cmd; argv[0] is the command's name.  Says on stderr what is
 * wrong, or on stdout the help that was asked for.
 */
enum options_result options__parse(struct options *opts, const struct command *cmd, int argc,
				   char **argv);

/*
 * All commands and their options, tab-separated, for man page and completion
 * (tools/manuals): "command args what", then "command --name letter arg help".
 */
void options__list(FILE *to);

#endif
