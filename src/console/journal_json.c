// SPDX-License-Identifier: GPL-2.0-only
/*
 * `journalctl -o json` and its relatives: objects, of which one may have several lines, or "data: "
 * or a byte 0x1e before it.  Values are strings, arrays of bytes where a string could not hold
 * them, null where they are too long, and arrays of these where a field is there more than once:
 * then the last counts.
 */
#include <ctype.h>
#include <string.h>

#include "journal.h"
#include "match.h"

enum state {
	BEFORE, /* the object begins, */
	BEFORE_KEY,
	KEY,
	COLON,
	BEFORE_VALUE, /* also in an array */
	STRING,
	ESCAPE, /* behind a backslash, */
	HEX,	/* and a "u" */
	SCALAR, /* a number, true, false or null */
	AFTER_VALUE,
	DAMAGED,       /* the rest of this line */
	DAMAGED_LINES, /* and what of an object in several lines stands below */
};

void journal_json__begin(struct journal *j)
{
	j->json = (struct journal_json){ .state = BEFORE };
}

static void damage(struct journal *j, char c)
{
	j->json.state = c == '\n' ? DAMAGED_LINES : DAMAGED;
	journal__mark_gap(j);
	journal_record__begin(&j->record);
}

static void leave(struct journal *j)
{
	journal_record__pass(&j->record, j->handler, j->context);
	j->state = JOURNAL_LINE;
}

static void begin_value(struct journal *j)
{
	journal_record__begin_field(&j->record, j->json.name, j->json.len, j->text.number + 1);
}

static void add(struct journal *j, char c)
{
	journal_record__add(&j->record, &c, 1);
}

static void end_value(struct journal *j)
{
	journal_record__end_field(&j->record);
	j->json.state = AFTER_VALUE;
}

/* A number in an array is a byte of the value; elsewhere it is the value, as its digits are. */
static void end_scalar(struct journal *j)
{
	struct journal_json *s = &j->json;

	s->state = AFTER_VALUE;
	if (s->digits && s->depth)
		add(j, s->number);
	else if (s->digits)
		end_value(j);
	else
		j->record.field = -1;
}

static void add_to_scalar(struct journal *j, char c)
{
	struct journal_json *s = &j->json;

	if (isdigit(c)) {
		s->number = s->number < 256 ? s->number * 10 + c - '0' : s->number;
		s->digits++;
		if (!s->depth)
			add(j, c);
	}
}

static void in_value(struct journal *j, char c)
{
	struct journal_json *s = &j->json;

	if (c == '"') {
		begin_value(j);
		s->state = STRING;
	} else if (c == '[') {
		begin_value(j);
		s->depth++;
	} else if (c == ']' && s->depth) {
		s->state = AFTER_VALUE;
		s->depth--;
	} else if (isalnum(c) || c == '-') {
		if (!s->depth)
			begin_value(j);
		s->state = SCALAR;
		s->number = s->digits = 0;
		add_to_scalar(j, c);
	} else {
		damage(j, c);
	}
}

/* Behind a value the next one follows, or its array or the object ends, and so the record. */
static void after_value(struct journal *j, char c)
{
	struct journal_json *s = &j->json;

	if (c == ',') {
		s->state = s->depth ? BEFORE_VALUE : BEFORE_KEY;
	} else if (c == ']' && s->depth) {
		if (!--s->depth)
			journal_record__end_field(&j->record);
	} else if (c == '}' && !s->depth) {
		leave(j);
	} else {
		damage(j, c);
	}
}

static void in_string(struct journal *j, char c)
{
	struct journal_json *s = &j->json;

	if (c == '"')
		end_value(j);
	else if (c == '\\')
		s->state = ESCAPE;
	else if (c == '\n')
		damage(j, c);
	else
		add(j, c);
}

static void in_escape(struct journal *j, char c)
{
	static const char letters[] = "nrtbf", meant[] = "\n\r\t\b\f";
	const char *letter = strchr(letters, c);

	j->json.state = STRING;
	if (c == 'u') {
		j->json.state = HEX;
		j->json.number = j->json.digits = 0;
	} else if (c == '\n') {
		damage(j, c);
	} else {
		add(j, letter ? meant[letter - letters] : c);
	}
}

static void in_hex(struct journal *j, char c)
{
	struct journal_json *s = &j->json;
	int digit = match__digit(c, 16);

	if (digit < 0) {
		damage(j, c);
		return;
	}
	s->number = s->number << 4 | digit;
	if (++s->digits < 4)
		return;
	add(j, s->number && s->number < 0x80 ? s->number : '?');
	s->state = STRING;
}

static void in_key(struct journal_json *s, char c)
{
	if (c == '"')
		s->state = COLON;
	else if (s->len < sizeof(s->name))
		s->name[s->len++] = c;
}

static void between(struct journal *j, char c)
{
	struct journal_json *s = &j->json;

	if (s->state == BEFORE) {
		s->state = c == '{' ? BEFORE_KEY : BEFORE;
	} else if (s->state == BEFORE_KEY && c == '"') {
		s->state = KEY;
		s->len = 0;
	} else if (s->state == BEFORE_KEY && c == '}') {
		leave(j);
	} else if (s->state == COLON && c == ':') {
		s->state = BEFORE_VALUE;
	} else {
		damage(j, c);
	}
}

/* Behind damage, a line that is indented, or closes something, is of the same object. */
static bool skip_damaged(struct journal *j, char c)
{
	if (j->json.state == DAMAGED_LINES && c && !strchr(" \t\r\n\"}]", c)) {
		j->state = JOURNAL_LINE;
		return false;
	}
	j->json.state = c == '\n' ? DAMAGED_LINES : DAMAGED;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void take(struct journal *j, char c)
{
	struct journal_json *s = &j->json;

	if (s->state == SCALAR && !isalnum(c) && !strchr("+-.", c))
		end_scalar(j);
	switch (s->state) {
	case KEY:
		in_key(s, c);
		break;
	case STRING:
		in_string(j, c);
		break;
	case ESCAPE:
		in_escape(j, c);
		break;
	case HEX:
		in_hex(j, c);
		break;
	case SCALAR:
		add_to_scalar(j, c);
		break;
	case BEFORE_VALUE:
		if (!is_space(c))
			in_value(j, c);
		break;
	case AFTER_VALUE:
		if (!is_space(c))
			after_value(j, c);
		break;
	default:
		if (!is_space(c))
			between(j, c);
	}
}

/* Bytes of a string that stand for themselves, at once. */
static size_t plain_bytes(const char *bytes, size_t size)
{
	size_t n = 0;

	while (n < size && bytes[n] != '"' && bytes[n] != '\\' && bytes[n] & 0xe0)
		n++;
	return n;
}

size_t journal_json__feed(struct journal *j, const char *bytes, size_t size)
{
	struct journal_json *s = &j->json;
	size_t i = 0, plain;

	for (; i < size && j->state == JOURNAL_JSON; i++) {
		plain = s->state == STRING ? plain_bytes(bytes + i, size - i) : 0;
		if (plain) {
			journal_record__add(&j->record, bytes + i, plain);
			i += plain;
			if (i == size)
				break;
		}
		if (s->state >= DAMAGED) {
			if (!skip_damaged(j, bytes[i]))
				break;
		} else if (bytes[i]) {
			take(j, bytes[i]);
		}
		j->text.number += bytes[i] == '\n';
	}
	return i;
}
