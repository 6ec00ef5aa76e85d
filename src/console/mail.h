/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a mail program makes of lines (quoted-printable, RFC 2045).  It writes no "=" as it is: a
 * line with another one, as `panic=20 quiet=1`, is evidence that nothing was encoded.
 */
#ifndef XENPIN_CONSOLE_MAIL_H
#define XENPIN_CONSOLE_MAIL_H

#include <stdbool.h>
#include <stddef.h>

struct mail {
	unsigned int trust;	/* lines that no mail program writes until it is over; 0: none */
};

/* The header of a mail begins one, and lines that no mail program writes end it in time. */
void mail__note(struct mail *mail, const char *text, size_t len);

/* A line was broken and joined again: nothing but a mail program does that. */
void mail__joined(struct mail *mail);

/* Whether @text, joined up to @from, ends in a soft line break, so that it goes on below. */
bool mail__breaks(const struct mail *mail, const char *text, size_t from, size_t len);

/* "=" for "=3D", a space for "=20".  Returns the new length, never a larger one. */
size_t mail__decode(const struct mail *mail, char *text, size_t len);

#endif
