/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows that wait to be written, as a virtual table that SQLite reads: many with
 * one statement, where a statement for each row takes half as long again.
 */
#ifndef XENPIN_PENDING_H
#define XENPIN_PENDING_H

#include <stdbool.h>

#include "layout.h"

struct pending_row {
	int64_t seq, task;	/* .task 0: NULL */
	const void *base;	/* struct xp_record or struct xp_op; stays where it is */
	const char *word;
	bool seen;		/* columns that are AS_SEEN are not NULL */
};

struct pending {
	const struct layout *layout;
	struct pending_row *rows;
	size_t nr, room;
};

/* The table "pending_NAME" of @db.  Returns 0 or SQLite's code. */
int pending__open(struct pending *pending, sqlite3 *db, const struct layout *layout);
void pending__close(struct pending *pending);

/* Returns 0 or -ENOMEM. */
int pending__add(struct pending *pending, struct pending_row row);

#endif
