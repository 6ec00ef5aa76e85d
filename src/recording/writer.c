// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records as they came into a SQLite database, and what stands beside them: one
 * transaction at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/symbols.h"
#include "model/pins.h"
#include "record/hypercalls.h"
#include "database.h"
#include "layout.h"
#include "raw.h"
#include "writer.h"

#define CACHED_SYMBOLS	1024		/* a power of two */
#define HASH		0x9e3779b97f4a7c15ULL
#define ROW_BYTES	40		/* of a recording of forks: 37, its indexes included */

enum statement {
	BEGIN, COMMIT, RAW, SYMBOL, SET, FINDING, FORGET_FINDINGS, BOOT_GAP, PROBE, STATEMENTS
};

static const char *const statements[STATEMENTS] = {
	[BEGIN] = "BEGIN",
	[COMMIT] = "COMMIT",
	[RAW] = "INSERT INTO raw VALUES (?, ?)",
	[SYMBOL] = "INSERT OR IGNORE INTO symbol VALUES (?, ?)",
	[SET] = "INSERT OR REPLACE INTO recording VALUES (?, ?)",
	[FINDING] = finding_insert,
	[FORGET_FINDINGS] = "DELETE FROM finding",
	[BOOT_GAP] = "INSERT INTO boot_gap VALUES (?)",
	[PROBE] = "INSERT OR REPLACE INTO probe VALUES (?, ?, ?, ?, ?)",
};

struct writer {
	sqlite3 *db;
	int lock;			/* database__lock(), or -1 */
	sqlite3_stmt *stmt[STATEMENTS];
	bool open;			/* a transaction is */
	int err;			/* -errno */
	char error[160];
	uint64_t cached_symbols[CACHED_SYMBOLS];
	struct raw raw;			/* what is not written yet */
	uint64_t raw_bytes;		/* written, and not committed */
	uint64_t rows;			/* that there will be */
};

/* Keep the first error; nothing is written after it. */
static void fail(struct writer *w, int rc)
{
	if (w->err)
		return;
	w->err = database__errno(w->db, rc);
	snprintf(w->error, sizeof(w->error), "%s", sqlite3_errmsg(w->db));
}

static void step(struct writer *w, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_DONE)
		fail(w, rc);
	sqlite3_reset(stmt);
}

/* Everything is in a transaction, of which there are two a second. */
static bool begin(struct writer *w)
{
	if (!w->open && !w->err) {
		step(w, w->stmt[BEGIN]);
		w->open = !w->err;
	}
	return !w->err;
}

static void write_raw(struct writer *w)
{
	struct raw *raw = &w->raw;

	if (!raw->bytes || !begin(w))
		return;
	sqlite3_bind_int64(w->stmt[RAW], 1, raw->first);
	sqlite3_bind_blob(w->stmt[RAW], 2, raw->piece, raw->bytes, SQLITE_STATIC);
	step(w, w->stmt[RAW]);
	w->raw_bytes += raw->bytes;
	raw__clear(raw);
}

void writer__commit(struct writer *w)
{
	write_raw(w);
	if (w->open && !w->err)
		step(w, w->stmt[COMMIT]);
	w->open = false;
	w->raw_bytes = 0;
}

void writer__checkpoint(struct writer *w)
{
	int rc = SQLITE_OK;

	writer__commit(w);
	if (!w->err)
		rc = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc && (rc & 0xff) != SQLITE_BUSY)
		fail(w, rc);
}

void writer__set_number(struct writer *w, const char *key, int64_t value)
{
	if (!begin(w))
		return;
	sqlite3_bind_text(w->stmt[SET], 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(w->stmt[SET], 2, value);
	step(w, w->stmt[SET]);
}

void writer__set_text(struct writer *w, const char *key, const char *value)
{
	if (!begin(w))
		return;
	sqlite3_bind_text(w->stmt[SET], 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(w->stmt[SET], 2, value, -1, SQLITE_STATIC);
	step(w, w->stmt[SET]);
}

void writer__set_blob(struct writer *w, const char *key, const void *value, size_t size)
{
	if (!begin(w))
		return;
	sqlite3_bind_text(w->stmt[SET], 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(w->stmt[SET], 2, value, size, SQLITE_STATIC);
	step(w, w->stmt[SET]);
}

void writer__set_probe(struct writer *w, const char *name, const char *via, uint64_t delivered,
		      uint64_t dropped, uint64_t missed)
{
	sqlite3_stmt *stmt = w->stmt[PROBE];

	if (!begin(w))
		return;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, via, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, delivered);
	sqlite3_bind_int64(stmt, 4, dropped);
	sqlite3_bind_int64(stmt, 5, missed);
	step(w, stmt);
}

static void bind_or_null(sqlite3_stmt *stmt, int i, int64_t n, bool known)
{
	if (known)
		sqlite3_bind_int64(stmt, i, n);
	else
		sqlite3_bind_null(stmt, i);
}

static void insert_symbol(struct writer *w, uint64_t address, struct symbols *symbols)
{
	uint64_t *cached = &w->cached_symbols[address * HASH >> 54];
	char name[SYMBOL_LEN];

	if (*cached == address)
		return;
	*cached = address;
	if (!symbols__name(symbols, address, name, sizeof(name)))
		return;
	sqlite3_bind_int64(w->stmt[SYMBOL], 1, address);
	sqlite3_bind_text(w->stmt[SYMBOL], 2, name, -1, SQLITE_STATIC);
	step(w, w->stmt[SYMBOL]);
}

static void insert_symbols(struct writer *w, const __u64 *stack, struct symbols *symbols)
{
	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++, w->rows++)
		insert_symbol(w, stack[i], symbols);
}

static struct writer *new_writer(int64_t seq)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	/* xenpin has one thread: no locks, a tenth less time. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	w->lock = -1;
	w->raw.seq = seq + 1;
	raw__clear(&w->raw);
	return w;
}

static int prepare_all(struct writer *w)
{
	return database__prepare_all(w->db, statements, w->stmt, STATEMENTS);
}

/* SQLite leaves its log, when there was no room to write it to the file. */
static void remove_all(struct writer *w, const char *path)
{
	char beside[PATH_MAX];

	database__finalize_all(w->stmt, STATEMENTS);
	memset(w->stmt, 0, sizeof(w->stmt));
	sqlite3_close(w->db);
	w->db = NULL;
	unlink(path);
	for (const char **suffix = (const char *[]){ "-wal", "-shm", NULL }; *suffix; suffix++) {
		snprintf(beside, sizeof(beside), "%s%s", path, *suffix);
		unlink(beside);
	}
}

struct writer *writer__create(const char *path, int64_t seq, mode_t mode)
{
	struct writer *w = new_writer(seq);
	int rc;

	if (!w)
		return NULL;
	/* Not SQLite's own creation: a file that is there already may be somebody's. */
	w->lock = database__lock(path, O_CREAT | O_EXCL);
	if (w->lock < 0) {
		w->err = w->lock;
		snprintf(w->error, sizeof(w->error), "%s", strerror(-w->err));
		return w;
	}
	/* SQLite gives the files beside it the same mode. */
	rc = fchmod(w->lock, mode) ? SQLITE_PERM : database__create(&w->db, path) ?: prepare_all(w);
	if (rc) {
		fail(w, rc);
		remove_all(w, path);
	}
	return w;
}

struct writer *writer__open(const char *path)
{
	struct writer *w = new_writer(0);
	int rc;

	if (!w)
		return NULL;
	rc = database__open(&w->db, path) ?: prepare_all(w);
	if (rc)
		fail(w, rc);
	return w;
}

int writer__forget_end(const char *path)
{
	return database__exec_in_place(path, "UPDATE recording SET value = '' WHERE key = 'end'") ?
		       -EIO : 0;
}

int writer__error(const struct writer *w, const char **what)
{
	if (what)
		*what = w->error;
	return w->err;
}

void writer__record(struct writer *w, const struct xp_record *rec, struct symbols *symbols)
{
	if (w->err)
		return;
	if (!raw__pack(&w->raw, rec)) {
		write_raw(w);
		raw__pack(&w->raw, rec);
	}
	w->rows++;
	if (rec->kind == XP_BATCH || rec->kind == XP_UNBATCHED)
		w->rows += rec->u.batch.nops;
	if (symbols)
		insert_symbols(w, record__stack(rec), symbols);
}

static void bind_string(sqlite3_stmt *stmt, int i, const char *text)
{
	sqlite3_bind_text(stmt, i, text, -1, SQLITE_TRANSIENT);
}

/* What Xen refused, if it refused something: a pin or unpin, or an entry that had a record of its own. */
static void bind_what(sqlite3_stmt *stmt, const struct finding *f)
{
	const struct xp_refused *r = &f->refused;
	const char *op = f->op ? layout__word(&op_layout, f->op) :
			 r->result ? hypercall__name(r->hypercall) : NULL;

	if (op)
		bind_string(stmt, FINDING_op, op);
	else
		sqlite3_bind_null(stmt, FINDING_op);
	bind_or_null(stmt, FINDING_hypercall, r->hypercall, r->result);
	bind_or_null(stmt, FINDING_command, r->command, r->result);
	bind_or_null(stmt, FINDING_count, r->count, r->result);
	bind_or_null(stmt, FINDING_arg0, r->args[0], r->result);
	bind_or_null(stmt, FINDING_arg1, r->args[1], r->result);
}

void writer__finding(struct writer *w, const struct finding *f)
{
	sqlite3_stmt *stmt = w->stmt[FINDING];
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
	sqlite3_bind_int64(stmt, FINDING_t, f->t);
	bind_string(stmt, FINDING_class, finding__class(f));
	bind_string(stmt, FINDING_grade, finding__grade(f));
	bind_string(stmt, FINDING_witnesses, witnesses);
	bind_or_null(stmt, FINDING_pfn, f->pfn, f->pfn != XP_NO_PFN);
	bind_or_null(stmt, FINDING_mfn, f->mfn, f->mfn != XP_NO_PFN);
	sqlite3_bind_int64(stmt, FINDING_level, f->level);
	sqlite3_bind_int64(stmt, FINDING_mm, f->mm);
	sqlite3_bind_int64(stmt, FINDING_pid, f->pid);
	sqlite3_bind_text(stmt, FINDING_comm, f->comm, strnlen(f->comm, XP_COMM_LEN), SQLITE_TRANSIENT);
	bind_string(stmt, FINDING_effect, finding__effect(f));
	bind_string(stmt, FINDING_text, text);
	bind_what(stmt, f);
	sqlite3_bind_int64(stmt, FINDING_result, f->result);
	step(w, stmt);
}

void writer__forget_findings(struct writer *w)
{
	if (begin(w))
		step(w, w->stmt[FORGET_FINDINGS]);
}

void writer__boot_gap(struct writer *w, const char *text)
{
	if (!begin(w))
		return;
	bind_string(w->stmt[BOOT_GAP], 1, text);
	step(w, w->stmt[BOOT_GAP]);
}

int64_t writer__seq(const struct writer *w)
{
	return w->raw.seq - 1;
}

uint64_t writer__bytes(const struct writer *w)
{
	return w->rows * ROW_BYTES;
}

bool writer__fold(struct writer *w)
{
	int rc;

	writer__commit(w);
	if (w->err)
		return false;
	rc = database__fold(w->db);
	if (rc && (rc & 0xff) != SQLITE_BUSY)
		fail(w, rc);
	return !rc;
}

uint64_t writer__uncommitted(const struct writer *w)
{
	return w->raw_bytes + w->raw.bytes;
}

void writer__close(struct writer *w)
{
	if (!w)
		return;
	writer__commit(w);
	database__finalize_all(w->stmt, STATEMENTS);
	sqlite3_close(w->db);
	if (w->lock >= 0)
		close(w->lock);
	free(w);
}
