/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of `journalctl -o json`, one a line, as the lines that the kernel printed. */
#ifndef XENPIN_CONSOLE_JOURNAL_H
#define XENPIN_CONSOLE_JOURNAL_H

#include "input.h"

struct journal {
	input_handler handler;
	void *context;
	char boot[40];		/* _BOOT_ID of the record before */
};

void journal__begin(struct journal *journal, input_handler handler, void *context);

/* An input_handler.  Lines that are no records pass as they are. */
void journal__add(void *journal, const struct input_line *line);

#endif
