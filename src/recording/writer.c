// SPDX-License-Identifier: GPL-2.0-only
/* Rows into a SQLite database: gathered, then a statement a table, one transaction at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../model/pins.h"
#include "../record.h"
#include "../sink/sink.h"
#include "../symbols.h"
#include "database.h"
#include "writer.h"

#define CACHED_TASKS	16384		/* powers of two */
#define CACHED_SYMBOLS	1024
#define KEPT_BYTES	(64 << 10)	/* records that wait to be written */
#define HASH		0x9e3779b97f4a7c15ULL

struct writer {
	struct database to;
	const struct layout *layout_of[XP_KIND_END];
	const struct word *word_of[XP_KIND_END];
	int64_t seq, tasks;		/* rows so far */
	bool open;			/* a transaction is */
	int err;			/* -errno */
	char error[160];
	struct cached_task {
		uint32_t pid;
		int64_t task;		/* 0: free */
		char comm[XP_COMM_LEN];
	} cached_tasks[CACHED_TASKS];
	uint64_t cached_symbols[CACHED_SYMBOLS];
	size_t kept_bytes;
	uint64_t kept[KEPT_BYTES / 8];
};

static int errno_of(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return sqlite3_system_errno(db) ? -sqlite3_system_errno(db) : -EIO;
	}
}

/* Keep the first error; nothing is written after it. */
static void fail(struct writer *w, int rc)
{
	if (w->err)
		return;
	w->err = errno_of(w->to.db, rc);
	snprintf(w->error, sizeof(w->error), "%s", sqlite3_errmsg(w->to.db));
}

static void step(struct writer *w, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_DONE)
		fail(w, rc);
	sqlite3_reset(stmt);
}

/* Every row is in a transaction, of which there are two a second. */
static bool begin(struct writer *w)
{
	if (!w->open && !w->err) {
		step(w, w->to.plain[PLAIN_BEGIN]);
		w->open = !w->err;
	}
	return !w->err;
}

static void write_rows(struct writer *w, struct pending *pending, sqlite3_stmt *insert)
{
	if (pending->nr && !w->err)
		step(w, insert);
	pending->nr = 0;
}

static void write_pending(struct writer *w)
{
	for (int i = 0; i < LAYOUTS; i++)
		write_rows(w, &w->to.pending[i], w->to.insert[i]);
	write_rows(w, &w->to.pending_op, w->to.insert_op);
	w->kept_bytes = 0;
}

void writer__commit(struct writer *w)
{
	write_pending(w);
	if (w->open && !w->err)
		step(w, w->to.plain[PLAIN_COMMIT]);
	w->open = false;
}

void writer__set_number(struct writer *w, const char *key, int64_t value)
{
	if (!begin(w))
		return;
	sqlite3_bind_text(w->to.plain[PLAIN_SET], 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(w->to.plain[PLAIN_SET], 2, value);
	step(w, w->to.plain[PLAIN_SET]);
}

void writer__set_text(struct writer *w, const char *key, const char *value)
{
	if (!begin(w))
		return;
	sqlite3_bind_text(w->to.plain[PLAIN_SET], 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(w->to.plain[PLAIN_SET], 2, value, -1, SQLITE_STATIC);
	step(w, w->to.plain[PLAIN_SET]);
}

void writer__set_blob(struct writer *w, const char *key, const void *value, size_t size)
{
	if (!begin(w))
		return;
	sqlite3_bind_text(w->to.plain[PLAIN_SET], 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(w->to.plain[PLAIN_SET], 2, value, size, SQLITE_STATIC);
	step(w, w->to.plain[PLAIN_SET]);
}

void writer__set_hook(struct writer *w, const char *name, const char *via, uint64_t delivered,
		      uint64_t lost, uint64_t missed)
{
	sqlite3_stmt *stmt = w->to.plain[PLAIN_HOOK];

	if (!begin(w))
		return;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, via, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, delivered);
	sqlite3_bind_int64(stmt, 4, lost);
	sqlite3_bind_int64(stmt, 5, missed);
	step(w, stmt);
}

/* The row of the record's task; it is made when the cache does not know it (any more). */
static int64_t task_of(struct writer *w, const struct xp_record *rec)
{
	uint64_t key[2];
	struct cached_task *task;

	memcpy(key, rec->comm, sizeof(key));
	if (!rec->pid && !key[0])
		return 0;
	key[0] = (key[0] ^ key[1] * 31 ^ rec->pid) * HASH;
	task = &w->cached_tasks[key[0] >> 32 & (CACHED_TASKS - 1)];
	if (task->task && task->pid == rec->pid && !memcmp(task->comm, rec->comm, XP_COMM_LEN))
		return task->task;
	task->task = ++w->tasks;
	task->pid = rec->pid;
	memcpy(task->comm, rec->comm, XP_COMM_LEN);
	sqlite3_bind_int64(w->to.plain[PLAIN_TASK], 1, task->task);
	sqlite3_bind_int64(w->to.plain[PLAIN_TASK], 2, task->pid);
	sqlite3_bind_text(w->to.plain[PLAIN_TASK], 3, task->comm, strnlen(task->comm, XP_COMM_LEN),
			  SQLITE_STATIC);
	step(w, w->to.plain[PLAIN_TASK]);
	return task->task;
}

static void bind_or_null(sqlite3_stmt *stmt, int i, int64_t n, bool known)
{
	if (known)
		sqlite3_bind_int64(stmt, i, n);
	else
		sqlite3_bind_null(stmt, i);
}

static void add(struct writer *w, struct pending *pending, struct pending_row row)
{
	if (pending__add(pending, row))
		fail(w, SQLITE_NOMEM);
}

static void add_ops(struct writer *w, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);

	for (uint32_t i = 0; i < rec->u.batch.nops; i++, op++) {
		const struct word *word = layout__of_kind(&op_layout, op->op);

		if (word)
			add(w, &w->to.pending_op, (struct pending_row){
				.seq = w->seq, .base = op, .word = word->word,
				.seen = rec->flags & XP_F_RESULT });
	}
}

static void insert_symbol(struct writer *w, uint64_t address, struct symbols *symbols)
{
	uint64_t *cached = &w->cached_symbols[address * HASH >> 54];
	char name[SYMBOL_LEN];

	if (*cached == address || !symbols)
		return;
	*cached = address;
	if (!symbols__name(symbols, address, name, sizeof(name)))
		return;
	sqlite3_bind_int64(w->to.plain[PLAIN_SYMBOL], 1, address);
	sqlite3_bind_text(w->to.plain[PLAIN_SYMBOL], 2, name, -1, SQLITE_STATIC);
	step(w, w->to.plain[PLAIN_SYMBOL]);
}

static void insert_stack(struct writer *w, const struct xp_record *rec, struct symbols *symbols)
{
	const __u64 *stack = record__stack(rec);

	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++) {
		insert_symbol(w, stack[i], symbols);
		sqlite3_bind_int64(w->to.plain[PLAIN_STACK], 1, w->seq);
		sqlite3_bind_int64(w->to.plain[PLAIN_STACK], 2, i);
		sqlite3_bind_int64(w->to.plain[PLAIN_STACK], 3, stack[i]);
		step(w, w->to.plain[PLAIN_STACK]);
	}
}

/* Not SQLite's own creation: a file that is there already may be somebody's. */
static int create_empty(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

struct writer *writer__create(const char *path, int64_t seq)
{
	struct writer *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return NULL;
	/* xenpin has one thread: no locks, a tenth less time. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	w->seq = seq;
	for (int k = 0; k < XP_KIND_END; k++) {
		for (int i = 0; i < LAYOUTS && !w->layout_of[k]; i++) {
			w->word_of[k] = layout__of_kind(&layouts[i], k);
			w->layout_of[k] = w->word_of[k] ? &layouts[i] : NULL;
		}
	}
	w->err = create_empty(path);
	if (w->err) {
		snprintf(w->error, sizeof(w->error), "%s", strerror(-w->err));
		return w;
	}
	rc = database__open(&w->to, path);
	if (rc) {
		fail(w, rc);
		unlink(path);
	}
	return w;
}

int writer__error(const struct writer *w, const char **what)
{
	if (what)
		*what = w->error;
	return w->err;
}

/* A copy that stays until it is written. */
static const struct xp_record *keep(struct writer *w, const struct xp_record *rec)
{
	size_t size = rec->nslots * XP_SLOT;
	void *copy;

	if (w->kept_bytes + size > sizeof(w->kept))
		write_pending(w);
	copy = (void *)w->kept + w->kept_bytes;
	w->kept_bytes += size;
	return memcpy(copy, rec, size);
}

void writer__record(struct writer *w, const struct xp_record *rec, struct symbols *symbols)
{
	const struct layout *layout = rec->kind < XP_KIND_END ? w->layout_of[rec->kind] : NULL;

	if (!layout || !begin(w))
		return;
	rec = keep(w, rec);
	w->seq++;
	add(w, &w->to.pending[layout - layouts], (struct pending_row){
		.seq = w->seq, .task = task_of(w, rec), .base = rec,
		.word = w->word_of[rec->kind]->word, .seen = rec->flags & XP_F_RESULT });
	if (rec->kind == XP_BATCH || rec->kind == XP_DIRECT)
		add_ops(w, rec);
	insert_stack(w, rec, symbols);
}

static void bind_string(sqlite3_stmt *stmt, int i, const char *text)
{
	sqlite3_bind_text(stmt, i, text, -1, SQLITE_TRANSIENT);
}

void writer__finding(struct writer *w, const struct finding *f)
{
	sqlite3_stmt *stmt = w->to.plain[PLAIN_FINDING];
	char text[400], witnesses[80] = "";

	if (!begin(w))
		return;
	for (int i = 0; i < WITNESSES; i++) {
		if (!(f->witnesses & 1 << i))
			continue;
		if (*witnesses)
			strcat(witnesses, ",");
		strcat(witnesses, witness__name(1 << i));
	}
	finding__text(f, text, sizeof(text));
	sqlite3_bind_int64(stmt, 1, f->t);
	bind_string(stmt, 2, finding__class(f));
	bind_string(stmt, 3, finding__grade(f));
	bind_string(stmt, 4, witnesses);
	bind_or_null(stmt, 5, f->pfn, f->pfn != XP_NO_PFN);
	bind_or_null(stmt, 6, f->mfn, f->mfn != XP_NO_PFN);
	sqlite3_bind_int64(stmt, 7, f->level);
	sqlite3_bind_int64(stmt, 8, f->mm);
	sqlite3_bind_int64(stmt, 9, f->pid);
	sqlite3_bind_text(stmt, 10, f->comm, strnlen(f->comm, XP_COMM_LEN), SQLITE_TRANSIENT);
	bind_string(stmt, 11, finding__effect(f));
	bind_string(stmt, 12, text);
	step(w, stmt);
}

void writer__boot_gap(struct writer *w, const char *text)
{
	if (!begin(w))
		return;
	bind_string(w->to.plain[PLAIN_BOOT_GAP], 1, text);
	step(w, w->to.plain[PLAIN_BOOT_GAP]);
}

int64_t writer__seq(const struct writer *w)
{
	return w->seq;
}

uint64_t writer__bytes(const struct writer *w)
{
	sqlite3_stmt *stmt;
	uint64_t bytes = 0;

	if (sqlite3_prepare_v2(w->to.db, "SELECT page_count * page_size FROM pragma_page_count(), "
				      "pragma_page_size()", -1, &stmt, NULL))
		return 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		bytes = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return bytes;
}

void writer__close(struct writer *w)
{
	if (!w)
		return;
	writer__commit(w);
	database__close(&w->to, !w->err);
	free(w);
}
