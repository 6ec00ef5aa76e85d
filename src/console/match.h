/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of a console against a format.  Unlike sscanf(), it knows that a line
 * may have been cut: a number or a name that runs into a cut end is no number
 * and no name.
 */
#ifndef XENPIN_CONSOLE_MATCH_H
#define XENPIN_CONSOLE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MATCH_NUMBERS	8
#define MATCH_TEXT	128

struct match {
	uint64_t v[MATCH_NUMBERS];	/* the numbers, in their order; %d as two's complement */
	unsigned int nr;
	unsigned int digits;		/* of the last %a; 0: there was none */
	unsigned int length;		/* in digits, of the last number of any kind */
	char text[MATCH_TEXT];		/* of the last %w or %s; "" when there was none */
};

enum match_end {
	MATCH_NO,	/* another line */
	MATCH_CUT,	/* this line, as far as it goes: it ends too early */
	MATCH_YES,
};

/*
 * In @format a space stands for any number of spaces and tabs, none included, and
 *
 *	%x	a hexadecimal number, with or without 0x
 *	%h	one that is padded to four digits: fewer mean a cut
 *	%a	an address: exactly 8 or 16 hexadecimal digits; others mean a cut
 *	%d	a decimal number, perhaps negative
 *	%w	a word, up to the next space or the end
 *	%s	the rest of the line
 *
 * What follows the end of @format does not matter.  @whole: @line has its end.
 */
enum match_end match(const char *line, bool whole, const char *format, struct match *found);

/* The value of a digit of @base, 10 or 16; -1: @c is none. */
int match__digit(char c, int base);

/* Copies at most @size - 1 of the @len bytes. */
void match__copy(char *to, size_t size, const char *from, size_t len);

/* Past those of @chars, which are few: strspn() makes a table of them for each call. */
static inline const char *skip_any(const char *s, const char *chars)
{
	for (; *s; s++) {
		const char *c = chars;

		while (*c && *c != *s)
			c++;
		if (!*c)
			break;
	}
	return s;
}

#endif
