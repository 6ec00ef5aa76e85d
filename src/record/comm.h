/* SPDX-License-Identifier: GPL-2.0-only */
/* A task's name, which the task chooses: any bytes. */
#ifndef XENPIN_COMM_H
#define XENPIN_COMM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../../include/record.h"

/*
 * @comm for text, where a terminal obeys control characters and a newline forges a line: each
 * of their bytes is '?' in @to, also of those that two bytes of UTF-8 make, U+0080 to U+009F.
 * Returns the length.
 */
static inline size_t comm__printable(char to[XP_COMM_LEN + 1], const char *comm)
{
	size_t len = strnlen(comm, XP_COMM_LEN);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = comm[i];
		bool second = i && comm[i - 1] == '\xc2' && c >= 0x80 && c < 0xa0;

		to[i] = c < ' ' || c == 0x7f || second ? '?' : c;
		if (second)
			to[i - 1] = '?';
	}
	to[len] = 0;
	return len;
}

#endif
