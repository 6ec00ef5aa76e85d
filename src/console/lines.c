// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "lines.h"
#include "match.h"

/* Columns: where no line is longer than that, one of just that length may go on below. */
#define TERMINAL	80

void lines__begin(struct lines *l, line_handler handler, void *context)
{
	memset(l, 0, sizeof(*l));
	l->handler = handler;
	l->context = context;
	l->nr_guests = 1;
}

/* Of a line with no prefix but the name of a guest that has others: behind that name, or NULL. */
static const char *behind_name(const struct lines *l, const char *s, uint8_t *guest)
{
	for (unsigned int i = 1; i < l->nr_guests; i++) {
		size_t len = strlen(l->guests[i]);
		const char *at = s + len;

		if (strncmp(s, l->guests[i], len))
			continue;
		at += strspn(at, " ");
		if (*at == ':' || *at == '|') {
			*guest = i;
			return at + 1 + strspn(at + 1, " ");
		}
	}
	return NULL;
}

static uint8_t guest_of(struct lines *l, struct prefix *p)
{
	char name[CONSOLE_NAME];
	uint8_t guest = 0;

	if (!p->name) {
		p->text = behind_name(l, p->text, &guest) ?: p->text;
		return guest;
	}
	match__copy(name, sizeof(name), p->name, p->name_len);
	for (unsigned int i = 0; i < l->nr_guests; i++)
		if (!strcmp(l->guests[i], name))
			return i;
	if (l->nr_guests == CONSOLE_GUESTS)
		return CONSOLE_GUESTS - 1;
	strcpy(l->guests[l->nr_guests], name);
	return l->nr_guests++;
}

static void deliver(struct lines *l, const struct line *line)
{
	l->handler(l->context, line);
}

static void give_up_waiting(struct lines *l)
{
	if (!l->waiting)
		return;
	l->waiting = false;
	l->head.whole &= l->broken != BREAK_BY_XEN;
	deliver(l, &l->head);
}

static void wait_for_rest(struct lines *l, const struct line *head, enum line_break broken)
{
	give_up_waiting(l);
	l->broken = broken;
	l->head = *head;
	match__copy(l->text, sizeof(l->text), head->text, strlen(head->text));
	l->head.text = l->text;
	l->waiting = true;
}

/* A rest has no stamp of the kernel and does not look like the start of anything. */
static bool is_rest(const struct lines *l, const struct line *line)
{
	if (!l->waiting || line->guest != l->head.guest || line->t != NO_TIME || !*line->text)
		return false;
	/* A terminal's own dates stand before rests, too. */
	return (!line->stamped || l->head.t != NO_TIME) && !input__starts_line(line->text);
}

static void join(struct lines *l, const struct line *rest)
{
	size_t len = strlen(l->text), room = sizeof(l->text) - len;
	const char *text = rest->rest;

	l->waiting = false;
	l->mended += l->broken == BREAK_BY_XEN;
	/* Of a rest's own spaces only those count that its head has not. */
	text += rest->indent < l->head.indent ? rest->indent : l->head.indent;
	if (l->broken == BREAK_AT_SPACE && room > 1) {
		l->text[len++] = ' ';
		room--;
	}
	l->head.whole = rest->whole && strlen(text) < room;
	match__copy(l->text + len, room, text, strlen(text));
	deliver(l, &l->head);
}

static void finish(struct lines *l, const struct line *line, enum line_break broken)
{
	if (broken && (line->xen || line->t != NO_TIME)) {
		wait_for_rest(l, line, broken);
	} else if (line->xen) {
		if (l->head.xen)
			give_up_waiting(l);
		deliver(l, line);
	} else if (is_rest(l, line)) {
		join(l, line);
	} else if (*line->text) {
		if (!line->guest || line->guest == l->head.guest)
			give_up_waiting(l);
		deliver(l, line);
	}
}

/* Where in @s another line begins: at "(XEN) ", or at the kernel's stamp; NULL: nowhere. */
static char *second_line(char *s, bool xen)
{
	int64_t t;

	for (; (s = strpbrk(s, "([")); s++) {
		if (!xen && !strncmp(s, "(XEN) ", 6))
			return s;
		if (*s == '[' && prefix__stamp(s, &t) && prefix__stamp(s, &t) > s + 8)
			return s;
	}
	return NULL;
}

/* What Xen and Linux open on a line they close on it. */
static bool has_open_bracket(const char *s)
{
	int round = 0, square = 0;

	for (; *s; s++) {
		round += (*s == '(') - (*s == ')');
		square += (*s == '[') - (*s == ']');
	}
	return round > 0 || square > 0;
}

/*
 * Whether a line may have been broken by a terminal or a mail program: if it has a
 * stamp or is Xen's, and the line below is neither, that is its rest.
 */
static enum line_break may_go_on(const struct lines *l, const char *s)
{
	size_t len = strlen(s);

	if (len == TERMINAL && l->longest == TERMINAL)
		return BREAK_AT_COLUMN;
	return len && (strchr(" :]", s[len - 1]) || has_open_bracket(s)) ? BREAK_AT_SPACE
									 : BREAK_NONE;
}

/* @s is cut in two where another line begins in it. */
static void split(struct lines *l, char *s, bool whole, uint64_t number)
{
	enum line_break broken = whole ? may_go_on(l, s) : BREAK_NONE;

	for (;;) {
		struct line line = { .whole = whole, .number = number };
		struct prefix p;
		char *second;
		bool xen;

		prefix__strip(&p, s);
		line.guest = guest_of(l, &p);
		line.xen = p.xen;
		line.t = p.t;
		line.caller = p.caller;
		line.stamped = p.seen;
		line.dated = p.dated;
		line.text = p.text;
		line.rest = line.stamped || line.guest ? p.text : s;
		line.indent = line.rest == s || line.t != NO_TIME ? strspn(s, " \t>") : 0;
		second = second_line((char *)p.text, p.xen);
		if (!second) {
			finish(l, &line, broken);
			return;
		}
		xen = *second == '(';
		*second = 0;
		line.whole = false;
		/* Xen prints into a line and the line goes on below; a stamp means that it does
		 * not. */
		if (xen && *p.text)
			wait_for_rest(l, &line, BREAK_BY_XEN);
		else if (*p.text)
			deliver(l, &line);
		*second = xen ? '(' : '[';
		s = second;
	}
}

void lines__add(void *context, const struct input_line *line)
{
	struct lines *lines = context;
	struct line restart = { .text = "", .restart = true, .t = NO_TIME };
	char copy[INPUT_LINE];

	if (line->restart) {
		give_up_waiting(lines);
		deliver(lines, &restart);
		return;
	}
	match__copy(copy, sizeof(copy), line->text, strlen(line->text));
	lines->longest = strlen(copy) > lines->longest ? strlen(copy) : lines->longest;
	split(lines, copy, line->whole, line->number);
}

void lines__end(struct lines *l)
{
	give_up_waiting(l);
}
