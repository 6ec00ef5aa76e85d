// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "journal.h"

enum { UNDECIDED = JOURNAL_STATES };

void journal__begin(struct journal *j, input_handler handler, void *context)
{
	memset(j, 0, sizeof(*j));
	j->handler = handler;
	j->context = context;
	input__begin(&j->text, journal_verbose__add, j);
}

void journal__mark_gap(struct journal *j)
{
	struct input_line gap = { "", false, j->text.number + 1, MARK_GAP };

	j->handler(j->context, &gap);
}

/* Behind @begin, if @s starts with it; *@more: unless it ends too early. */
static const char *behind(const char *s, const char *begin, bool *more)
{
	for (; *begin && *s == *begin; s++)
		begin++;
	*more |= *begin && !*s;
	return *begin ? NULL : s;
}

/* Whether @s begins as an object does whose first key is the name of a field. */
static int classify_json(const char *s)
{
	bool more = false;
	const char *at = behind(s, "data: ", &more) ?: *s == '\x1e' ? s + 1 : s;

	if (more)
		return UNDECIDED;
	if (*at && *at != '{')
		return JOURNAL_TEXT;
	at += *at == '{';
	at += strspn(at, " \t\r\n");
	if (*at && *at != '"')
		return JOURNAL_TEXT;
	at += *at == '"';
	return !*at ? UNDECIDED : isupper(*at) || *at == '_' ? JOURNAL_JSON : JOURNAL_TEXT;
}

/* What .held begins.  Programs of Windows put bytes before its letters, and between them. */
static int classify(const struct journal *j)
{
	char text[sizeof(j->held) + 1];
	size_t len = 0;
	bool more = false;

	for (size_t i = 0; i < j->nr_held; i++)
		if (j->held[i] && (len || !((unsigned char)j->held[i] & 0x80)))
			text[len++] = j->held[i];
	text[len] = 0;
	if (!len || behind(text, "__CURSOR=", &more) || more)
		return !len || more ? UNDECIDED : JOURNAL_EXPORT;
	return classify_json(text);
}

static void begin(struct journal *j, int state)
{
	char held[sizeof(j->held)], *lf;
	size_t nr = j->nr_held, text = nr;

	memcpy(held, j->held, nr);
	j->nr_held = 0;
	j->state = state;
	if (state == JOURNAL_TEXT) {
		lf = memchr(held, '\n', nr);
		text = lf ? (size_t)(lf - held) + 1 : nr;
		input__feed(&j->text, held, text);
		j->state = lf ? JOURNAL_LINE : JOURNAL_TEXT;
	} else {
		input__end(&j->text);
		journal_verbose__end(j);
		journal_record__begin(&j->record);
		text = 0;
	}
	if (state == JOURNAL_EXPORT)
		journal_export__begin(j);
	else if (state == JOURNAL_JSON)
		journal_json__begin(j);
	journal__feed(j, held + text, nr - text);
}

/* Returns how many bytes were used to find out what a line is. */
static size_t begin_line(struct journal *j, const char *bytes, size_t size)
{
	int state = JOURNAL_TEXT;
	size_t used = 0;

	/* So nearly no line of text begins. */
	if (!j->nr_held && !memchr("{_d\x1e\0\xef\xff\xfe", *bytes, 8)) {
		j->state = JOURNAL_TEXT;
		return 0;
	}
	while (used < size && j->nr_held < sizeof(j->held)) {
		j->held[j->nr_held++] = bytes[used++];
		state = classify(j);
		if (state != UNDECIDED) {
			/* It may be the end of a line of text. */
			used--;
			j->nr_held--;
			break;
		}
	}
	if (state != UNDECIDED || j->nr_held == sizeof(j->held))
		begin(j, state == UNDECIDED ? JOURNAL_TEXT : state);
	return used;
}

/* Text up to the end of its line. */
static size_t feed_text(struct journal *j, const char *bytes, size_t size)
{
	const char *end = memchr(bytes, '\n', size);
	size_t len = end ? (size_t)(end - bytes) + 1 : size;

	if (end)
		j->state = JOURNAL_LINE;
	input__feed(&j->text, bytes, len);
	return len;
}

void journal__feed(struct journal *j, const char *bytes, size_t size)
{
	size_t used;

	for (size_t i = 0; i < size; i += used) {
		if (j->state == JOURNAL_LINE)
			used = begin_line(j, bytes + i, size - i);
		else if (j->state == JOURNAL_TEXT)
			used = feed_text(j, bytes + i, size - i);
		else if (j->state == JOURNAL_EXPORT)
			used = journal_export__feed(j, bytes + i, size - i);
		else
			used = journal_json__feed(j, bytes + i, size - i);
	}
}

void journal__end(struct journal *j)
{
	if (j->state == JOURNAL_LINE && j->nr_held) {
		/* It may be a record's first line, whose others are not there. */
		j->open_end = memchr(j->held, '{', j->nr_held);
		begin(j, JOURNAL_TEXT);
	}
	input__end(&j->text);
	j->open_end |= journal_verbose__end(j);
	if (j->state == JOURNAL_EXPORT) {
		j->open_end |= journal_export__end(j);
	} else if (j->state == JOURNAL_JSON) {
		j->open_end = true;
		journal__mark_gap(j);
	}
}
