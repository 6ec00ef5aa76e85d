// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "match.h"

struct cursor {
	const char *at;
	bool whole;
	struct match *found;
};

void match__copy(char *to, size_t size, const char *from, size_t len)
{
	len = len < size ? len : size - 1;
	memcpy(to, from, len);
	to[len] = 0;
}

static void skip_spaces(struct cursor *c)
{
	while (*c->at == ' ' || *c->at == '\t')
		c->at++;
}

int match__digit(char c, int base)
{
	int value = isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : base;

	return value < base ? value : -1;
}

/* A number is one when something follows that ends it: @next of the format, or no letter. */
static enum match_end end_of_number(const struct cursor *c, char next)
{
	if (!*c->at)
		return c->whole ? MATCH_YES : MATCH_CUT;
	return isalnum(*c->at) && *c->at != next ? MATCH_NO : MATCH_YES;
}

static bool has_all_digits(unsigned int digits, char kind)
{
	switch (kind) {
	case 'a':
		return digits == 16 || digits == 8;
	case 'h':
		return digits >= 4 && digits <= 16;
	case 'd':
		return digits <= 20;
	default:
		return digits <= 16;
	}
}

static enum match_end number(struct cursor *c, char kind, char next)
{
	int base = kind == 'd' ? 10 : 16;
	bool negative = base == 10 && *c->at == '-', overflow = false;
	unsigned int digits = 0;
	uint64_t value = 0;
	enum match_end end;

	c->at += negative;
	if (base == 16 && !strncmp(c->at, "0x", 2))
		c->at += 2;
	for (; match__digit(*c->at, base) >= 0; c->at++, digits++)
		overflow |= __builtin_mul_overflow(value, base, &value) ||
			    __builtin_add_overflow(value, match__digit(*c->at, base), &value);
	if (!digits)
		return *c->at ? MATCH_NO : MATCH_CUT;
	end = end_of_number(c, next);
	if (end != MATCH_YES)
		return end;
	if (overflow || !has_all_digits(digits, kind))
		return MATCH_CUT;
	c->found->length = digits;
	if (kind == 'a')
		c->found->digits = digits;
	if (c->found->nr < MATCH_NUMBERS)
		c->found->v[c->found->nr++] = negative ? -value : value;
	return MATCH_YES;
}

static enum match_end text(struct cursor *c, bool word)
{
	size_t len = word ? strcspn(c->at, " \t") : strlen(c->at), all = len;

	if (word && !c->at[len] && !c->whole)
		return MATCH_CUT;
	while (len && (c->at[len - 1] == ' ' || c->at[len - 1] == '\t'))
		len--;
	match__copy(c->found->text, sizeof(c->found->text), c->at, len);
	c->at += all;
	return len || !word ? MATCH_YES : c->whole ? MATCH_NO : MATCH_CUT;
}

static enum match_end conversion(struct cursor *c, char kind, char next)
{
	switch (kind) {
	case 'x':
	case 'h':
	case 'a':
	case 'd':
		return number(c, kind, next);
	default:
		return text(c, kind == 'w');
	}
}

enum match_end match(const char *line, bool whole, const char *format, struct match *found)
{
	struct cursor c = { line, whole, found };

	memset(found, 0, offsetof(struct match, text) + 1);
	for (; *format; format++) {
		if (*format == ' ') {
			skip_spaces(&c);
		} else if (*format == '%') {
			enum match_end end = conversion(&c, format[1], format[2]);

			if (end != MATCH_YES)
				return end;
			format++;
		} else if (*c.at == *format) {
			c.at++;
		} else {
			/* What ends inside of literal text has not said that it is this line. */
			return !*c.at && !whole && found->nr ? MATCH_CUT : MATCH_NO;
		}
	}
	return MATCH_YES;
}
