// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "match.h"
#include "mend.h"

#define NO_GUEST	UINT8_MAX

/*
 * Columns: where no line is longer than that, one of just that length may go on below.
 * Mail programs have other widths, which show after some lines.
 */
#define TERMINAL	80
#define BREAKS		2

/* Shorter lines are broken by nobody; those without prefix are taken for broken with less ease. */
#define BROKEN_MIN	40
#define BARE_MIN	50

/* journalctl puts the lines of a message below its first one, behind a date, a host and a name. */
#define BELOW_MIN	18

void mender__begin(struct mender *m, line_handler handler, void *context)
{
	memset(m, 0, sizeof(*m));
	m->handler = handler;
	m->context = context;
	m->nr_guests = 1;
}

/* Of a line with no prefix but the name of a guest that has others: behind that name, or NULL. */
static const char *behind_name(const struct mender *m, const char *s, uint8_t *guest)
{
	for (unsigned int i = 1; i < m->nr_guests; i++) {
		size_t len = strlen(m->guests[i]);
		const char *at = s + len;

		if (strncmp(s, m->guests[i], len))
			continue;
		at = skip_any(at, " ");
		if (*at == ':' || *at == '|') {
			*guest = i;
			return at + 1 + strspn(at + 1, " ");
		}
	}
	return NULL;
}

static uint8_t guest_of(struct mender *m, struct prefix *p)
{
	char name[CONSOLE_NAME];
	uint8_t guest = 0;

	if (!p->name) {
		p->text = behind_name(m, p->text, &guest) ?: p->text;
		return guest;
	}
	match__copy(name, sizeof(name), p->name, p->name_len);
	for (unsigned int i = 0; i < m->nr_guests; i++)
		if (!strcmp(m->guests[i], name))
			return i;
	if (m->nr_guests == CONSOLE_GUESTS)
		return NO_GUEST;
	strcpy(m->guests[m->nr_guests], name);
	return m->nr_guests++;
}

static bool is_stream(const struct mender *m, unsigned int at, uint8_t guest, const char *boot)
{
	return m->streams[at].used && m->streams[at].guest == guest &&
	       !strcmp(m->streams[at].boot, boot);
}

/* The stream of records of a boot.  Where there is no room, that ends which has waited longest. */
static uint8_t stream_of(struct mender *m, uint8_t guest, const struct input_line *line)
{
	unsigned int at = m->stream, oldest = CONSOLE_GUESTS;
	struct line restart = { .text = "", .mark = MARK_RESTART, .t = NO_TIME };

	if (!line->boot)
		return guest;
	if (!is_stream(m, at, guest, line->boot))
		for (at = CONSOLE_GUESTS;
		     at < CONSOLE_STREAMS && !is_stream(m, at, guest, line->boot); at++)
			oldest = m->streams[at].used < m->streams[oldest].used ? at : oldest;
	if (at == CONSOLE_STREAMS) {
		at = oldest;
		if (m->streams[at].used) {
			restart.stream = at;
			restart.number = line->number;
			m->handler(m->context, &restart);
		}
		m->streams[at].guest = guest;
		match__copy(m->streams[at].boot, sizeof(m->streams[at].boot), line->boot,
			    strlen(line->boot));
	}
	m->streams[at].used = line->number + 1;
	m->stream = at;
	return at;
}

static void deliver(struct mender *m, const struct line *line)
{
	m->handler(m->context, line);
}

static void give_up_waiting(struct mender *m)
{
	if (!m->waiting)
		return;
	m->waiting = false;
	m->head.whole &= m->broken != BREAK_BY_XEN;
	deliver(m, &m->head);
}

static void wait_for_rest(struct mender *m, const struct line *head, enum line_break broken)
{
	give_up_waiting(m);
	m->broken = broken;
	m->head = *head;
	match__copy(m->text, sizeof(m->text), head->text, strlen(head->text));
	m->head.text = m->text;
	m->waiting = true;
}

/* A rest has no stamp of the kernel and does not look like the start of anything. */
static bool is_rest(const struct mender *m, const struct line *line)
{
	if (!m->waiting || line->own || line->t != NO_TIME || !*line->text)
		return false;
	/* No name stands before the rest of a line, where another line would have one. */
	if (line->guest != m->head.guest && (line->guest || m->before.number != m->head.number))
		return false;
	/* A terminal's own dates stand before rests, too. */
	return (!line->stamped || m->head.t != NO_TIME) && !input__starts_line(line->text);
}

/* What stands in lines of a kernel that has no stamps, and starts there. */
static bool starts_bare_line(const char *s)
{
	static const char *const starts[] = {
		"BUG", "#PF", "Oops", "RIP", "EIP", "IP:", "PGD", "PTE", "CPU", "Pid", "CR2", "Code",
		"Call", "Modules", "Hardware", "Process", "Stack", "RSP", "RAX", "RDX", "RBP", "R10",
		"R13", "FS:", "CS:", "EAX", "ESI", "DS:", "ESP", "<", "[<", "---[", "---", "*pdpt",
		"Kernel", "kernel", "WARNING", "Linux", "Booting", "Hypervisor", "page", "xenpin:",
		"invalid opcode", "general protection", "call ", "Unable", "(XEN)", "(d", "?", "Xen",
		"Fixing", "Domain", "note:", "last sysfs", "Supported", "Workqueue", "PANIC", "**",
	};

	if (isdigit(*s) && strstr(s, " multicall(s) failed"))
		return true;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (*s == *starts[i] && !strncmp(s, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* Whether the line before seems to go on in @line, which has nothing of its own that starts one. */
static bool was_broken(const struct mender *m, const struct line *line)
{
	bool long_enough = m->before.prefixed ? m->before.len >= BROKEN_MIN :
			   m->before.len >= BARE_MIN && m->before.len == m->longest;

	if (!long_enough || line->stamped || line->xen || !*line->text ||
	    (line->guest && line->guest != m->before.guest) || input__starts_line(line->text))
		return false;
	return m->before.prefixed ||
	       ((!*m->before.start ||
		strncmp(line->rest, m->before.start, strlen(m->before.start))) &&
		!starts_bare_line(line->text));
}

static void note_break(struct mender *m, const struct line *line)
{
	struct line mark = { .text = "", .mark = MARK_BROKEN, .t = NO_TIME,
			     .number = m->before.number, .guest = line->guest,
			     .stream = line->stream };

	if (!was_broken(m, line))
		return;
	if (m->before.len == m->longest) {
		m->breaks = m->width == m->before.len ? m->breaks + 1 : 1;
		m->width = m->before.len;
	}
	deliver(m, &mark);
}

/* Adds a rest to .head.  Returns whether that is broken in turn. */
static bool join(struct mender *m, const struct line *rest, size_t width)
{
	size_t len = strlen(m->text), room = sizeof(m->text) - len;
	const char *text = rest->rest;

	m->waiting = m->broken == BREAK_AT_COLUMN && width == m->width && m->longest == width;
	m->mended += m->broken == BREAK_BY_XEN;
	/* Of a rest's own spaces only those count that its head has not. */
	text += rest->indent < m->head.indent ? rest->indent : m->head.indent;
	if (m->broken == BREAK_AT_SPACE && room > 1) {
		m->text[len++] = ' ';
		room--;
	}
	m->head.whole = rest->whole && strlen(text) < room;
	match__copy(m->text + len, room, text, strlen(text));
	return m->waiting;
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
static enum line_break may_go_on(const struct mender *m, const char *s)
{
	size_t len = strlen(s);

	if (len == m->longest && (len == TERMINAL || (len == m->width && m->breaks >= BREAKS)))
		return BREAK_AT_COLUMN;
	return len && (strchr(" :]", s[len - 1]) || has_open_bracket(s)) ? BREAK_AT_SPACE
									 : BREAK_NONE;
}

/* @all is the line with what stood before it, @width bytes. */
static void finish(struct mender *m, const struct line *line, const char *all, size_t width)
{
	bool begins = line->xen || (line->t != NO_TIME && !line->own);
	enum line_break broken = begins && line->whole ? may_go_on(m, all) : BREAK_NONE;
	uint64_t number = line->number;

	if (!m->waiting)
		note_break(m, line);
	if (broken) {
		wait_for_rest(m, line, broken);
	} else if (line->xen) {
		if (m->head.xen)
			give_up_waiting(m);
		deliver(m, line);
	} else if (is_rest(m, line)) {
		number = m->head.number;
		if (!join(m, line, width))
			deliver(m, &m->head);
	} else if (*line->text) {
		if (!line->guest || line->guest == m->head.guest)
			give_up_waiting(m);
		deliver(m, line);
	}
	m->before.number = number;
	m->before.len = width;
	m->before.guest = line->guest;
	m->before.prefixed = line->stamped && !line->xen;
	match__copy(m->before.start, sizeof(m->before.start), line->rest, strlen(line->rest));
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

/*
 * Whether @s stands below the first line of a message, of which journalctl indents all others.
 * What a program said, or nobody knows who, may be a console that it quotes.
 */
static bool is_below(const struct mender *m, const char *s, struct line *line)
{
	size_t indent = skip_any(s, " ") - s;

	if (indent < BELOW_MIN || !s[indent])
		return false;
	line->text = line->rest = s + indent;
	line->t = NO_TIME;
	line->stamped = line->dated = true;
	line->guest = m->below;
	line->quoted = indent != m->column;
	return true;
}

static void note_column(struct mender *m, const struct prefix *p, const char *s, uint8_t guest)
{
	m->column = p->name && !p->program ? p->text - s : 0;
	m->below = guest;
}

/* @s is cut in two where another line begins in it. */
static void split(struct mender *m, char *s, const struct input_line *from)
{
	const char *all = s;
	size_t width = strlen(s);

	for (;;) {
		struct line line = { .whole = from->whole, .number = from->number };
		struct prefix p;
		char *second;
		bool xen;

		if (s == all && is_below(m, s, &line)) {
			line.stream = stream_of(m, line.guest, from);
			give_up_waiting(m);
			deliver(m, &line);
			return;
		}
		prefix__strip(&p, s);
		line.guest = guest_of(m, &p);
		if (line.guest == NO_GUEST) {
			m->others++;
			return;
		}
		line.stream = stream_of(m, line.guest, from);
		if (s == all && p.seen)
			note_column(m, &p, s, line.guest);
		line.own = p.program || from->boot;
		line.xen = p.xen;
		line.t = p.t;
		line.caller = p.caller;
		line.stamped = p.seen;
		line.dated = p.dated;
		line.text = p.text;
		line.rest = line.stamped || line.guest ? p.text : s;
		line.indent = line.rest == s || line.t != NO_TIME ? skip_any(s, " \t>") - s : 0;
		/* What a program quotes is no line of its own. */
		second = p.program ? NULL : second_line((char *)p.text, p.xen);
		if (!second) {
			finish(m, &line, all, width);
			return;
		}
		xen = *second == '(';
		*second = 0;
		line.whole = false;
		/* Xen prints into a line and the line goes on below; a stamp means that it does
		 * not. */
		if (xen && *p.text)
			wait_for_rest(m, &line, BREAK_BY_XEN);
		else if (*p.text)
			deliver(m, &line);
		*second = xen ? '(' : '[';
		s = second;
	}
}

void mender__add(void *context, const struct input_line *line)
{
	struct mender *m = context;
	struct line mark = { .text = "", .mark = line->mark, .t = NO_TIME, .number = line->number };
	char copy[INPUT_LINE];

	if (line->mark) {
		m->head.whole &= line->mark != MARK_GAP;
		give_up_waiting(m);
		deliver(m, &mark);
		return;
	}
	match__copy(copy, sizeof(copy), line->text, strlen(line->text));
	m->longest = strlen(copy) > m->longest ? strlen(copy) : m->longest;
	split(m, copy, line);
}

void mender__end(struct mender *m)
{
	give_up_waiting(m);
}
