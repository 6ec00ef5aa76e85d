// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "prefix.h"
#include "match.h"

#define HOST_MAX	64	/* Linux allows no longer name */

static const char *spaces(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static const char *token_end(const char *s)
{
	return s + strcspn(s, " \t");
}

static bool digits(const char *s, int n)
{
	while (n--)
		if (!isdigit(*s++))
			return false;
	return true;
}

const char *prefix__stamp(const char *s, int64_t *t)
{
	const char *at;
	int64_t seconds;
	char *end;

	if (*s != '[' || !isdigit(*spaces(s + 1)))
		return NULL;
	at = spaces(s + 1);
	seconds = strtoll(at, &end, 10);
	if (end - at > 10 || *end != '.')
		return NULL;
	at = end + 1;
	/* Six digits of the kernel; logs that were retouched have fewer. */
	*t = seconds * 1000000;
	for (int64_t unit = 100000; isdigit(*at) && unit; at++, unit /= 10)
		*t += (*at - '0') * unit;
	/* dmesg -d and journalctl put the time since the line before into it, or spaces. */
	if (*spaces(at) == '<')
		at = strchr(at, '>') ? strchr(at, '>') + 1 : at;
	at = spaces(at);
	return *at == ']' ? at + 1 : NULL;
}

/* "[ T1]", "[ C0]": the task or CPU that printed; later kernels add words of their own. */
static const char *caller(struct prefix *p, const char *s)
{
	const char *at = spaces(s + 1);

	if (*s != '[' || (*at != 'T' && *at != 'C') || !isdigit(at[1]) || !strchr(at, ']'))
		return NULL;
	p->caller = (strtoul(at + 1, NULL, 10) << 1 | (*at == 'C')) + 1;
	return strchr(at, ']') + 1;
}

/* Any other time in brackets: dates, dmesg -e, Xen's count of cycles. */
static const char *bracket(struct prefix *p, const char *s)
{
	const char *end = *s == '[' ? strchr(s, ']') : NULL, *stamp = prefix__stamp(s, &p->t);
	size_t len;

	if (stamp)
		return stamp;
	if (caller(p, s))
		return caller(p, s);
	if (!end || end - s > 48)
		return NULL;
	len = end - s - 1;
	if (p->xen && len >= 8 && strspn(s + 1, "0123456789abcdef") == len)
		return end + 1;
	if (strcspn(s, "0123456789") >= len || memchr(s, '=', len) ||
	    !(memchr(s, ':', len) || memchr(s, '+', len)))
		return NULL;
	p->dated = true;
	return end + 1;
}

static const char *level(struct prefix *p, const char *s)
{
	size_t n;

	if (*s != '<')
		return NULL;
	n = strspn(s + 1, "0123456789GcR");
	return n && n <= 3 && s[n + 1] == '>' ? s + n + 2 : NULL;
}

/* "(XEN) ", and "(d1) " for what a guest prints through Xen's own console. */
static const char *xen(struct prefix *p, const char *s)
{
	if (!strncmp(s, "(XEN)", 5)) {
		p->xen = true;
		return s + 5;
	}
	if (s[0] != '(' || s[1] != 'd' || !isdigit(s[2]))
		return NULL;
	p->name = s + 1;
	p->name_len = 1 + strspn(s + 2, "0123456789");
	return p->name[p->name_len] == ')' ? p->name + p->name_len + 1 : NULL;
}

/* A record of /dev/kmsg or netconsole: "6,100,1000,-;text". */
static const char *record(struct prefix *p, const char *s)
{
	unsigned int commas = 0;
	const char *at = s;

	for (; isdigit(*at) || *at == ','; at++) {
		commas += *at == ',';
		if (commas == 2 && *at == ',')
			p->t = strtoll(at + 1, NULL, 10);
	}
	if (commas != 3 || !strchr(at, ';') || strchr(at, ';') > at + 24) {
		p->t = commas >= 2 ? NO_TIME : p->t;
		return NULL;
	}
	return strchr(at, ';') + 1;
}

static const char *clock_time(const char *s)
{
	if (!digits(s, 2) || s[2] != ':' || !digits(s + 3, 2) || s[5] != ':' || !digits(s + 6, 2))
		return NULL;
	return token_end(s);
}

static bool month(const char *s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t i = 0; i < sizeof(names) - 1; i += 3)
		if (*s == names[i] && !strncmp(s, names + i, 3) && s[3] == ' ')
			return true;
	return false;
}

/* A date without brackets: ISO in one word or two, syslog's, journalctl's with a weekday. */
static const char *date(const char *s)
{
	const char *at;
	bool weekday = isalpha(s[0]) && isalpha(s[1]) && isalpha(s[2]) && s[3] == ' ' &&
		       digits(s + 4, 4) && s[8] == '-';

	s += weekday ? 4 : 0;
	if (digits(s, 4) && s[4] == '-' && digits(s + 5, 2) && s[7] == '-' && digits(s + 8, 2)) {
		if (s[10] == 'T')
			return token_end(s);
		at = clock_time(spaces(s + 10));
		/* With a weekday there is a time zone, too; otherwise "RIP" would be one. */
		return at && weekday ? token_end(spaces(at)) : at;
	}
	if (month(s)) {
		at = spaces(s + 3);
		return isdigit(*at) ? clock_time(spaces(token_end(at))) : NULL;
	}
	/* Seconds since 1970, or since boot, as journalctl can print them. */
	if (digits(s, 9) && s[strspn(s, "0123456789")] == '.')
		return token_end(s);
	return clock_time(s);
}

/*
 * "HOST kernel: " or "HOST program[1]: " behind a date; the program's name stays in the text.
 * Two other words and a colon are words of the kernel's.  Where a program passes on what
 * some kernel printed, with its stamp, that is a guest of the program's.
 */
static const char *host(struct prefix *p, const char *s)
{
	const char *end = token_end(s), *tag = spaces(end), *tag_end = token_end(tag);
	bool stamp, colon = tag_end > tag + 2 && tag_end[-1] == ':';
	int64_t t;

	if (end == s || end[-1] == ':' || end - s > HOST_MAX || *s == '[' || *s == '(' || *s == '<')
		return NULL;
	if (strncmp(tag, "kernel:", 7)) {
		stamp = colon && prefix__stamp(spaces(tag_end), &t);
		if (!colon || (tag_end[-2] != ']' && !(stamp && isalpha(*tag))))
			return NULL;
		p->program = !stamp;
		end = stamp ? tag_end - 1 : end;
		tag = stamp ? tag_end : tag;
	}
	p->name = s;
	p->name_len = end - s;
	return tag;
}

/*
 * "HOST kernel: " or "HOST program[1]: " behind a stamp, which then is that of the journal's
 * record: a program's words have none of the kernel's, unless it passes on those of a guest.
 */
static const char *speaker(struct prefix *p, const char *s)
{
	const char *tag = spaces(token_end(s)), *end = token_end(tag);
	bool kernels = !strncmp(tag, "kernel:", 7);

	if (!kernels && (end < tag + 4 || strncmp(end - 2, "]:", 2) || !isdigit(end[-3])))
		return NULL;
	tag = host(p, s);
	p->dated = tag;
	if (!tag)
		return NULL;
	tag = spaces(kernels ? tag + 7 : tag);
	if (!kernels)
		p->t = NO_TIME;
	return prefix__stamp(tag, &p->t) ? spaces(prefix__stamp(tag, &p->t)) : tag;
}

static const char *dated(struct prefix *p, const char *s)
{
	const char *at = date(s);

	if (!at || (*at && *at != ' ' && *at != '\t'))
		return NULL;
	p->dated = true;
	return host(p, spaces(at)) ?: at;
}

/* "kernel: "; and of dmesg -x "kern  :emerg : ". */
static const char *tag(struct prefix *p, const char *s)
{
	size_t word = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789"), second;

	if (!strncmp(s, "kernel:", 7))
		return s + 7;
	if (!word || *spaces(s + word) != ':')
		return NULL;
	second = strspn(spaces(s + word) + 1, "abcdefghijklmnopqrstuvwxyz");
	s = spaces(s + word) + 1 + second;
	return second && *spaces(s) == ':' && spaces(s) > s - 1 && s[-1] != ' ' ? spaces(s) + 1
										: NULL;
}

static bool starts_prefix(const char *s)
{
	int64_t t;

	return prefix__stamp(s, &t) || !strncmp(s, "(XEN)", 5) || (*s == '<' && isdigit(s[1])) ||
	       (*s == '[' && digits(s + 1, 4) && s[5] == '-') || date(s);
}

/* "NAME: " or "NAME | " before another prefix: whose line it is, in a capture of several. */
static const char *named(struct prefix *p, const char *s)
{
	size_t len = strcspn(s, ":| \t");
	const char *at = spaces(s + len);

	if (p->name || !len || len > 64 || !(*at == ':' || *at == '|'))
		return NULL;
	if (!starts_prefix(spaces(at + 1)))
		return NULL;
	p->name = s;
	p->name_len = len;
	return at + 1;
}

typedef const char *(*step)(struct prefix *p, const char *s);

/* Behind one part of a prefix, or NULL where there is none. */
static const char *take(struct prefix *p, const char *s)
{
	static const step steps[] = { xen, level, bracket, record, dated, tag, named };
	const char *at = NULL;

	for (size_t i = 0; !at && i < sizeof(steps) / sizeof(*steps); i++)
		at = steps[i](p, s);
	return at;
}

void prefix__strip(struct prefix *p, const char *line)
{
	const char *s = line, *next;

	*p = (struct prefix){ .t = NO_TIME };
	s = skip_any(s, " \t>");
	while (p->t == NO_TIME && (next = take(p, s))) {
		p->seen = true;
		s = spaces(next);
	}
	/* The stamp may be of journalctl -o short-monotonic, which then says who speaks. */
	if (p->t != NO_TIME && !p->name && !p->xen)
		s = speaker(p, s) ?: s;
	/* What follows the kernel's stamp is the caller, and then its own words. */
	while (p->t != NO_TIME && !p->caller && (next = caller(p, s)))
		s = spaces(next);
	if (p->t != NO_TIME && !strncmp(s, "(XEN)", 5)) {
		p->xen = true;
		s = spaces(s + 5);
	}
	p->text = s;
}
