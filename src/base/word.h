/* SPDX-License-Identifier: GPL-2.0-only */
/* A word that a user writes or reads, and the number it stands for.  Lists of words end with {}. */
#ifndef XENPIN_WORD_H
#define XENPIN_WORD_H

#include <stdint.h>

struct word {
	const char *name;
	uint32_t value;
};

#endif
