/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounds that the verifier sees, whatever compiler made the program.
 *
 * The verifier follows the registers of the program, not what the compiler knows.  A compiler may
 * compare one copy of a value and use another, as clang 19 did with a program that Linux 6.1 and 6.12
 * then refused; or leave out a mask that a comparison elsewhere has made superfluous.  So a value
 * that indexes, or that says how much to read, is bounded where it is used, by instructions that
 * a compiler can neither take apart nor leave out, in the register that it goes on with.
 */
#ifndef XENPIN_BPF_BOUND_H
#define XENPIN_BPF_BOUND_H

#include <linux/types.h>

/* An index into an array of @size elements, a power of two: @index modulo @size, as 64 bits. */
#define masked(index, size)                                                                       \
	({                                                                                         \
		_Static_assert(((size) & ((size) - 1)) == 0, "a mask takes a power of two");       \
		__u64 masked_ = (index);                                                           \
		asm volatile("%0 &= %1" : "+r"(masked_) : "i"((size) - 1));                        \
		masked_;                                                                           \
	})

/*
 * @value, and @max when it is more: unsigned, 64 bits.  @max is a constant of at most 31 bits.
 * Where a mask does it takes less of the verifier: here there are two ways to go on.
 */
#define bounded(value, max)                                                                       \
	({                                                                                         \
		__u64 bounded_ = (value);                                                          \
		asm volatile("if %0 <= %1 goto +1; %0 = %1" : "+r"(bounded_) : "i"(max));          \
		bounded_;                                                                          \
	})

#endif
