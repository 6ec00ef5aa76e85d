// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "input.h"
#include "markup.h"
#include "prefix.h"

/* So many NULs in a row are a hole in a file, where a disk lost something; fewer are line noise. */
#define HOLE	4

enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_STRING };

void input__begin(struct input *in, input_handler handler, void *context)
{
	memset(in, 0, sizeof(*in));
	in->handler = handler;
	in->context = context;
}

bool input__starts_line(const char *s)
{
	while (*s == ' ' || *s == '>')
		s++;
	if (*s == '<')
		return isdigit(s[1]);
	if (*s == '[')
		return s[1 + strspn(s + 1, " +")] && isdigit(s[1 + strspn(s + 1, " +")]) &&
		       strpbrk(s, ".:") && strpbrk(s, ".:") < s + 16;
	/* journalctl puts "-- Boot 5c1f --" between boots. */
	return !strncmp(s, "-- ", 3) || !strncmp(s, "(XEN)", 5) || !strncmp(s, "BUG: ", 5) || !strncmp(s, "#PF", 3) ||
	       !strncmp(s, "Oops", 4) || !strncmp(s, "RIP", 3) || !strncmp(s, "xenpin: ", 8) ||
	       !strncmp(s, "PANIC: early exception ", 23);
}

static void emit(struct input *in, bool whole)
{
	struct input_line line = { in->text, whole && !in->cut, in->start, MARK_NONE };

	in->text[in->len] = 0;
	in->handler(in->context, &line);
	in->len = 0;
	in->cut = false;
	in->soft = false;
}

/* Whether the line that is being read goes on below. */
static bool soft_break(const struct input *in)
{
	return !in->cut && mail__breaks(&in->mail, in->text, in->joined, in->len);
}

/* Whether a rest is none, but a line with its own prefix or the kernel's first word. */
static bool is_line(const char *text)
{
	struct prefix p;

	if (input__starts_line(text))
		return true;
	prefix__strip(&p, text);
	return p.dated || p.xen || p.t != NO_TIME;
}

/* The rest of a broken line has come.  Unless it is a line of its own: then the break was a cut. */
static void join(struct input *in)
{
	char rest[INPUT_LINE];
	size_t len = in->len - in->joined;

	in->text[in->len] = 0;
	if (!is_line(in->text + in->joined)) {
		mail__joined(&in->mail);
		return;
	}
	memcpy(rest, in->text + in->joined, len);
	in->len = in->joined;
	emit(in, false);
	memcpy(in->text, rest, len);
	in->len = len;
	in->start = in->number;
	in->joined = 0;
}

/* What a page breaks are several lines. */
static void emit_page_line(struct input *in, bool whole)
{
	size_t len = markup__strip(in->text, in->len), at = 0;
	char *lf;

	while ((lf = memchr(in->text + at, '\n', len - at))) {
		struct input_line line = { in->text + at, true, in->start, MARK_NONE };

		*lf = 0;
		if (*line.text)
			in->handler(in->context, &line);
		at = lf + 1 - in->text;
	}
	memmove(in->text, in->text + at, len - at);
	in->len = len - at;
	emit(in, whole);
}

static void end_line(struct input *in, bool whole)
{
	bool encoded;

	if (in->soft)
		join(in);
	encoded = memchr(in->text, '=', in->len);
	in->text[in->len] = 0;
	if (encoded || (in->len && (*in->text == 'C' || *in->text == 'c' || *in->text == '>')))
		mail__note(&in->mail, in->text, in->len);
	in->soft = encoded && whole && soft_break(in);
	if (in->soft) {
		in->joined = --in->len;
		return;
	}
	if (encoded)
		in->len = mail__decode(&in->mail, in->text, in->len);
	in->joined = 0;
	in->text[in->len] = 0;
	in->page = in->page || markup__is_in(in->text);
	if (in->page)
		emit_page_line(in, whole);
	else
		emit(in, whole);
}

static void put(struct input *in, char c)
{
	if (!in->len)
		in->start = in->number + 1;
	if (in->len < INPUT_LINE - 1)
		in->text[in->len++] = c;
	else
		in->cut = true;
}

/* Returns whether @c belongs to an escape sequence. */
static bool in_escape(struct input *in, unsigned char c)
{
	switch (in->escape) {
	case ESCAPE_BEGUN:
		in->escape = c == '['		  ? ESCAPE_CSI :
			     c == ']' || c == 'P' ? ESCAPE_STRING :
						    ESCAPE_NONE;
		return c > ' ';
	case ESCAPE_CSI:
		/* Parameters and intermediates end at the first byte that is neither. */
		if (c >= ' ' && c <= '?')
			return true;
		in->escape = ESCAPE_NONE;
		return c >= '@' && c <= '~';
	case ESCAPE_STRING:
		if (c != '\a' && c >= ' ')
			return true;
		in->escape = c == '\x1b' ? ESCAPE_BEGUN : ESCAPE_NONE;
		return c == '\a' || c == '\x1b';
	default:
		return false;
	}
}

static void newline(struct input *in, bool whole)
{
	/* Empty lines say nothing, and a file may be full of them. */
	if (in->len || in->soft)
		end_line(in, whole);
}

static void special(struct input *in, unsigned char c)
{
	if (in->escape && in_escape(in, c))
		return;
	if (c == '\n') {
		newline(in, true);
		in->number++;
	} else if (c == '\x1b') {
		in->escape = ESCAPE_BEGUN;
	} else if (c >= 0x80 && !in->number && !in->len) {
		return; /* the byte order mark of an editor */
	} else if (c >= 0x80 || c == 0x7f || (c && c < ' ' && c != '\t' && c != '\r')) {
		put(in, '?');
	} else if (c && c != '\r') {
		put(in, c);
	}
}

/* A CR of its own goes back to the start of the line, and what comes then is another. */
static void after_cr(struct input *in, unsigned char c)
{
	if (c != '\n' && c != '\r' && c) {
		if (in->len)
			newline(in, true);
		in->cr = false;
	} else if (c != '\r') {
		in->cr = in->cr && !c;
	}
}

static void byte(struct input *in, unsigned char c)
{
	if (in->cr)
		after_cr(in, c);
	if (c == '\r')
		in->cr = true;
	if (c) {
		in->nuls = 0;
	} else if (++in->nuls == HOLE && in->len) {
		struct input_line gap = { "", false, in->number + 1, MARK_GAP };

		newline(in, false);
		in->handler(in->context, &gap);
	}
	special(in, c);
}

static size_t line_length(const char *bytes, size_t size)
{
	const char *end = memchr(bytes, '\n', size);

	return end ? (size_t)(end - bytes) : size;
}

/* Bytes up to the end of a line, if all of them are plain text and there is room; or 0. */
static size_t plain_text(const struct input *in, const char *bytes, size_t size)
{
	size_t len = line_length(bytes, size);
	unsigned int other = 0;

	if (in->escape || in->cr || in->len + len >= INPUT_LINE)
		return 0;
	for (size_t i = 0; i < len; i++)
		other |= (unsigned char)(bytes[i] - ' ') >= 0x7f - ' ';
	return other ? 0 : len;
}

void input__feed(struct input *in, const char *bytes, size_t size)
{
	size_t len, plain = 0;

	for (size_t i = 0; i < size; i += len) {
		/* Where a line is not all plain, its bytes are looked at one by one. */
		len = i >= plain && bytes[i] != '\n' ? plain_text(in, bytes + i, size - i) : 0;
		if (!len) {
			if (i >= plain && bytes[i] != '\n')
				plain = i + line_length(bytes + i, size - i);
			byte(in, bytes[i]);
			len = 1;
			continue;
		}
		if (!in->len)
			in->start = in->number + 1;
		memcpy(in->text + in->len, bytes + i, len);
		in->len += len;
		in->nuls = 0;
	}
}

void input__end(struct input *in)
{
	if (in->len || in->soft)
		end_line(in, false);
	if (in->soft)
		emit(in, false);
}
