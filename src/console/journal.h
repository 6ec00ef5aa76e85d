/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of `journalctl -o json`, one a line, and `-o export`, as the lines that the kernel printed. */
#ifndef XENPIN_CONSOLE_JOURNAL_H
#define XENPIN_CONSOLE_JOURNAL_H

#include "input.h"

/* What of a record matters here; "" when it has no such field. */
struct journal_record {
	bool open;		/* of -o export: the next one has not begun yet */
	bool bytes;		/* the value of its last field is bytes, and may be lines */
	bool broken;		/* its message cannot be read */
	uint64_t line;		/* of -o export: its last one that is kept */
	char boot[40], transport[16], identifier[32], host[80], time[24];
	char message[INPUT_LINE];
};

struct journal {
	input_handler handler;
	void *context;
	char boot[40];		/* _BOOT_ID of the record before */
	struct journal_record record;
};

void journal__begin(struct journal *journal, input_handler handler, void *context);

/* An input_handler.  Lines that are no records pass as they are. */
void journal__add(void *journal, const struct input_line *line);

/* The input has ended. */
void journal__end(struct journal *journal);

#endif
