// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mail.h"
#include "match.h"

/* A mail's own headers and a reader's remarks may have some "=" that no mail program encoded. */
#define TRUST	3

/* RFC 2045: an encoded line has at most 76 characters, and few programs make it much shorter. */
#define SOFT_MIN	55
#define SOFT_MAX	76

/* Mail programs write their codes in capitals. */
static int hex(char c)
{
	return islower(c) ? -1 : match__digit(c, 16);
}

/* The byte that the "=XX" at @at stands for, if it is one that mail programs encode; else -1. */
static int encoded(const char *text, size_t at, size_t len)
{
	int c;

	if (at + 2 >= len || hex(text[at + 1]) < 0 || hex(text[at + 2]) < 0)
		return -1;
	c = hex(text[at + 1]) << 4 | hex(text[at + 2]);
	if (c == '=' || c >= 0x80 || c < ' ')
		return c;
	/* Spaces are encoded where a line ends, "From" and a dot where one begins. */
	if (c == ' ')
		return at + 3 == len || text[at + 3] == '=' || text[at + 3] == ' ' ? c : -1;
	return !at && (c == 'F' || c == '.') ? c : -1;
}

/* Whether a mail program may have written all of the @len bytes; *@equals: and an "=3D" in them. */
static bool may_be_encoded(const char *text, size_t len, bool *equals)
{
	const char *at = text;

	*equals = false;
	while ((at = memchr(at, '=', text + len - at))) {
		int c = encoded(text, at - text, len);

		if (c < 0 && at + 1 != text + len)
			return false;
		*equals |= c == '=';
		at++;
	}
	return true;
}

static bool is_header(const char *text, bool *quoted)
{
	static const char header[] = "content-transfer-encoding:";

	text = skip_any(text, " >");
	if (strncasecmp(text, header, sizeof(header) - 1))
		return false;
	text = skip_any(text + sizeof(header) - 1, " \t");
	*quoted = !strncasecmp(text, "quoted-printable", 16);
	return true;
}

void mail__note(struct mail *m, const char *text, size_t len)
{
	bool equals, quoted;

	if (is_header(text, &quoted))
		m->trust = quoted ? TRUST : 0;
	else if (m->trust && !may_be_encoded(text, len, &equals))
		m->trust--;
	else if (m->trust && equals)
		m->trust = TRUST;
}

void mail__joined(struct mail *m)
{
	m->trust = TRUST;
}

bool mail__breaks(const struct mail *m, const char *text, size_t from, size_t len)
{
	size_t piece = len - from;
	bool equals;

	if (piece < 2 || text[len - 1] != '=' || text[len - 2] == '=')
		return false;
	if (!m->trust && (piece < SOFT_MIN || piece > SOFT_MAX))
		return false;
	return may_be_encoded(text + from, piece, &equals);
}

size_t mail__decode(const struct mail *m, char *text, size_t len)
{
	size_t to = 0;
	bool equals;

	/* Of its own "=20" says nothing: so ends `panic=20` on a command line, too. */
	if (!may_be_encoded(text, len, &equals) || !(m->trust || equals))
		return len;
	for (size_t i = 0; i < len; i++) {
		int c = text[i] == '=' ? encoded(text, i, len) : -1;

		i += c < 0 ? 0 : 2;
		text[to++] = c < 0 ? text[i] : c < ' ' || c > '~' ? '?' : c;
	}
	return to;
}
