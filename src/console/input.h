/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of a console into lines without noise: colours and other escapes of
 * terminals, NULs, CR LF, what a mail program made of the line, bytes that no
 * terminal should get.
 */
#ifndef XENPIN_CONSOLE_INPUT_H
#define XENPIN_CONSOLE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail.h"

#define INPUT_LINE	4096	/* what is longer is cut there, and counts as cut */

/* What is no line, but stands between two. */
enum input_mark {
	MARK_NONE,
	MARK_RESTART,	/* what follows is another text, of the same log perhaps */
	MARK_GAP,	/* lines are missing */
	MARK_BROKEN,	/* the line of this number goes on below: its last word may be half of one */
};

struct input_line {
	const char *text;	/* printable ASCII and tabs, NUL-terminated */
	bool whole;		/* its end was seen */
	uint64_t number;	/* of the file's line where it starts; from 1 */
	uint8_t mark;		/* enum input_mark */
	const char *boot;	/* of a journal's record, the id of its boot or ""; else NULL */
};

typedef void (*input_handler)(void *context, const struct input_line *line);

struct input {
	input_handler handler;
	void *context;
	uint64_t number;	/* of the line that is being read, - 1 */
	uint64_t start;		/* line where .text began */
	char text[INPUT_LINE];
	size_t len;
	bool cut;		/* .text lost something */
	unsigned int nuls;	/* in a row, so far */
	bool cr;		/* the last byte was a CR */
	uint8_t escape;		/* enum escape: inside of which sequence */
	struct mail mail;	/* whether lines are quoted-printable */
	bool page;		/* they are of a page of the Web */
	bool soft;		/* .text ended in a soft line break, and waits for its rest */
	size_t joined;		/* length of .text before that rest */
};

void input__begin(struct input *input, input_handler handler, void *context);
void input__feed(struct input *input, const char *bytes, size_t size);

/* The last line, if it has no end. */
void input__end(struct input *input);

/* Whether @text starts as a line of a console does, and not in the middle of one. */
bool input__starts_line(const char *text);

#endif
