/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of which some are records of a journal: those of `journalctl -o export`, whose values may
 * be any bytes, and of -o json, json-pretty, json-sse and json-seq become lines here.  All others
 * are text, of whose lines those of -o verbose are records, too.
 */
#ifndef XENPIN_CONSOLE_JOURNAL_H
#define XENPIN_CONSOLE_JOURNAL_H

#include "journal_record.h"

enum journal_state {
	JOURNAL_LINE,		/* a line begins that may be any */
	JOURNAL_TEXT,		/* in the middle of one that is no record */
	JOURNAL_EXPORT,
	JOURNAL_JSON,
	JOURNAL_STATES
};

/* Where in -o export, or -o json, the next byte stands; private to their files. */
struct journal_export {
	uint8_t state;
	char name[RECORD_NAME + 1];	/* of the field that is being read */
	size_t len;			/* of that, or bytes of the length that are there */
	uint64_t left;			/* bytes of a value */
	bool first;			/* no field of the record is complete yet */
};

struct journal_json {
	uint8_t state;
	char name[RECORD_NAME + 1];
	size_t len;
	unsigned int depth;		/* of brackets inside of the object */
	unsigned int number, digits;	/* in an array of bytes, or hexadecimal in an escape */
};

struct journal {
	input_handler handler;		/* gets the lines of records, and others */
	void *context;
	struct input text;		/* all that is no record of bytes */
	uint8_t state;			/* enum journal_state */
	char held[48];			/* the begin of a line, until it is clear what it is */
	size_t nr_held;
	struct journal_record record;
	union {
		struct journal_export export;
		struct journal_json json;
	};
	struct {			/* of -o verbose */
		bool open;
		size_t column;		/* where the value of the last field begins */
	} verbose;
	bool open_end;			/* the input ended in the middle of a record */
};

void journal__begin(struct journal *journal, input_handler handler, void *context);
void journal__feed(struct journal *journal, const char *bytes, size_t size);

/* The input has ended. */
void journal__end(struct journal *journal);

/* Lines are missing here.  Private to journal*.c, as all below. */
void journal__mark_gap(struct journal *journal);

/* They return how many bytes were of a record; where it ends they set another .state. */
size_t journal_export__feed(struct journal *journal, const char *bytes, size_t size);
size_t journal_json__feed(struct journal *journal, const char *bytes, size_t size);

void journal_export__begin(struct journal *journal);
void journal_json__begin(struct journal *journal);

/* Returns whether a record is not over. */
bool journal_export__end(struct journal *journal);

/* An input_handler of lines, some of which are records of -o verbose. */
void journal_verbose__add(void *journal, const struct input_line *line);
bool journal_verbose__end(struct journal *journal);

#endif
