/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One record of a journal, from its fields to the lines that `journalctl -o short` has of it, so
 * that all who read lines read one form: the kernel's with its stamp, a program's with its name.
 */
#ifndef XENPIN_CONSOLE_JOURNAL_RECORD_H
#define XENPIN_CONSOLE_JOURNAL_RECORD_H

#include "input.h"

#define RECORD_NAME	64	/* no field of a journal has a longer name */

struct journal_record {
	int8_t field;		/* that is being read; -1: none that matters here */
	size_t len;		/* of its value so far */
	bool told;		/* its message is there, */
	bool cut;		/* without its end */
	uint64_t line;		/* of its message, or of the last field that matters */
	uint64_t unowned;	/* records that do not say who printed them */
	/* Values, "" when there is no such field. */
	char boot[40], transport[16], identifier[48], command[20], pid[16], host[60], time[24];
	char message[INPUT_LINE];
};

void journal_record__begin(struct journal_record *record);

/* A field of the @len bytes of @name begins in line @line, */
void journal_record__begin_field(struct journal_record *record, const char *name, size_t len,
				 uint64_t line);

/* has @size bytes more in its value, */
void journal_record__add(struct journal_record *record, const char *bytes, size_t size);

/* and ends.  A field that does not end has no value. */
void journal_record__end_field(struct journal_record *record);

/* Its lines, or a gap where it does not say what was printed, or by whom. */
void journal_record__pass(struct journal_record *record, input_handler handler, void *context);

#endif
