// SPDX-License-Identifier: GPL-2.0-only
/*
 * Line by line.  A line of ours has its keys always in the same order, so it is
 * a format with one conversion a key: all of them were there, or it was cut.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../record.h"
#include "console.h"

#define LINE_MAX_LEN	512

typedef unsigned long long ull;

static bool where_of(const char *word, uint16_t *where)
{
	for (uint16_t w = XP_WHERE_NONE; w <= XP_WHERE_GROW; w++) {
		if (!strcmp(word, record__where_name(w))) {
			*where = w;
			return true;
		}
	}
	return false;
}

/*
 * Each reader takes the rest of a line behind its word, and returns whether it
 * was whole.
 */
static bool read_erased(struct console *c, const char *s)
{
	struct console_page page;
	ull pfn, total, shown;
	char where[16];
	unsigned int level;

	if (sscanf(s, " total=%llu shown=%llu", &total, &shown) == 2) {
		c->has_erased = true;
		c->erased_total = total;
		c->erased_shown = shown;
		return true;
	}
	if (sscanf(s, " pfn=0x%llx level=%u where=%15s", &pfn, &level, where) != 3 ||
	    level > XP_L4 || !where_of(where, &page.where))
		return false;
	page.pfn = pfn;
	page.level = level;
	if (c->nr_erased < CONSOLE_ERASED)
		c->erased[c->nr_erased++] = page;
	return true;
}

static bool read_fault(struct console *c, const char *s)
{
	unsigned int level, flag, erased;
	char where[16];
	ull addr, pfn;

	if (sscanf(s, " addr=0x%llx pfn=- level=0 flag=- erased=- where=%15s", &addr, where) == 2) {
		c->has_fault = true;
		c->fault_addr = addr;
		c->fault.pfn = XP_NO_PFN;
		return true;
	}
	if (sscanf(s, " addr=0x%llx pfn=0x%llx level=%u flag=%u erased=%u where=%15s", &addr, &pfn,
		   &level, &flag, &erased, where) != 6 || level > XP_L4)
		return false;
	if (erased ? !where_of(where, &c->fault.where) : strcmp(where, "-"))
		return false;
	c->has_fault = true;
	c->fault_addr = addr;
	c->fault.pfn = pfn;
	c->fault.level = level;
	c->fault_flag = flag;
	c->fault_erased = erased;
	return true;
}

static bool read_last(struct console *c, const char *s)
{
	struct console_last last = {};
	unsigned int cpu, level;
	ull seq, t, pfn, mfn;
	char op[8];
	long long result;
	int at = 0;

	if (sscanf(s, " seq=%llu t=%llu cpu=%u kind=%15s pfn=0x%llx level=%u %n", &seq, &t, &cpu,
		   last.kind, &pfn, &level, &at) != 6 || !at)
		return false;
	s += at;
	if (sscanf(s, "op=%7s mfn=0x%llx result=%lld", op, &mfn, &result) == 3)
		snprintf(last.where, sizeof(last.where), "%s, result %lld", op, result);
	else if (sscanf(s, "where=%*s ip=%79s", last.where) != 1)
		return false;
	last.seq = seq;
	last.t = t;
	if (c->nr_last < CONSOLE_LAST)
		c->last[c->nr_last++] = last;
	return true;
}

static bool read_log(struct console *c, const char *s)
{
	ull head, lost, slots;

	if (sscanf(s, " head=%llu lost=%llu slots=%llu", &head, &lost, &slots) != 3)
		return false;
	c->has_log = true;
	c->log_head = head;
	c->log_lost = lost;
	c->log_slots = slots;
	return true;
}

static const struct {
	const char *word;
	bool (*read)(struct console *c, const char *rest);
} readers[] = {
	{ "erased ", read_erased },
	{ "fault ", read_fault },
	{ "last ", read_last },
	{ "log ", read_log },
};

/* Behind "xenpin: ". */
static void read_ours(struct console *c, const char *s, bool whole)
{
	ull n;

	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		size_t len = strlen(readers[i].word);

		if (strncmp(s, readers[i].word, len))
			continue;
		if (!whole || !readers[i].read(c, s + len - 1))
			c->cut++;
		return;
	}
	if (sscanf(s, "repaired=%llu", &n) == 1 && whole)
		c->repaired = n;
}

/* Behind @word in @line, or NULL. */
static const char *behind(const char *line, const char *word)
{
	const char *s = strstr(line, word);

	return s ? s + strlen(word) : NULL;
}

/* Of several oopses the first is the cause. */
static void read_oops(struct console *c, const char *line)
{
	const char *s;
	ull n;

	/* The latter is what older kernels say, 4.15 among them. */
	s = behind(line, "unable to handle page fault for address: ") ?:
	    behind(line, "unable to handle kernel paging request at ");
	if (s && !c->page_fault && sscanf(s, "%llx", &n) == 1) {
		c->page_fault = true;
		c->cr2 = n;
	}
	s = behind(line, "Oops: ");
	if (s && !c->oops && sscanf(s, "%llx", &n) == 1)
		c->error_code = n;
	c->oops |= s || strstr(line, "Kernel panic - not syncing");
	/* Xen's code segment of a PV kernel is e030. */
	s = behind(line, "RIP: e030:");
	if (s && !*c->rip)
		sscanf(s, "%79s", c->rip);
}

static void read_kernel(struct console *c, const char *line)
{
	const char *version = behind(line, "Linux version ");

	if (version && !*c->kernel)
		sscanf(version, "%79s", c->kernel);
	read_oops(c, line);
}

static void read_line(struct console *c, const char *line, bool whole)
{
	const char *ours = strstr(line, "xenpin: ");

	c->lines++;
	if (ours)
		read_ours(c, ours + strlen("xenpin: "), whole);
	else
		read_kernel(c, line);
}

/* The guest says what it likes; its words come to a terminal and into JSON. */
static void printable(char *line)
{
	for (; *line; line++)
		if ((*line < ' ' || *line > '~') && !isspace(*line))
			*line = '?';
}

void console__parse(struct console *console, const char *text, size_t size)
{
	const char *end = text + size;

	memset(console, 0, sizeof(*console));
	console->fault.pfn = XP_NO_PFN;
	while (text < end) {
		const char *nl = memchr(text, '\n', end - text);
		size_t len = (nl ?: end) - text, kept = len < LINE_MAX_LEN ? len : LINE_MAX_LEN - 1;
		char line[LINE_MAX_LEN];

		memcpy(line, text, kept);
		line[kept] = 0;
		/* Not text: what follows a NUL would be another line to us. */
		if (!memchr(line, 0, kept)) {
			printable(line);
			read_line(console, line, nl);
		}
		text += len + 1;
	}
}

const struct console_page *console__erased(const struct console *console, uint64_t pfn)
{
	for (unsigned int i = 0; i < console->nr_erased; i++)
		if (console->erased[i].pfn == pfn)
			return &console->erased[i];
	return NULL;
}
