// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "fact.h"

struct row {
	uint8_t kind;
	uint8_t extra;
	const char *format;
};

#define ROW(kind, extra, format) { FACT_##kind, extra, format },
static const struct row linux_rows[] = {
#define FORMAT ROW
#define XEN(kind, extra, format)
#include "formats.def"
#undef FORMAT
#undef XEN
};

static const struct row xen_rows[] = {
#define FORMAT(kind, extra, format)
#define XEN ROW
#include "formats.def"
#undef FORMAT
#undef XEN
};

#define ROWS(rows)	(sizeof(rows) / sizeof(*rows))

unsigned int fact__rank(enum fact_kind kind)
{
	static const uint8_t ranks[] = {
		0,
#define FACT(kind, rank) rank,
#include "facts.def"
#undef FACT
	};

	return ranks[kind];
}

/* A number may stand first; everything else begins as its format does. */
static bool may_match(const struct row *row, char first)
{
	return *row->format == '%' ? isdigit(first) : *row->format == first;
}

/* Most words of most lines begin like no row at all, and there are many of them. */
static bool any_may_match(const struct row *rows, size_t nr, char first)
{
	static uint8_t answers[2][128];		/* 0: not asked yet; else the answer + 1 */
	uint8_t *answer = &answers[rows == xen_rows][first & 127];

	if (!*answer) {
		*answer = 1;
		for (size_t i = 0; i < nr; i++)
			*answer |= may_match(&rows[i], first) << 1;
	}
	return *answer >> 1;
}

/* Returns whether a row fits, though perhaps to a cut line. */
static bool read_rows(struct fact *f, const struct row *rows, size_t nr, const char *text,
		      bool whole)
{
	enum match_end end = MATCH_NO;
	struct match found;
	size_t i;

	if (!any_may_match(rows, nr, *text))
		return false;
	for (i = 0; i < nr; i++) {
		if (!may_match(&rows[i], *text))
			continue;
		end = match(text, whole, rows[i].format, &found);
		if (end != MATCH_NO)
			break;
	}
	if (end == MATCH_NO || (end == MATCH_CUT && *rows[i].format == '%'))
		return false;	/* a number at a cut end is no word of anything */
	f->kind = rows[i].kind;
	f->extra = rows[i].extra;
	memcpy(f->v, found.v, sizeof(f->v));
	if (found.digits)
		f->v[found.nr] = found.digits;
	strcpy(f->text, found.text);
	f->cut = end == MATCH_CUT || !fact__details(f, whole);
	return f->kind != FACT_NONE;
}

/* A line of a stack trace: "[<addr>] ? function+0x1/0x2 [module]". */
static bool read_frame(struct fact *f, const char *s, bool whole)
{
	if (!strncmp(s, "[<", 2) && strstr(s, ">]"))
		s = strstr(s, ">]") + 2;
	s += strspn(s, " ");
	f->extra = *s == '?';
	s += strspn(s, "? ");
	if (!isalpha(*s) && *s != '_')
		return false;
	f->kind = FACT_FRAME;
	return fact__function(s, whole, f->name, sizeof(f->name));
}

static int16_t small_number(const char **s)
{
	int number = 0;

	for (; isdigit(**s); (*s)++)
		number = number < 3000 ? number * 10 + **s - '0' : number;
	return number;
}

/* "mm.c:3506:d0v0 ", "arch/x86/mm.c:1:d[IDLE]v2 ", "d0:v0: ", "d31 ": whom it is about. */
static const char *skip_place(struct fact *f, const char *s)
{
	const char *colon = strchr(s, ':');

	if (colon && colon < s + strcspn(s, " \t") && isdigit(colon[1]))
		s = colon + 1 + strspn(colon + 1, "0123456789:");
	s += strspn(s, " ");
	if (*s != 'd' || !isdigit(s[1]))
		return s;
	s++;
	f->domain = small_number(&s);
	s += *s == ':';
	if (*s == 'v' && isdigit(s[1])) {
		s++;
		f->vcpu = small_number(&s);
	}
	s += *s == ':';
	s += strspn(s, " ");
	/* "d0v0 d5 non-privileged attempt": the second one is whose table it is. */
	if (*s == 'd' && isdigit(s[1]) && s[1 + strspn(s + 1, "0123456789")] == ' ')
		s += 1 + strspn(s + 1, "0123456789");
	return s + strspn(s, " ");
}

/* Behind a prefix that nobody knows the words begin after a colon or a bracket. */
static bool read_anywhere(struct fact *f, const char *text, bool whole)
{
	const char *s = text, *colon = strchr(text, ':');

	/* "program[1]: " */
	if (colon && colon > text && colon[-1] == ']')
		return false;
	while ((s = strpbrk(s, ":]>|"))) {
		s++;
		if ((*s == ' ' || *s == '"') &&
		    read_rows(f, linux_rows, ROWS(linux_rows), s + strspn(s, " \""), whole))
			return true;
	}
	return false;
}

bool fact__read(struct fact *f, const struct line *line)
{
	const char *text = line->text;

	*f = (struct fact){ .guest = line->guest, .domain = -1, .vcpu = -1, .count = 1,
			    .caller = line->caller, .line = line->number, .last_line = line->number,
			    .t = line->t };
	f->style = (line->t != NO_TIME ? STYLE_STAMP : 0) | (line->dated ? STYLE_DATE : 0) |
		   (line->caller ? STYLE_CALLER : 0);
	if (line->xen)
		return read_rows(f, xen_rows, ROWS(xen_rows), skip_place(f, text), line->whole);
	if (line->program)
		return read_rows(f, linux_rows, ROWS(linux_rows), text, line->whole) &&
		       (f->kind == FACT_LIVES || f->kind == FACT_GAP);
	if (read_rows(f, linux_rows, ROWS(linux_rows), text, line->whole) ||
	    read_frame(f, text, line->whole))
		return true;
	if (line->t != NO_TIME)
		return false;
	/* The console says so itself, right behind what it had printed before. */
	if (strstr(text, " printk messages dropped **")) {
		f->kind = FACT_GAP;
		return true;
	}
	/* What a date and a host stand before is some program's word. */
	return !line->dated && read_anywhere(f, text, line->whole);
}
