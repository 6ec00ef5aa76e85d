// SPDX-License-Identifier: GPL-2.0-only
/* xenpin top: who pins now, from counters in the kernel. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/privileges.h"
#include "base/signals.h"
#include "base/xenpin.h"
#include "export/figures.h"
#include "top/screen.h"
#include "trace/probes.h"
#include "options.h"
#include "ready_file.h"
#include "tracing.h"

/* An audit looks at all page tables: once a minute nobody notices. */
#define AUDIT_NS	60000000000ULL

static struct top_options {
	uint32_t interval;	/* seconds */
	bool batch;
	uint32_t sort;		/* enum sort_key */
	bool group;
	const char *part;	/* of names; NULL: of any */
	uint64_t count;		/* 0: no limit */
	const char *ready_file;
	bool verbose;
} given = { .interval = 2 };

static const struct option_row rows[] = {
	{ "interval", 'i', "S", "seconds between refreshes (default 2)",
	  TO_U32(given.interval, 1, 86400) },
	{ "batch", 'b', NULL, "lines for a script instead of a screen", TO_FLAG(given.batch) },
	{ "sort", 's', "KEY", "by pins, unpins, refused, tables, latency, pid or name",
	  TO_WORD(given.sort, sort_words) },
	{ "group", 'g', NULL, "one line for all processes of a name", TO_FLAG(given.group) },
	{ "comm", 'c', "PART", "only names that hold PART", TO_COMM(given.part) },
	{ "count", 'n', "N", "end after N refreshes", TO_COUNT(given.count) },
	READY_FILE_ROW(given.ready_file),
	VERBOSE_ROW(given.verbose),
	{}
};

struct looking {
	const struct top_options *opts;
	struct figures figures;
	uint64_t audited;	/* ns */
	struct top top;
	int signals;		/* signalfd */
	uint64_t shown;		/* refreshes */
};

static int take_reading(struct looking *s)
{
	struct task_counts *tasks;
	struct xp_counts counts;
	int err, n = counters__tasks(s->figures.counters, &tasks);

	if (n < 0)
		return n;
	if (!s->audited || now_ns() - s->audited >= AUDIT_NS) {
		figures__audit(&s->figures);
		s->audited = now_ns();
	}
	counters__read(s->figures.counters, &counts);
	s->top.missed = counters__missed(s->figures.counters);
	err = view__update(&s->top.view, &counts, tasks, n, now_ns());
	free(tasks);
	return err;
}

static void arrange(struct top *top)
{
	view__show(&top->view, top->sort, top->group, top->filter);
}

static int print_batch(struct looking *s)
{
	const struct view *v = &s->top.view;
	char text[240];

	view__head(v, s->top.missed, text, sizeof(text));
	puts(text);
	view__judgement(&s->figures.metrics, text, sizeof(text));
	puts(text);
	view__columns(0, text, sizeof(text));
	puts(text);
	for (size_t i = 0; i < v->nr; i++) {
		view__line(&v->rows[i], 0, text, sizeof(text));
		puts(text);
	}
	putchar('\n');
	return fflush(stdout) || ferror(stdout) ? -(errno ?: EIO) : 0;
}

static int refresh_all(struct looking *s)
{
	int err = take_reading(s);

	if (err)
		return err;
	arrange(&s->top);
	s->shown++;
	if (s->opts->batch)
		return print_batch(s);
	screen__draw(&s->top);
	return 0;
}

/* Returns false when it is over. */
static bool keys(struct looking *s)
{
	enum screen_key key;

	while ((key = screen__key(&s->top)) != SCREEN_NOTHING)
		if (key == SCREEN_QUIT)
			return false;
	arrange(&s->top);
	screen__draw(&s->top);
	return true;
}

/* Of a signal: the size of the window, or the end. */
static bool signaled(struct looking *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGWINCH)
		return false;
	screen__resize();
	screen__draw(&s->top);
	return true;
}

static int follow(struct looking *s)
{
	uint64_t step = s->opts->interval * 1000000000ULL, next = now_ns() + step, now;
	struct pollfd fds[] = { { s->signals, POLLIN }, { STDIN_FILENO, POLLIN } };
	nfds_t nr = s->opts->batch ? 1 : 2;
	int err;

	while (!s->opts->count || s->shown < s->opts->count) {
		now = now_ns();
		if (now < next) {
			if (poll(fds, nr, (next - now) / 1000000 + 1) <= 0)
				continue;
			if (fds[0].revents && !signaled(s))
				return 0;
			if (nr == 2 && fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
				return 0;
			if (nr == 2 && fds[1].revents && !keys(s))
				return 0;
			continue;
		}
		next = now + step;
		err = refresh_all(s);
		if (err)
			return err;
	}
	return 0;
}

/* Of what was found last, and of what was counted. */
static enum exit_status verdict(const struct looking *s)
{
	const char *flaw = metrics__audit_flaw(&s->figures.metrics);

	if (metrics__findings(&s->figures.metrics))
		return EXIT_FINDING;
	if (flaw)
		say("nothing was found, but that proves nothing: %s", flaw);
	return flaw || s->top.missed ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static enum exit_status run(struct looking *s)
{
	enum exit_status status;
	int err = privileges__drop();

	if (err) {
		say("cannot give up capabilities: %s", strerror(-err));
		return EXIT_LOAD;
	}
	s->top.metrics = &s->figures.metrics;
	err = take_reading(s);
	if (!err && !s->opts->batch) {
		err = screen__open();
		if (err) {
			say("this terminal (TERM=%s) cannot be drawn on; try --batch",
			    getenv("TERM") ?: "");
			return EXIT_CANNOT;
		}
		arrange(&s->top);
		screen__draw(&s->top);
	}
	status = err ? EXIT_INCOMPLETE : ready_file__create(s->opts->ready_file);
	err = status ? err : follow(s);
	if (!s->opts->batch)
		screen__close();
	if (err && err != -EPIPE) {
		say("it ends early: %s", strerror(-err));
		return EXIT_INCOMPLETE;
	}
	return status ?: verdict(s);
}

static enum exit_status cmd_top(void)
{
	const struct top_options *opts = &given;
	struct looking s = { .opts = opts, .top = { .sort = opts->sort, .group = opts->group } };
	char why[COUNTERS_WHY], no_audit[AUDIT_REASON_LEN];
	struct platform platform;
	enum exit_status status;

	probes__verbose(opts->verbose);
	if (!tracing__possible(&platform))
		return EXIT_CANNOT;
	s.signals = signals__catch(SIGWINCH);
	if (figures__count(&s.figures, &platform, why)) {
		say("cannot count: %s", why);
		return EXIT_LOAD;
	}
	if (figures__watch(&s.figures, &platform, no_audit))
		say("findings are not shown, it cannot audit: %s", no_audit);
	if (opts->part)
		snprintf(s.top.filter, sizeof(s.top.filter), "%s", opts->part);
	status = run(&s);
	figures__close(&s.figures);
	view__free(&s.top.view);
	close(s.signals);
	return status;
}

const struct command command_top = {
	.name = "top",
	.args = "",
	.what = "who pins now, refreshed",
	.options = rows,
	.run = cmd_top,
};
