// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "fact.h"
#include "match.h"

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

#define ROWS_MAX	160

/* Rows by the byte that a line begins with, in their order, and a last one of 0. */
struct index {
	bool built;
	uint8_t at[128][ROWS_MAX];	/* + 1 */
};

_Static_assert(ROWS(linux_rows) < ROWS_MAX && ROWS(xen_rows) < ROWS_MAX, "they fit an index");

static void build_index(struct index *index, const struct row *rows, size_t nr)
{
	for (unsigned int first = 0; first < 128; first++)
		for (size_t i = 0, n = 0; i < nr; i++)
			if (may_match(&rows[i], first))
				index->at[first][n++] = i + 1;
	index->built = true;
}

/* Most words of most lines begin like no row at all, and there are many of them. */
static const uint8_t *rows_for(const struct row *rows, size_t nr, char first)
{
	static struct index indexes[2];
	struct index *index = &indexes[rows == xen_rows];

	if (!index->built)
		build_index(index, rows, nr);
	return index->at[first & 127];
}

/* Returns whether a row fits, though perhaps to a cut line. */
static bool read_rows(struct fact *f, const struct row *rows, size_t nr, const char *text,
		      bool whole)
{
	const uint8_t *at = rows_for(rows, nr, *text);
	enum match_end end = MATCH_NO;
	const struct row *row = NULL;
	struct match found;

	for (; *at && end == MATCH_NO; at++) {
		row = &rows[*at - 1];
		end = match(text, whole, row->format, &found);
	}
	if (end == MATCH_NO || (end == MATCH_CUT && *row->format == '%'))
		return false;	/* a number at a cut end is no word of anything */
	f->kind = row->kind;
	f->extra = row->extra;
	memcpy(f->v, found.v, sizeof(f->v));
	if (found.digits)
		f->v[found.nr] = found.digits;
	strcpy(f->text, found.text);
	f->cut = end == MATCH_CUT || !fact__details(f, whole);
	if (f->cut && f->kind == FACT_S_FAULT)
		fact__read_damaged_fault(f, text);
	return f->kind != FACT_NONE;
}

/* A line of a stack trace: "[<addr>] ? function+0x1/0x2 [module]". */
static bool read_frame(struct fact *f, const char *s, bool whole)
{
	if (!strncmp(s, "[<", 2) && strstr(s, ">]"))
		s = strstr(s, ">]") + 2;
	s = skip_any(s, " ");
	f->extra = *s == '?';
	s = skip_any(s, "? ");
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
	s = skip_any(s, " ");
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
	s = skip_any(s, " ");
	/* "d0v0 d5 non-privileged attempt": the second one is whose table it is. */
	if (*s == 'd' && isdigit(s[1]) && s[1 + strspn(s + 1, "0123456789")] == ' ')
		s += 1 + strspn(s + 1, "0123456789");
	return skip_any(s, " ");
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
		    read_rows(f, linux_rows, ROWS(linux_rows), skip_any(s, " \""), whole))
			return true;
	}
	return false;
}

bool fact__read(struct fact *f, const struct line *line)
{
	const char *text = line->text;

	*f = (struct fact){ .guest = line->guest, .stream = line->stream, .domain = -1, .vcpu = -1,
			    .count = 1, .caller = line->caller, .line = line->number,
			    .last_line = line->number, .t = line->t };
	f->style = (line->t != NO_TIME ? STYLE_STAMP : 0) | (line->dated ? STYLE_DATE : 0) |
		   (line->caller ? STYLE_CALLER : 0);
	if (line->quoted)
		return false;
	if (line->xen)
		return read_rows(f, xen_rows, ROWS(xen_rows), skip_place(f, text), line->whole);
	if (read_rows(f, linux_rows, ROWS(linux_rows), text, line->whole) ||
	    read_frame(f, text, line->whole))
		return true;
	if (line->t != NO_TIME)
		return false;
	/* The console says so itself, right behind what it had printed before. */
	if (strchr(text, '*') && strstr(text, " printk messages dropped **")) {
		f->kind = FACT_GAP;
		return true;
	}
	/* What a date and a host stand before is some program's word. */
	return !line->dated && read_anywhere(f, text, line->whole);
}
