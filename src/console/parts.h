/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps of pstore: the end of a log in parts of some KiB, "Panic#2 Part1" over
 * each, the newest text in part 1, cut where a part was full and not where a
 * line ended.  They are kept until all are there and then passed on, the oldest
 * first, as one text.  All other lines pass at once.
 */
#ifndef XENPIN_CONSOLE_PARTS_H
#define XENPIN_CONSOLE_PARTS_H

#include "input.h"

#define PARTS_MAX	512		/* of one dump */
#define PARTS_SIZE	(4UL << 20)	/* bytes of one dump; larger ones pass in pieces */

struct part {
	unsigned int number;
	size_t begin, end;		/* in .lines */
};

struct parts_line {
	uint64_t number;
	bool whole;
	uint8_t mark;			/* enum input_mark */
	size_t text;			/* where it starts in .text */
};

struct parts {
	input_handler handler;
	void *context;
	char dump[32];			/* "Panic#2"; "" outside of a dump */
	struct part part[PARTS_MAX];
	unsigned int nr;
	struct parts_line *lines;
	size_t nr_lines, room_lines;
	char *text;			/* of all of them, each with its NUL */
	size_t size;
	bool reordered; /* some dump had its parts in another order, or torn lines */
	unsigned int missing;		/* parts that should have been between others */
	int err;			/* -ENOMEM */
};

void parts__begin(struct parts *parts, input_handler handler, void *context);

/* An input_handler. */
void parts__add(void *parts, const struct input_line *line);
void parts__end(struct parts *parts);

#endif
