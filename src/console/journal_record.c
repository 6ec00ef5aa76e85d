// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal_record.h"
#include "match.h"

/* journalctl puts lines of a message below its first one, so far to the right at least. */
#define BELOW	"                    "

enum owner { OWNER_UNKNOWN, OWNER_KERNEL, OWNER_PROGRAM };

/* The fields that matter here, by name. */
static const struct {
	const char *name;
	size_t at, size;
} fields[] = {
#define FIELD(name, member)                                     \
	{ name, offsetof(struct journal_record, member),        \
	  sizeof(((struct journal_record *)0)->member) }
	FIELD("MESSAGE", message),
	FIELD("_TRANSPORT", transport),
	FIELD("SYSLOG_IDENTIFIER", identifier),
	FIELD("_COMM", command),
	FIELD("_PID", pid),
	FIELD("_HOSTNAME", host),
	FIELD("_BOOT_ID", boot),
	FIELD("_SOURCE_MONOTONIC_TIMESTAMP", time),
#undef FIELD
};

#define FIELDS	(sizeof(fields) / sizeof(*fields))
#define MESSAGE 0

static char *value(struct journal_record *r, size_t field)
{
	return (char *)r + fields[field].at;
}

void journal_record__begin(struct journal_record *r)
{
	for (size_t i = 0; i < FIELDS; i++)
		*value(r, i) = 0;
	r->field = -1;
	r->told = r->cut = false;
	r->line = 0;
}

void journal_record__begin_field(struct journal_record *r, const char *name, size_t len,
				 uint64_t line)
{
	r->len = 0;
	r->field = -1;
	for (size_t i = 0; i < FIELDS && r->field < 0; i++)
		if (*fields[i].name == *name && strlen(fields[i].name) == len &&
		    !memcmp(fields[i].name, name, len))
			r->field = i;
	if (r->field >= 0)
		*value(r, r->field) = 0;
	if (r->field == MESSAGE || (r->field > MESSAGE && !r->told))
		r->line = line;
	if (r->field == MESSAGE)
		r->told = r->cut = false;
}

void journal_record__add(struct journal_record *r, const char *bytes, size_t size)
{
	size_t room;

	if (r->field < 0)
		return;
	room = fields[r->field].size - 1 - r->len;
	r->cut |= r->field == MESSAGE && size > room;
	size = size < room ? size : room;
	memcpy(value(r, r->field) + r->len, bytes, size);
	r->len += size;
	value(r, r->field)[r->len] = 0;
}

void journal_record__end_field(struct journal_record *r)
{
	if (r->field < 0)
		return;
	if (r->len && value(r, r->field)[r->len - 1] == '\r')
		value(r, r->field)[--r->len] = 0;
	r->told |= r->field == MESSAGE;
	r->field = -1;
}

static enum owner owner(const struct journal_record *r)
{
	if (!strcmp(r->transport, "kernel") || !strcmp(r->identifier, "kernel"))
		return OWNER_KERNEL;
	return *r->transport || *r->identifier || *r->command ? OWNER_PROGRAM : OWNER_UNKNOWN;
}

/* What a terminal should not get is no part of a line. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((*text < ' ' && *text != '\t') || *text > '~')
			*text = '?';
}

/* One word, as names of hosts and programs are in a line. */
static const char *word(char *text, const char *other)
{
	for (char *c = text; *c; c++)
		if (!isalnum(*c) && !strchr("-_./@+", *c))
			*c = '_';
	return *text ? text : other;
}

/* What stands before the first line of a message; all hours are the same to who reads it. */
static void begin_line(struct journal_record *r, bool kernels, char *text, size_t size)
{
	unsigned long long t = strtoull(r->time, NULL, 10);
	const char *host = word(r->host, "");
	int n = snprintf(text, size, "00:00:00 %s%s", host, *host ? " " : "");

	if (!kernels)
		snprintf(text + n, size - n,
			 "%s[%s]: ", word(r->identifier, word(r->command, "program")),
			 isdigit(*r->pid) ? word(r->pid, "") : "0");
	else if (isdigit(*r->time))
		snprintf(text + n, size - n, "kernel: [%5llu.%06llu] ", t / 1000000, t % 1000000);
	else
		snprintf(text + n, size - n, "kernel: ");
}

static void pass_lines(struct journal_record *r, bool kernels, input_handler handler, void *context)
{
	char begin[256], text[INPUT_LINE];
	const char *below = kernels ? begin : BELOW, *before = begin;
	char *at = r->message;

	begin_line(r, kernels, begin, sizeof(begin));
	do {
		size_t len = strcspn(at, "\r\n");
		bool last = !at[len];
		struct input_line line = { text, !(last && r->cut), r->line, MARK_NONE, r->boot };

		line.whole &= (size_t)snprintf(text, sizeof(text), "%s%.*s", before, (int)len, at) <
			      sizeof(text);
		clean(text);
		/* Lines below need a first one that says whose they are. */
		if (len || (!kernels && before == begin))
			handler(context, &line);
		before = below;
		at += len + !last;
	} while (*at);
}

void journal_record__pass(struct journal_record *r, input_handler handler, void *context)
{
	struct input_line gap = { "", false, r->line, MARK_GAP, r->boot };
	enum owner who = owner(r);

	r->unowned += who == OWNER_UNKNOWN;
	if (who == OWNER_UNKNOWN || (who == OWNER_KERNEL && !r->told))
		handler(context, &gap);
	else
		pass_lines(r, who == OWNER_KERNEL, handler, context);
}
