/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal of `top`. */
#ifndef XENPIN_TOP_SCREEN_H
#define XENPIN_TOP_SCREEN_H

#include "output/metrics.h"
#include "view.h"

struct top {
	struct view view;
	enum sort_key sort;
	bool group, help, typing;	/* typing: a filter is being entered */
	char filter[16];
	size_t first;			/* row on the screen's first line */
	uint64_t missed;
	const struct metrics *metrics;	/* of the last audit, and of the boot */
};

/* 0, or -errno: the terminal is not known. */
int screen__open(void);
void screen__close(void);
void screen__draw(struct top *top);

/* The window has another size now. */
void screen__resize(void);

enum screen_key { SCREEN_NOTHING, SCREEN_CHANGED, SCREEN_QUIT };

/* A key that was typed, if any. */
enum screen_key screen__key(struct top *top);

/*
 * The lines, for --batch too: a head, what was found, the columns' names, and one line a row.
 * @seconds: of what pins and unpins are shown by second; 0: show their number.
 */
void view__head(const struct view *view, uint64_t missed, char *text, size_t size);
void view__judgement(const struct metrics *metrics, char *text, size_t size);
void view__columns(double seconds, char *text, size_t size);
void view__line(const struct row *row, double seconds, char *text, size_t size);

#endif
