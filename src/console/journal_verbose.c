// SPDX-License-Identifier: GPL-2.0-only
/*
 * `journalctl -o verbose`: over each record its time and its cursor, below them a field a line,
 * indented by four, and lines of values that have several further to the right.
 */
#include <ctype.h>
#include <string.h>

#include "journal.h"

#define INDENT	4

/* "Fri 2026-11-27 02:10:11.123456 UTC [s=5c1f;i=2;b=…]" */
static bool is_head(const char *text)
{
	const char *begin = strstr(text, " [s=");

	return isalpha(*text) && begin && strstr(begin, ";b=") && text[strlen(text) - 1] == ']' &&
	       strspn(text + 3, " 0123456789-:.") > 20;
}

static void end_field(struct journal *j)
{
	if (j->verbose.column)
		journal_record__end_field(&j->record);
	j->verbose.column = 0;
}

static void add_field(struct journal *j, const struct input_line *line, size_t indent)
{
	const char *name = line->text + indent, *equals = strchr(name, '=');

	if (j->verbose.column && indent >= j->verbose.column) {
		journal_record__add(&j->record, "\n", 1);
		journal_record__add(&j->record, name, strlen(name));
	} else if (equals) {
		end_field(j);
		journal_record__begin_field(&j->record, name, equals - name, line->number);
		journal_record__add(&j->record, equals + 1, strlen(equals + 1));
		j->verbose.column = equals + 1 - line->text;
	}
	j->record.cut |= j->record.field >= 0 && !line->whole;
}

bool journal_verbose__end(struct journal *j)
{
	bool told, open = j->verbose.open;

	if (!open)
		return false;
	end_field(j);
	told = j->record.told && !j->record.cut;
	journal_record__pass(&j->record, j->handler, j->context);
	j->verbose.open = false;
	return !told;
}

void journal_verbose__add(void *journal, const struct input_line *line)
{
	struct journal *j = journal;
	size_t indent = strspn(line->text, " ");

	if (!line->mark && j->verbose.open && indent >= INDENT) {
		add_field(j, line, indent);
		return;
	}
	journal_verbose__end(j);
	if (line->mark || !is_head(line->text)) {
		j->handler(j->context, line);
		return;
	}
	j->verbose.open = true;
	j->verbose.column = 0;
	journal_record__begin(&j->record);
}
