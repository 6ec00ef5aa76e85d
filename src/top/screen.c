// SPDX-License-Identifier: GPL-2.0-only
/* ncurses: what it draws is made of the lines that --batch prints. */
#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "screen.h"

enum { RED = 1 };

static const char *const help[] = {
	"Pins and unpins are those of the time since the last refresh, by second.",
	"TABLES are the page tables that a process has now; PIN is how long pinning all of them takes.",
	"",
	"p u r t l i n   sort by pins, unpins, refused, tables, latency, pid, name",
	"g               one line for all processes of a name, and back",
	"/               only names that hold what you type; Enter ends it, Esc drops it",
	"Up Down PgUp PgDn Home   move",
	"h ?             this help, and back",
	"q               quit",
	NULL
};

/* The keys for them, which help lists. */
static const char sort_letters[SORT_KEYS] = {
	[SORT_PINS] = 'p', [SORT_UNPINS] = 'u', [SORT_REFUSED] = 'r', [SORT_TABLES] = 't',
	[SORT_LATENCY] = 'l', [SORT_PID] = 'i', [SORT_NAME] = 'n',
};

void view__head(const struct view *v, uint64_t missed, char *text, size_t size)
{
	const struct xp_counts *c = &v->counts;
	uint64_t pins = c->pins[0] + c->pins[1] + c->pins[2] + c->pins[3];

	snprintf(text, size, "%" PRIu64 " pins, %" PRIu64 " unpins, %" PRIu64 " refused, %" PRIu64
		 " trees pinned in %.1f us each, %" PRIu64 " unseen, %" PRIu64 " missed; tables of %u processes: "
		 "%" PRIu64 " KiB", pins, (uint64_t)c->unpins, (uint64_t)c->failed,
		 (uint64_t)c->trees, c->trees ? c->tree_ns / 1e3 / c->trees : 0,
		 (uint64_t)c->unseen, missed, v->total.processes, v->total.bytes / 1024);
}

/* "3 findings at the last audit (2 lost, 1 stale); boot deferred 1989792 pages, ..." */
void view__judgement(const struct metrics *m, char *text, size_t size)
{
	const struct metrics_boot *b = &m->boot;
	const char *flaw = metrics__audit_flaw(m);
	uint64_t n = metrics__findings(m);
	size_t len;

	len = m->has_findings ? snprintf(text, size, "%" PRIu64 " finding%s%s", n,
					 n == 1 ? "" : "s", flaw ? "" : " at the last audit") :
				snprintf(text, size, "findings not known: %s", flaw);
	for (int c = 0; c < FINDING_CLASSES; c++) {
		uint64_t of_class = 0;

		for (int g = 0; g < GRADES; g++)
			of_class += m->findings[c][g];
		if (m->has_findings && of_class && len < size)
			len += snprintf(text + len, size - len, ", %" PRIu64 " %s", of_class,
					finding_classes[c].word);
	}
	if (m->has_findings && flaw && len < size)
		len += snprintf(text + len, size - len, ", but %s", flaw);
	if (b->has_deferred && len < size)
		len += snprintf(text + len, size - len, "; boot deferred struct pages for %.0f ms",
				b->deferred_ns / 1e6);
	if (b->has_log && len < size)
		snprintf(text + len, size - len, ", %" PRIu64 " of them, and erased %" PRIu64
			 " flags, %" PRIu64 " for good", b->deferred_pages, b->erased,
			 b->unrepaired);
}

void view__columns(double seconds, char *text, size_t size)
{
	snprintf(text, size, "%7s %-16s %6s %9s %9s %8s %10s %9s", "PID", "COMMAND", "PROCS",
		 seconds ? "PINS/s" : "PINS", seconds ? "UNPINS/s" : "UNPINS", "REFUSED",
		 "TABLES/K", "PIN/us");
}

void view__line(const struct row *r, double seconds, char *text, size_t size)
{
	snprintf(text, size, "%7u %-16s %6u %9.0f %9.0f %8" PRIu64 " %10" PRIu64 " %9.1f", r->pid,
		 r->comm, r->processes, r->pins / (seconds ?: 1), r->unpins / (seconds ?: 1),
		 r->failed, r->bytes / 1024, row__pin_us(r));
	/* A name is any bytes; a terminal would obey some of them. */
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

int screen__open(void)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return -ENOTTY;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	/* https://no-color.org: set, and not empty. */
	if (!*(getenv("NO_COLOR") ?: "") && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(RED, COLOR_RED, -1);
	}
	return 0;
}

void screen__close(void)
{
	endwin();
}

void screen__resize(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		resizeterm(size.ws_row, size.ws_col);
}

static void draw_help(int y)
{
	for (int i = 0; help[i] && y + i < LINES; i++)
		mvaddnstr(y + i, 0, help[i], COLS);
}

static void draw_rows(struct top *top, int y)
{
	char text[200];

	for (size_t i = top->first; i < top->view.nr && y < LINES; i++, y++) {
		const struct row *row = &top->view.rows[i];

		view__line(row, top->view.seconds, text, sizeof(text));
		if (row->failed)
			attron(COLOR_PAIR(RED) | A_BOLD);
		mvaddnstr(y, 0, text, COLS);
		attrset(A_NORMAL);
	}
}

static void draw_status(const struct top *top)
{
	char text[120];

	snprintf(text, sizeof(text), "by %s%s%s%s%s   h help, q quit", sort_words[top->sort].name,
		 top->group ? ", grouped" : "", *top->filter || top->typing ? ", names with /" : "",
		 top->filter, top->typing ? "_" : "");
	mvaddnstr(2, 0, text, COLS);
}

void screen__draw(struct top *top)
{
	char text[240];

	erase();
	view__head(&top->view, top->missed, text, sizeof(text));
	if (top->view.counts.failed)
		attron(COLOR_PAIR(RED) | A_BOLD);
	mvaddnstr(0, 0, text, COLS);
	attrset(A_NORMAL);
	view__judgement(top->metrics, text, sizeof(text));
	if (metrics__findings(top->metrics) || top->metrics->boot.unrepaired)
		attron(COLOR_PAIR(RED) | A_BOLD);
	mvaddnstr(1, 0, text, COLS);
	attrset(A_NORMAL);
	draw_status(top);
	if (top->help) {
		draw_help(4);
	} else {
		view__columns(top->view.seconds, text, sizeof(text));
		attron(A_REVERSE);
		mvhline(3, 0, ' ', COLS);
		mvaddnstr(3, 0, text, COLS);
		attrset(A_NORMAL);
		draw_rows(top, 4);
	}
	refresh();
}

static void type(struct top *top, int key)
{
	size_t len = strlen(top->filter);

	if (key == '\n' || key == KEY_ENTER) {
		top->typing = false;
	} else if (key == 27) {
		top->typing = false;
		top->filter[0] = 0;
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		top->filter[len ? len - 1 : 0] = 0;
	} else if (key >= ' ' && key <= '~' && len + 1 < sizeof(top->filter)) {
		top->filter[len] = key;
		top->filter[len + 1] = 0;
	}
}

static void move_to(struct top *top, long first)
{
	long last = (long)top->view.nr - 1;

	top->first = first < 0 ? 0 : first > last ? (last > 0 ? last : 0) : first;
}

static void command(struct top *top, int key)
{
	int page = LINES > 5 ? LINES - 5 : 1;

	switch (key) {
	case 'h':
	case '?':
		top->help = !top->help;
		return;
	case 'g':
		top->group = !top->group;
		return;
	case '/':
		top->typing = true;
		top->filter[0] = 0;
		return;
	case KEY_UP:
		move_to(top, (long)top->first - 1);
		return;
	case KEY_DOWN:
		move_to(top, (long)top->first + 1);
		return;
	case KEY_PPAGE:
		move_to(top, (long)top->first - page);
		return;
	case KEY_NPAGE:
		move_to(top, (long)top->first + page);
		return;
	case KEY_HOME:
		move_to(top, 0);
		return;
	}
	for (int i = 0; i < SORT_KEYS; i++)
		if (sort_letters[i] == key)
			top->sort = i;
}

enum screen_key screen__key(struct top *top)
{
	int key = getch();

	if (key == ERR)
		return SCREEN_NOTHING;
	if (top->typing) {
		type(top, key);
		return SCREEN_CHANGED;
	}
	if (key == 'q')
		return SCREEN_QUIT;
	command(top, key);
	return SCREEN_CHANGED;
}
