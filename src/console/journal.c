// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "match.h"

void journal__begin(struct journal *j, input_handler handler, void *context)
{
	memset(j, 0, sizeof(*j));
	j->handler = handler;
	j->context = context;
}

/* The fields that are kept, by name. */
static const struct {
	const char *name;
	size_t at, size;
} fields[] = {
#define FIELD(name, member) \
	{ name, offsetof(struct journal_record, member), sizeof(((struct journal_record *)0)->member) }
	FIELD("_BOOT_ID", boot), FIELD("_TRANSPORT", transport), FIELD("SYSLOG_IDENTIFIER", identifier),
	FIELD("_HOSTNAME", host), FIELD("_SOURCE_MONOTONIC_TIMESTAMP", time), FIELD("MESSAGE", message),
#undef FIELD
};

static void mark(struct journal *j, const struct input_line *line, enum input_mark mark)
{
	struct input_line none = { "", false, line->number, mark };

	j->handler(j->context, &none);
}

static void note_boot(struct journal *j, const struct input_line *line, const char *boot)
{
	if (*j->boot && strcmp(boot, j->boot))
		mark(j, line, MARK_RESTART);
	match__copy(j->boot, sizeof(j->boot), boot, strlen(boot));
}

/* What a terminal should not get is no part of a line; a line ends where the first one does. */
static void clean(char *text)
{
	text[strcspn(text, "\r\n")] = 0;
	for (; *text; text++)
		if ((*text < ' ' && *text != '\t') || *text > '~')
			*text = '?';
}

/* The kernel's line as its own log would have it, behind the name of its host. */
static void pass_kernels(struct journal *j, const struct input_line *line)
{
	const struct journal_record *r = &j->record;
	unsigned long long t = strtoull(r->time, NULL, 10);
	char text[INPUT_LINE];
	struct input_line said = { text, true, line->number, MARK_NONE };
	int len;

	if (r->broken || !*r->message) {
		mark(j, line, MARK_GAP);
		return;
	}
	if (*r->time)
		len = snprintf(text, sizeof(text), "%s%s[%5llu.%06llu] %s", r->host, *r->host ? ": " : "",
			       t / 1000000, t % 1000000, r->message);
	else
		len = snprintf(text, sizeof(text), "%s", r->message);
	said.whole = line->whole && len < (int)sizeof(text);
	clean(text);
	j->handler(j->context, &said);
}

static void pass(struct journal *j, const struct input_line *line)
{
	const struct journal_record *r = &j->record;

	note_boot(j, line, r->boot);
	if (!strcmp(r->transport, "kernel") || !strcmp(r->identifier, "kernel"))
		pass_kernels(j, line);
}

/* What is no UTF-8 the journal writes as an array of bytes. */
static void read_bytes(struct journal_record *r, const json_t *bytes)
{
	size_t i, len = 0;
	json_t *byte;

	json_array_foreach(bytes, i, byte) {
		int c = json_integer_value(byte);

		if (len < sizeof(r->message) - 1 && c > 0 && c < 256)
			r->message[len++] = c;
	}
	r->message[len] = 0;
	r->broken = !len;
}

static void read_json(struct journal_record *r, const json_t *object)
{
	*r = (struct journal_record){};
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const json_t *value = json_object_get(object, fields[i].name);
		const char *text = json_string_value(value);

		if (text)
			match__copy((char *)r + fields[i].at, fields[i].size, text, strlen(text));
		else if (json_is_array(value) && !strcmp(fields[i].name, "MESSAGE"))
			read_bytes(r, value);
	}
}

/* The length of a field's name, as the journal allows them, where @text begins with one; else 0. */
static size_t field_name(const char *text)
{
	size_t name = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return !text[name] || text[name] == '=' ? name : 0;
}

/* NAME=VALUE.  A name alone stands before a value in bytes, of which lines are no measure. */
static void read_export(struct journal_record *r, const struct input_line *line)
{
	size_t name = field_name(line->text);

	r->bytes = !line->text[name];
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const char *value = line->text + name + 1;

		if (strlen(fields[i].name) != name || memcmp(fields[i].name, line->text, name))
			continue;
		r->broken |= !line->text[name] || !line->whole;
		r->line = line->number;
		if (line->text[name])
			match__copy((char *)r + fields[i].at, fields[i].size, value, strlen(value));
	}
}

static void end_export(struct journal *j)
{
	struct input_line line = { "", true, j->record.line, MARK_NONE };

	if (j->record.open)
		pass(j, &line);
	j->record.open = false;
}

/*
 * One line of `journalctl -o export`, whose records begin with a cursor and consist of fields.  Other
 * lines may be of a value in bytes, but for one that a console begins: that ends the record, too.
 */
static bool add_export(struct journal *j, const struct input_line *line)
{
	static const char begin[] = "__CURSOR=";

	if (!strncmp(line->text, begin, sizeof(begin) - 1)) {
		end_export(j);
		j->record = (struct journal_record){ .open = true, .line = line->number };
	} else if (j->record.open && field_name(line->text)) {
		read_export(&j->record, line);
	} else if (j->record.open && j->record.bytes && !input__starts_line(line->text)) {
		mark(j, line, MARK_GAP);
	} else {
		end_export(j);
	}
	return j->record.open;
}

void journal__add(void *journal, const struct input_line *line)
{
	struct journal *j = journal;
	json_t *object;

	if (!line->mark && add_export(j, line))
		return;
	if (line->mark || *line->text != '{' || !strstr(line->text, "\"MESSAGE\"")) {
		j->handler(j->context, line);
		return;
	}
	if (!strstr(line->text, "\"kernel\""))
		return;
	object = json_loads(line->text, 0, NULL);
	if (!object) {
		mark(j, line, MARK_GAP);
		return;
	}
	read_json(&j->record, object);
	json_decref(object);
	pass(j, line);
}

void journal__end(struct journal *j)
{
	end_export(j);
}
