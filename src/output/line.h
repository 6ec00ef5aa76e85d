/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line under construction, for sinks that print by the hundred thousand:
 * stdio's formats cost more than the workload that is traced (make bench).
 */
#ifndef XENPIN_LINE_H
#define XENPIN_LINE_H

#include <linux/types.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../include/record.h"

/* Room for the line of any record: 32 operations and a few bytes; stacks are written apart. */
#define LINE_BYTES	8192

/* Where the next character goes, in memory that began at .text. */
struct line {
	char *at, *text;
};

/*
 * Lines that wait to be written, all that a drain makes at once: stdio takes a call for
 * each, and the file system clears what a write leaves of a page, which is half a page
 * for each of a few KiB.
 */
#define LINES_BYTES	(256 << 10)

/* What one kind of record has to say; sinks keep one by kind, NULL for what they leave out. */
typedef void (*put_fn)(struct line *l, const struct xp_record *rec);

static inline put_fn put_fn_of(const put_fn by_kind[XP_KIND_END], const struct xp_record *rec)
{
	return rec->kind < XP_KIND_END ? by_kind[rec->kind] : NULL;
}

static inline struct line line__begin(char *text)
{
	return (struct line){ text, text };
}

static inline void line__write(struct line *l, FILE *out)
{
	fwrite_unlocked(l->text, 1, l->at - l->text, out);
	l->at = l->text;
}

/* Write a buffer of LINES_BYTES when it has no room left for another line. */
static inline void line__write_full(struct line *l, FILE *out)
{
	if (l->at - l->text > LINES_BYTES - LINE_BYTES)
		line__write(l, out);
}

static inline void put(struct line *l, const char *text, size_t len)
{
	memcpy(l->at, text, len);
	l->at += len;
}

#define PUT(l, literal) put(l, literal, sizeof(literal) - 1)

static inline void put_string(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static inline void put_pad(struct line *l, char pad, int count)
{
	while (count-- > 0)
		*l->at++ = pad;
}

/*
 * A copy of a fixed size is a few instructions, one of the right size a call:
 * what is too much is overwritten.  @text has DIGITS_MAX bytes.
 */
#define DIGITS_MAX 20

static inline void put_digits(struct line *l, const char *text, int len)
{
	memcpy(l->at, text, DIGITS_MAX);
	l->at += len;
}

/* At least @width characters, with @pad in front. */
static inline void put_dec_padded(struct line *l, uint64_t value, int width, char pad)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[2 * DIGITS_MAX], *end = digits + DIGITS_MAX, *p = end;

	/* Times have thirteen digits, and most of a line's cost: two with each division. */
	for (; value >= 100; value /= 100)
		memcpy(p -= 2, pairs + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(p -= 2, pairs + value * 2, 2);
	else
		*--p = '0' + value;
	put_pad(l, pad, width - (end - p));
	put_digits(l, p, end - p);
}

static inline void put_dec(struct line *l, uint64_t value)
{
	put_dec_padded(l, value, 0, ' ');
}

static inline void put_signed(struct line *l, int64_t value)
{
	if (value < 0)
		PUT(l, "-");
	put_dec(l, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* Eight digits, the first in the lowest byte: each nibble in a byte, all bytes at once. */
static inline uint64_t hex_digits(uint32_t value)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t x = value, letters;

	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
	letters = (x + 6 * ones) >> 4 & ones;
	return __builtin_bswap64(x + '0' * ones + letters * ('a' - '9' - 1));
}

/* 0x and at least one digit; frame numbers have eight at most. */
static inline void put_hex(struct line *l, uint64_t value)
{
	int digits = value ? (67 - __builtin_clzll(value)) / 4 : 1, room = value >> 32 ? 16 : 8;
	uint64_t low = hex_digits(value), high;
	char text[16 + DIGITS_MAX];

	if (room == 16) {
		high = hex_digits(value >> 32);
		memcpy(text, &high, sizeof(high));
	}
	memcpy(text + room - 8, &low, sizeof(low));
	PUT(l, "0x");
	put_digits(l, text + room - digits, digits);
}

#endif
