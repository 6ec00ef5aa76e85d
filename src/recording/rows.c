// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "model/pins.h"
#include "database.h"
#include "pending.h"
#include "raw.h"
#include "rows.h"

#define CACHED_TASKS	16384	/* a power of two */
#define HASH		0x9e3779b97f4a7c15ULL
#define PIECES		64	/* a transaction: 4 MiB of records */
#define KEPT		1024	/* slots of records whose rows wait */

enum statement { BEGIN, COMMIT, OLDEST, FORGET, TASKS, TASK, STACK, STATEMENTS };

static const char *const statements[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[OLDEST] = "SELECT seq, records FROM raw ORDER BY seq LIMIT 1",
	[FORGET] = "DELETE FROM raw WHERE seq = ?",
	[TASKS] = "SELECT ifnull(max(task), 0) FROM task",
	[TASK] = "INSERT INTO task VALUES (?, ?, ?)",
	[STACK] = "INSERT INTO stack VALUES (?, ?, ?)",
};

/* A table, the rows that wait for it, and what writes them. */
struct target {
	struct pending pending;
	sqlite3_stmt *insert;
};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *stmt[STATEMENTS];
	struct target records[SHAPES], ops;	/* by enum record_shape */
	int64_t tasks;			/* rows so far */
	struct cached_task {
		uint32_t pid;
		int64_t task;		/* 0: free */
		char comm[XP_COMM_LEN];
	} cached_tasks[CACHED_TASKS];
	struct pins *pins;
	int64_t boot;			/* the last record before the stream */
	struct raw raw;
	raw_slot kept[KEPT];
	int err;			/* -errno, the first one */
	char *why;
};

static void fail(struct rows *r, int err, const char *format, ...)
{
	va_list args;

	if (r->err)
		return;
	r->err = err;
	va_start(args, format);
	vsnprintf(r->why, ROWS_WHY, format, args);
	va_end(args);
}

/* Is @rc something else than @wanted? */
static bool failed(struct rows *r, int rc, int wanted)
{
	if (rc != wanted)
		fail(r, database__errno(r->db, rc), "%s", sqlite3_errmsg(r->db));
	return r->err;
}

static void step(struct rows *r, sqlite3_stmt *stmt)
{
	if (!r->err)
		failed(r, sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_reset(stmt);
}

static void add(struct rows *r, struct target *to, struct pending_row row)
{
	int err = pending__add(&to->pending, row);

	if (err)
		fail(r, err, "%s", strerror(-err));
}

/* The row of the record's task; it is made when the cache does not know it (any more). */
static int64_t task_of(struct rows *r, const struct xp_record *rec)
{
	sqlite3_stmt *insert = r->stmt[TASK];
	struct cached_task *task;
	uint64_t key[2];

	memcpy(key, rec->comm, sizeof(key));
	if (!rec->pid && !key[0])
		return 0;
	key[0] = (key[0] ^ key[1] * 31 ^ rec->pid) * HASH;
	task = &r->cached_tasks[key[0] >> 32 & (CACHED_TASKS - 1)];
	if (task->task && task->pid == rec->pid && !memcmp(task->comm, rec->comm, XP_COMM_LEN))
		return task->task;
	task->task = ++r->tasks;
	task->pid = rec->pid;
	memcpy(task->comm, rec->comm, XP_COMM_LEN);
	sqlite3_bind_int64(insert, 1, task->task);
	sqlite3_bind_int64(insert, 2, task->pid);
	sqlite3_bind_text(insert, 3, task->comm, strnlen(task->comm, XP_COMM_LEN), SQLITE_STATIC);
	step(r, insert);
	return task->task;
}

static void add_ops(struct rows *r, const struct xp_record *rec, int64_t seq)
{
	const struct xp_op *op = record__ops(rec);

	for (uint32_t i = 0; i < rec->u.batch.nops; i++, op++)
		add(r, &r->ops, (struct pending_row){
			.seq = seq, .base = op,
			.word = layout__word(&op_layout, op->op),
			.seen = rec->flags & XP_F_RESULT });
}

static void insert_stack(struct rows *r, const struct xp_record *rec, int64_t seq)
{
	const __u64 *stack = record__stack(rec);

	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++) {
		sqlite3_bind_int64(r->stmt[STACK], 1, seq);
		sqlite3_bind_int64(r->stmt[STACK], 2, i);
		sqlite3_bind_int64(r->stmt[STACK], 3, stack[i]);
		step(r, r->stmt[STACK]);
	}
}

static void add_record(struct rows *r, const struct xp_record *rec, int64_t seq)
{
	add(r, &r->records[record__shape(rec)], (struct pending_row){
		.seq = seq, .task = task_of(r, rec), .base = rec, .word = record__kind(rec)->what,
		.seen = rec->flags & XP_F_RESULT });
	if (record__has_ops(rec))
		add_ops(r, rec, seq);
	insert_stack(r, rec, seq);
}

static void write_pending(struct rows *r, struct target *to)
{
	if (to->pending.nr)
		step(r, to->insert);
	to->pending.nr = 0;
}

static void write_all_pending(struct rows *r)
{
	for (int i = 0; i < SHAPES; i++)
		write_pending(r, &r->records[i]);
	write_pending(r, &r->ops);
}

/* What the stream does not say itself: the mm of a release, the level of an unpin. */
static void complete(struct rows *r, struct xp_record *rec, int64_t seq)
{
	int err;

	if (seq <= r->boot)
		return;
	pins__complete(r->pins, rec);
	err = pins__apply(r->pins, rec);
	if (err)
		fail(r, err, "%s", strerror(-err));
}

/* All records of the piece at hand. */
static void add_piece(struct rows *r)
{
	size_t kept = 0;
	const char *flaw;

	for (;;) {
		union raw_record *rec = (void *)r->kept[kept];
		int64_t seq = r->raw.seq;

		if (!raw__unpack(&r->raw, rec, &flaw))
			break;
		complete(r, &rec->head, seq);
		add_record(r, &rec->head, seq);
		kept += rec->head.nslots;
		if (kept + XP_RECORD_SLOTS_MAX <= KEPT)
			continue;
		write_all_pending(r);
		kept = 0;
	}
	write_all_pending(r);
	if (flaw)
		fail(r, -EBADMSG, "it is damaged: record %lld: %s", (long long)r->raw.seq, flaw);
}

/* The oldest piece; false: there is none, or an error. */
static bool take_piece(struct rows *r)
{
	sqlite3_stmt *oldest = r->stmt[OLDEST];
	int rc = sqlite3_step(oldest);

	if (rc == SQLITE_ROW) {
		int64_t seq = sqlite3_column_int64(oldest, 0);
		const char *flaw = raw__open(&r->raw, seq, sqlite3_column_blob(oldest, 1),
					     sqlite3_column_bytes(oldest, 1));

		if (flaw)
			fail(r, -EBADMSG, "it is damaged: record %lld: %s", (long long)seq, flaw);
	} else if (rc != SQLITE_DONE) {
		failed(r, rc, SQLITE_ROW);
	}
	sqlite3_reset(oldest);
	return rc == SQLITE_ROW && !r->err;
}

/* One transaction; false: that was the last one. */
static bool make_some(struct rows *r)
{
	bool more = true;

	step(r, r->stmt[BEGIN]);
	for (int i = 0; i < PIECES && !r->err && (more = take_piece(r)); i++) {
		add_piece(r);
		sqlite3_bind_int64(r->stmt[FORGET], 1, r->raw.first);
		step(r, r->stmt[FORGET]);
	}
	step(r, r->stmt[COMMIT]);
	return more && !r->err;
}

static bool open_target(struct rows *r, struct target *to, const struct layout *layout)
{
	char *sql = layout__insert(layout);
	int rc = pending__open(&to->pending, r->db, layout);

	if (!rc)
		rc = database__prepare(r->db, sql, &to->insert);
	sqlite3_free(sql);
	return !failed(r, rc, SQLITE_OK);
}

static void close_target(struct target *to)
{
	sqlite3_finalize(to->insert);
	pending__close(&to->pending);
}

static bool open_all(struct rows *r, const char *path)
{
	if (failed(r, database__open(&r->db, path), SQLITE_OK))
		return false;
	for (int i = 0; i < SHAPES; i++)
		if (!open_target(r, &r->records[i], &layouts[i]))
			return false;
	if (!open_target(r, &r->ops, &op_layout))
		return false;
	if (failed(r, database__prepare_all(r->db, statements, r->stmt, STATEMENTS), SQLITE_OK) ||
	    failed(r, sqlite3_step(r->stmt[TASKS]), SQLITE_ROW))
		return false;
	r->tasks = sqlite3_column_int64(r->stmt[TASKS], 0);
	sqlite3_reset(r->stmt[TASKS]);
	return true;
}

static void close_all(struct rows *r)
{
	for (int i = 0; i < SHAPES; i++)
		close_target(&r->records[i]);
	close_target(&r->ops);
	database__finalize_all(r->stmt, STATEMENTS);
	if (!r->err)
		database__fold(r->db);
	sqlite3_close(r->db);
}

int rows__make(const char *path, struct pins *pins, int64_t boot, char why[ROWS_WHY])
{
	struct rows *r = calloc(1, sizeof(*r));
	int err;

	if (!r) {
		snprintf(why, ROWS_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	r->pins = pins;
	r->boot = boot;
	r->why = why;
	if (open_all(r, path))
		while (make_some(r))
			if (signals__waiting())
				fail(r, -EINTR, "it was interrupted");
	close_all(r);
	err = r->err;
	free(r);
	return err;
}
