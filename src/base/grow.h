/* SPDX-License-Identifier: GPL-2.0-only */
/* An array that grows by doubling. */
#ifndef XENPIN_GROW_H
#define XENPIN_GROW_H

#include <errno.h>
#include <stdlib.h>

/*
 * Room for another entry in @array, which has @nr of at most @max entries; at first
 * for @first.  Changes @array and @max.  0, or -ENOMEM and nothing changed.
 */
#define GROW(array, nr, max, first)                                                               \
	({                                                                                         \
		int err_ = 0;                                                                      \
		if ((nr) == (max)) {                                                               \
			size_t more_ = (max) * 2 ?: (first);                                       \
			void *p_ = reallocarray(array, more_, sizeof(*(array)));                   \
			if (p_) {                                                                  \
				(array) = p_;                                                      \
				(max) = more_;                                                     \
			} else {                                                                   \
				err_ = -ENOMEM;                                                    \
			}                                                                          \
		}                                                                                  \
		err_;                                                                              \
	})

#endif
