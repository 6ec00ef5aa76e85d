// SPDX-License-Identifier: GPL-2.0-only
/*
 * `journalctl -o export`: a record begins with its cursor and ends at an empty line.  A field is
 * NAME=VALUE and a line feed, or NAME and a line feed, the number of bytes in eight bytes, the
 * lowest first, these bytes, and a line feed.
 */
#include <ctype.h>
#include <string.h>

#include "journal.h"

/* No journal takes a larger value; a greater number is the text of a value whose length is gone. */
#define VALUE_MAX	(1ULL << 30)

enum state {
	NAME,
	VALUE,
	SIZE,
	BYTES,
	AFTER,	      /* bytes of a value: its line feed comes */
	DAMAGED,      /* what follows may be of a value, up to the next record */
	DAMAGED_LINE, /* that, but not at the begin of a line */
};

static const char cursor[] = "__CURSOR=";

static void begin_name(struct journal_export *e)
{
	e->state = NAME;
	e->len = 0;
}

void journal_export__begin(struct journal *j)
{
	j->export = (struct journal_export){ .state = NAME, .first = true };
}

static void pass(struct journal *j)
{
	journal_record__pass(&j->record, j->handler, j->context);
	journal_record__begin(&j->record);
}

static void damage(struct journal *j)
{
	j->export.state = DAMAGED_LINE;
	journal__mark_gap(j);
	journal_record__begin(&j->record);
}

static void begin_value(struct journal *j, bool bytes)
{
	struct journal_export *e = &j->export;

	/* The record before has no end: others of its fields are missing, perhaps. */
	if (!e->first && !bytes && e->len == sizeof(cursor) - 2 &&
	    !memcmp(e->name, cursor, e->len)) {
		pass(j);
		journal__mark_gap(j);
	}
	journal_record__begin_field(&j->record, e->name, e->len, j->text.number + 1);
	e->first = false;
	e->state = bytes ? SIZE : VALUE;
	e->len = 0;
	e->left = 0;
}

static void end_value(struct journal *j)
{
	journal_record__end_field(&j->record);
	begin_name(&j->export);
}

/* Returns whether @c belongs to a record. */
static bool add_to_name(struct journal *j, char c)
{
	struct journal_export *e = &j->export;

	/* A file's own mark may stand before the first name. */
	if (c == '\r' || !c || (e->first && c & 0x80))
		return true;
	if (e->len && (c == '=' || c == '\n')) {
		begin_value(j, c == '\n');
		return true;
	}
	if (e->len == RECORD_NAME || (!isupper(c) && !isdigit(c) && c != '_'))
		return false;
	e->name[e->len++] = c;
	return true;
}

static void add_to_size(struct journal *j, unsigned char c)
{
	struct journal_export *e = &j->export;

	e->left |= (uint64_t)c << 8 * e->len;
	if (++e->len < 8)
		return;
	e->state = e->left ? BYTES : AFTER;
	if (e->left > VALUE_MAX)
		damage(j);
}

/* The next record begins with the next cursor; anything else may be of a value. */
static void skip_damaged(struct journal *j, char c)
{
	struct journal_export *e = &j->export;

	if (c == '\n') {
		e->state = DAMAGED;
		e->len = 0;
	} else if (e->state == DAMAGED && c == cursor[e->len]) {
		e->name[e->len++] = c;
		if (cursor[e->len])
			return;
		e->first = true;
		e->len--;
		begin_value(j, false);
	} else {
		e->state = DAMAGED_LINE;
	}
}

/* What of the bytes is in a value, at once. */
static size_t add_to_value(struct journal *j, const char *bytes, size_t size)
{
	struct journal_export *e = &j->export;
	const char *lf;

	if (e->state == BYTES) {
		size = size < e->left ? size : e->left;
		e->left -= size;
		for (lf = bytes; (lf = memchr(lf, '\n', bytes + size - lf)); lf++)
			j->text.number++;
	} else {
		lf = memchr(bytes, '\n', size);
		size = lf ? (size_t)(lf - bytes) : size;
	}
	journal_record__add(&j->record, bytes, size);
	if (e->state == BYTES && !e->left)
		e->state = AFTER;
	return size;
}

/* The record is over: by an empty line, or by text, of which .name has the begin. */
static void leave(struct journal *j, bool empty)
{
	pass(j);
	j->state = empty ? JOURNAL_LINE : JOURNAL_TEXT;
	if (empty)
		return;
	journal__mark_gap(j);
	input__feed(&j->text, j->export.name, j->export.len);
}

size_t journal_export__feed(struct journal *j, const char *bytes, size_t size)
{
	struct journal_export *e = &j->export;

	for (size_t i = 0; i < size; i++) {
		char c = bytes[i];

		if (e->state == BYTES || (e->state == VALUE && c != '\n')) {
			i += add_to_value(j, bytes + i, size - i) - 1;
			continue;
		}
		switch (e->state) {
		case NAME:
			if (!add_to_name(j, c)) {
				leave(j, c == '\n' && !e->len);
				return i;
			}
			break;
		case VALUE:
			end_value(j);
			break;
		case SIZE:
			add_to_size(j, c);
			break;
		case AFTER:
			if (c == '\n')
				end_value(j);
			else if (c != '\r')
				damage(j);
			break;
		default:
			skip_damaged(j, c);
		}
		j->text.number += c == '\n';
	}
	return size;
}

bool journal_export__end(struct journal *j)
{
	/* Whole fields say something; that others follow none can tell. */
	if (j->export.state == NAME && !j->export.len)
		pass(j);
	journal__mark_gap(j);
	return true;
}
