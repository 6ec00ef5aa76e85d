/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines without prefixes: those of Xen apart from those of the guests, lines
 * that others were printed into put together again.
 */
#ifndef XENPIN_CONSOLE_MEND_H
#define XENPIN_CONSOLE_MEND_H

#include "input.h"
#include "prefix.h"

#define CONSOLE_GUESTS	16	/* with names; lines of more are left out */
#define CONSOLE_NAME	64

/*
 * What continues itself and nothing else: the lines of a guest, in the order of a file, and the
 * records of each of its boots, wherever they stand.
 */
#define CONSOLE_STREAMS	64	/* the first ones are the guests' own */

struct line {
	const char *text;
	const char *rest;	/* .text and what stands before it, if it is the rest of a line */
	size_t indent;		/* spaces and signs of quotation before all of it */
	bool whole;
	bool xen;
	uint8_t mark;		/* enum input_mark */
	bool stamped;		/* it has a prefix */
	bool own;		/* of a record or a program: no rest of another, and without one */
	bool quoted;		/* a program says so, below the first line of its message */
	bool dated;		/* with a date in it that is not the kernel's stamp */
	uint8_t guest;
	uint8_t stream;		/* of a mark: 0 for all of them */
	uint32_t caller;	/* who printed it; 0: not said */
	int64_t t;		/* µs, or NO_TIME */
	uint64_t number;
};

/* Where a line may have been broken so that its rest stands below. */
enum line_break {
	BREAK_NONE,
	BREAK_BY_XEN,		/* Xen printed into it; without its rest it is cut */
	BREAK_AT_COLUMN,	/* by a terminal; else it may as well be whole */
	BREAK_AT_SPACE,		/* by a mail program, and the space may be gone */
};

typedef void (*line_handler)(void *context, const struct line *line);

struct mender {
	line_handler handler;
	void *context;
	char guests[CONSOLE_GUESTS][CONSOLE_NAME];	/* [0] is "": lines without a name */
	unsigned int nr_guests;
	struct {
		char boot[40];	/* its id, and */
		uint8_t guest;	/* whose it is */
		uint64_t used;	/* line where it had its last one; 0: never */
	} streams[CONSOLE_STREAMS];
	unsigned int stream;	/* of the last record */
	uint64_t others;	/* lines of guests for whom there was no room */
	uint64_t mended;	/* lines that were put together again */
	struct line head;	/* a line that Xen printed into, until its rest comes */
	char text[INPUT_LINE];	/* of .head */
	bool waiting;		/* there is a .head */
	uint8_t broken;		/* enum line_break: why .head waits */
	size_t longest;		/* line so far, with its prefix */
	size_t width;		/* at which lines were broken, */
	unsigned int breaks;	/* so many times */
	size_t column;		/* where in the last line with a prefix a kernel's words began, or 0 */
	uint8_t below;		/* guest of that line */
	struct {		/* the line before */
		uint64_t number;
		size_t len;	/* with its prefix */
		uint8_t guest;
		bool prefixed;	/* with what no rest of a line has */
		char start[5];	/* the same in the next line: a prefix that nobody knows */
	} before;
};

void mender__begin(struct mender *mender, line_handler handler, void *context);

/* An input_handler. */
void mender__add(void *mender, const struct input_line *line);
void mender__end(struct mender *mender);

#endif
