/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of a page of the Web, as archives of mailing lists and bug trackers keep a console. */
#ifndef XENPIN_CONSOLE_MARKUP_H
#define XENPIN_CONSOLE_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether @text has what only such pages have. */
bool markup__is_in(const char *text);

/*
 * Takes tags out of the @len bytes and puts characters for their names; what a page
 * breaks gets a '\n' there.  Returns the new length, never a larger one.
 */
size_t markup__strip(char *text, size_t len);

#endif
