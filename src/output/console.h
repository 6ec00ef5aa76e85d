/* SPDX-License-Identifier: GPL-2.0-only */
/* What a console says, for people and for programs. */
#ifndef XENPIN_SINK_CONSOLE_H
#define XENPIN_SINK_CONSOLE_H

#include <stdio.h>

#include "console/judge.h"

void console_text__print(FILE *out, const struct console *console);

/* One line; @status is the exit status that goes with it. */
void console_json__print(FILE *out, const struct console *console, int status);

/* What is odd about a console as a whole, as sentences; returns how many. */
#define CONSOLE_NOTES	10
#define CONSOLE_NOTE	160
unsigned int console__notes(const struct console *console, char notes[][CONSOLE_NOTE]);

/* What has to be known before any verdict is read: a sentence with its full stop, or "". */
void console__caution(const struct console *console, char *buffer, size_t size);

/* "nine words about a line of Xen's or a refused call": for both outputs. */
void console__fact_in_words(const struct fact *fact, char *buffer, size_t size);

#endif
