// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
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

static const char *field(const json_t *record, const char *name)
{
	return json_string_value(json_object_get(record, name)) ?: "";
}

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
static void pass_kernels(struct journal *j, const struct input_line *line, const json_t *record)
{
	const char *time = field(record, "_SOURCE_MONOTONIC_TIMESTAMP");
	const char *host = field(record, "_HOSTNAME");
	const char *message = field(record, "MESSAGE");
	unsigned long long t = strtoull(time, NULL, 10);
	char text[INPUT_LINE];
	struct input_line said = { text, true, line->number, MARK_NONE };
	int len;

	if (*time)
		len = snprintf(text, sizeof(text), "%s%s[%5llu.%06llu] %s", host, *host ? ": " : "",
			       t / 1000000, t % 1000000, message);
	else
		len = snprintf(text, sizeof(text), "%s", message);
	said.whole = len < (int)sizeof(text);
	clean(text);
	if (*message)
		j->handler(j->context, &said);
	else	/* Of what is no UTF-8 the journal has the bytes. */
		mark(j, line, MARK_GAP);
}

void journal__add(void *journal, const struct input_line *line)
{
	struct journal *j = journal;
	json_t *record;

	if (line->mark || *line->text != '{' || !strstr(line->text, "\"MESSAGE\"")) {
		j->handler(j->context, line);
		return;
	}
	if (!strstr(line->text, "\"kernel\""))
		return;
	record = json_loads(line->text, 0, NULL);
	if (!record) {
		mark(j, line, MARK_GAP);
		return;
	}
	note_boot(j, line, field(record, "_BOOT_ID"));
	if (!strcmp(field(record, "_TRANSPORT"), "kernel") ||
	    !strcmp(field(record, "SYSLOG_IDENTIFIER"), "kernel"))
		pass_kernels(j, line, record);
	json_decref(record);
}
