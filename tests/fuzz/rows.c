// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sound database whose rows are anything: for what stands behind SQLite's own
 * checks, to which changed bytes hardly ever come.
 *
 * A row is a byte that chooses the table, then its values: a byte that chooses
 * the kind, then what that takes.  Every record's seq is the next number, unless
 * the table's byte is odd.  What has no rows gets some in the end.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

#include "recording/layout.h"
#include "recording/writer.h"
#include "report.h"

#define COLUMNS_MAX	19

/* All tables of a recording; seeds.py counts on their order. */
static const char *const tables[] = {
	"batch", "op", "page_table", "mm", "flag", "boot", "dropped", "refused", "task", "stack",
	"recording", "probe", "symbol", "boot_gap", "raw", "finding",
};

#define TABLES	(sizeof(tables) / sizeof(*tables))
#define OP	1		/* rows begin with the seq of the batch before */
#define RECORDS	8		/* so many tables begin with a record's seq */
#define RAW	14		/* with that of the next record */

static int columns[TABLES];	/* those that take a value */

static const char *const words[] = {
	"flush", "unbatched", "alloc", "release", "pin", "unpin", "set", "clear", "erased", "repaired",
	"handover-begin", "handover-end", "hook-begin", "hook-end", "deferred-begin",
	"deferred-end", "deferred-range", "takeover", "dropped", "pgd_pin", "kernel", "end",
	"complete", "frames", "begin_ns", "end_ns", "first_seq", "boot_records", "boot_log",
	"boot_ns", "missed", "filtered", "vcpus", "realtime_offset_ns", "boot_early", "none", "refused",
};

#define WORDS (sizeof(words) / sizeof(*words))

struct input {
	const uint8_t *at, *end;
};

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes && in->at < in->end; i++)
		n |= (uint64_t)*in->at++ << 8 * i;
	return n;
}

static void bind_value(struct input *in, sqlite3_stmt *row, int i)
{
	uint8_t kind = take(in, 1);
	size_t n;

	switch (kind % 8) {
	case 0:
		sqlite3_bind_int64(row, i, kind / 8);
		return;
	case 1:
		sqlite3_bind_int64(row, i, take(in, 2));
		return;
	case 2:
		sqlite3_bind_int64(row, i, take(in, 8));
		return;
	case 3:
		sqlite3_bind_null(row, i);
		return;
	case 4:
		sqlite3_bind_double(row, i, (double)take(in, 4));
		return;
	case 5:
		n = kind / 8;
		n = n < (size_t)(in->end - in->at) ? n : (size_t)(in->end - in->at);
		sqlite3_bind_text(row, i, (const char *)in->at, n, SQLITE_TRANSIENT);
		in->at += n;
		return;
	case 6:
		n = take(in, 2);
		n = n < (size_t)(in->end - in->at) ? n : (size_t)(in->end - in->at);
		sqlite3_bind_blob(row, i, in->at, n, SQLITE_TRANSIENT);
		in->at += n;
		return;
	case 7:
		sqlite3_bind_text(row, i, words[take(in, 1) % WORDS], -1, SQLITE_STATIC);
		return;
	}
}

/* Columns that are computed, which are the last ones, take no value: @columns is how many do. */
static sqlite3_stmt *prepare(sqlite3 *db, const char *table, int columns)
{
	char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO %s VALUES (?%s)", table,
				    &",?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"[2 * (COLUMNS_MAX - columns)]);
	sqlite3_stmt *stmt = NULL;

	sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	sqlite3_free(sql);
	return stmt;
}

static int count_columns(sqlite3 *db, const char *table)
{
	for (int columns = COLUMNS_MAX; columns; columns--) {
		sqlite3_stmt *row = prepare(db, table, columns);

		sqlite3_finalize(row);
		if (row)
			return columns;
	}
	abort();
}

/* Ends the program where `tables` no longer names each table of a recording. */
static void count_all_columns(sqlite3 *db)
{
	sqlite3_stmt *count;

	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", -1, &count,
			       NULL) ||
	    sqlite3_step(count) != SQLITE_ROW || sqlite3_column_int(count, 0) != TABLES)
		abort();
	sqlite3_finalize(count);
	for (size_t i = 0; i < TABLES; i++)
		columns[i] = count_columns(db, tables[i]);
}

/* An empty recording, as the real writer makes it, but in small pages. */
static void *make_empty(size_t *size)
{
	const char *path = file_of("", 0);
	struct writer *writer;
	sqlite3 *db;
	void *data;
	int fd;

	remove_files();
	writer = writer__create(path, 0, 0600);
	if (!writer || writer__error(writer, NULL))
		abort();
	writer__close(writer);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) ||
	    sqlite3_exec(db, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM", NULL, NULL, NULL))
		abort();
	count_all_columns(db);
	sqlite3_close(db);
	fd = open(path, O_RDONLY);
	*size = lseek(fd, 0, SEEK_END);
	data = malloc(*size);
	if (pread(fd, data, *size, 0) != (ssize_t)*size)
		abort();
	close(fd);
	return data;
}

static void insert_row(sqlite3 *db, struct input *in, sqlite3_stmt *rows[TABLES], int64_t *seq)
{
	uint8_t which = take(in, 1);
	int table = which / 2 % TABLES;

	if (!rows[table])
		rows[table] = prepare(db, tables[table], columns[table]);
	for (int i = 1; i <= columns[table]; i++)
		bind_value(in, rows[table], i);
	if (table < RECORDS && !(which & 1))
		sqlite3_bind_int64(rows[table], 1, table == OP ? *seq : ++*seq);
	else if (table == RAW && !(which & 1))
		sqlite3_bind_int64(rows[table], 1, *seq + 1);
	sqlite3_step(rows[table]);
	sqlite3_reset(rows[table]);
}

static void insert_rows(sqlite3 *db, struct input *in)
{
	sqlite3_stmt *rows[TABLES] = {};
	int64_t seq = 0;

	sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN", NULL, NULL,
		     NULL);
	while (in->at < in->end)
		insert_row(db, in, rows, &seq);
	for (size_t i = 0; i < TABLES; i++)
		sqlite3_finalize(rows[i]);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	static void *empty;
	static size_t empty_size;
	const char *path;
	sqlite3 *db;

	if (!empty)
		empty = make_empty(&empty_size);
	path = file_of(empty, empty_size);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL))
		abort();
	insert_rows(db, &in);
	sqlite3_close(db);
	make_reports(path);
	finish(path);
	return 0;
}
