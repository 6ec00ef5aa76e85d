// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "parts.h"

void parts__begin(struct parts *p, input_handler handler, void *context)
{
	memset(p, 0, sizeof(*p));
	p->handler = handler;
	p->context = context;
}

/*
 * Where in @text the header "Panic#2 Part1" starts that ends it, or NULL; what
 * stands before it is the end of another part.
 */
static const char *header(const char *text, char *dump, size_t size, unsigned int *number)
{
	const char *hash = strrchr(text, '#'), *begin = hash;
	struct match found;

	if (!hash || match(hash, true, "#%d Part%d", &found) != MATCH_YES)
		return NULL;
	while (begin > text && islower(begin[-1]))
		begin--;
	if (begin == hash || begin == text || !isupper(begin[-1]))
		return NULL;
	begin--;
	match__copy(dump, size, begin, strcspn(begin, " "));
	*number = found.v[1];
	return hash[strcspn(hash, "P") + 4 + strspn(hash + strcspn(hash, "P") + 4, "0123456789")] ?
	       NULL : begin;
}

static void pass(struct parts *p, const struct input_line *line)
{
	p->handler(p->context, line);
}

static struct input_line line_at(const struct parts *p, size_t i)
{
	return (struct input_line){ p->text + p->lines[i].text, p->lines[i].whole,
				    p->lines[i].number, p->lines[i].mark };
}

/* The last line of a part goes on in the next part, unless a line starts there. */
static void pass_torn(struct parts *p, const struct input_line *head, const struct input_line *rest)
{
	char text[INPUT_LINE];
	struct input_line line = { text, rest->whole, head->number, MARK_NONE };

	if (snprintf(text, sizeof(text), "%s%s", head->text, rest->text) >= (int)sizeof(text))
		line.whole = false;
	p->reordered = true;
	pass(p, &line);
}

/* Between parts that do not follow each other, or of which one is empty. */
static void pass_gap(struct parts *p, const struct part *part, const struct part *next)
{
	struct input_line gap = { "", false, line_at(p, part->end - 1).number, MARK_GAP };

	p->missing += next->number + 1 != part->number;
	pass(p, &gap);
}

/* Returns how many lines of @next were used up. */
static size_t pass_last_line(struct parts *p, const struct part *part, const struct part *next)
{
	struct input_line head = line_at(p, part->end - 1), rest;

	if (!next || next->begin == next->end || next->number + 1 != part->number) {
		head.whole &= !next;
		pass(p, &head);
		if (next)
			pass_gap(p, part, next);
		return 0;
	}
	rest = line_at(p, next->begin);
	if (!input__starts_line(rest.text) && *rest.text) {
		pass_torn(p, &head, &rest);
		return 1;
	}
	/* The part was full where the line was: then the line is whole. */
	head.whole = true;
	pass(p, &head);
	return 0;
}

static int older_first(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

static void flush(struct parts *p)
{
	struct input_line restart = { "", false, 0, MARK_RESTART };
	size_t used = 0;

	if (p->nr)
		pass(p, &restart);
	for (unsigned int i = 1; i < p->nr; i++)
		p->reordered |= p->part[i].number > p->part[i - 1].number;
	qsort(p->part, p->nr, sizeof(*p->part), older_first);
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct part *part = &p->part[i], *next = i + 1 < p->nr ? part + 1 : NULL;

		for (size_t n = part->begin + used; n + 1 < part->end; n++) {
			struct input_line line = line_at(p, n);

			pass(p, &line);
		}
		used = part->begin + used < part->end ? pass_last_line(p, part, next) : 0;
	}
	p->nr = 0;
	p->nr_lines = 0;
	p->size = 0;
	*p->dump = 0;
}

static int make_room(struct parts *p)
{
	if (!p->text)
		p->text = malloc(PARTS_SIZE + INPUT_LINE);
	if (p->nr_lines == p->room_lines) {
		size_t room = 2 * p->room_lines ?: 1024;
		struct parts_line *lines = realloc(p->lines, room * sizeof(*lines));

		if (!lines)
			return -ENOMEM;
		p->lines = lines;
		p->room_lines = room;
	}
	return p->text ? 0 : -ENOMEM;
}

static void keep(struct parts *p, const char *text, size_t len, const struct input_line *line,
		 bool whole)
{
	if (make_room(p)) {
		p->err = -ENOMEM;
		return;
	}
	p->lines[p->nr_lines++] = (struct parts_line){ line->number, whole, line->mark, p->size };
	match__copy(p->text + p->size, INPUT_LINE, text, len);
	p->size += len + 1;
	p->part[p->nr - 1].end = p->nr_lines;
	if (p->size > PARTS_SIZE)
		flush(p);
}

static bool has_part(const struct parts *p, unsigned int number)
{
	for (unsigned int i = 0; i < p->nr; i++)
		if (p->part[i].number == number)
			return true;
	return false;
}

static void begin_part(struct parts *p, const char *dump, unsigned int number)
{
	if (strcmp(dump, p->dump) || has_part(p, number) || p->nr == PARTS_MAX)
		flush(p);
	strcpy(p->dump, dump);
	p->part[p->nr++] = (struct part){ number, p->nr_lines, p->nr_lines };
}

void parts__add(void *parts, const struct input_line *line)
{
	struct parts *p = parts;
	unsigned int number;
	char dump[sizeof(p->dump)];
	const char *at = line->boot ? NULL : header(line->text, dump, sizeof(dump), &number);

	/* Records of a journal are in no dump. */
	if (line->boot && *p->dump)
		flush(p);
	if (at && at != line->text && *p->dump)
		keep(p, line->text, at - line->text, line, false);
	if (at && (at == line->text || *p->dump))
		begin_part(p, dump, number);
	else if (*p->dump)
		keep(p, line->text, strlen(line->text), line, line->whole);
	else
		pass(p, line);
}

void parts__end(struct parts *p)
{
	flush(p);
	free(p->lines);
	free(p->text);
	p->lines = NULL;
	p->text = NULL;
}
