// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of all tables, merged by seq, as records; then those that have no rows yet.
 *
 * The file comes from somebody else: SQL in it is not trusted, every value is
 * checked, and a record that is missing between two others is damage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "record/records.h"
#include "database.h"
#include "recording_file.h"

#define BUSY_MS		500	/* a writer that ends, or folds its log, is waited for */
#define PROGRESS_STEPS	10000	/* of SQLite's machine: well below a millisecond */

/* Go on to the next row. */
static int advance(struct recording *r, struct cursor *c)
{
	int64_t before = c->seq;
	int rc = sqlite3_step(c->rows);

	if (rc == SQLITE_DONE) {
		c->seq = INT64_MAX;
		return 0;
	}
	if (rc != SQLITE_ROW)
		return recording__failed(r, rc);
	c->seq = sqlite3_column_int64(c->rows, 0);
	if (c->seq < before || c->seq == INT64_MAX)
		return recording__damaged(r, "it is damaged: record %lld follows %lld",
					  (long long)c->seq, (long long)before);
	return 0;
}

static int get_task(struct recording *r, int64_t task, struct xp_record *rec)
{
	const unsigned char *comm;
	int rc;

	sqlite3_bind_int64(r->task, 1, task);
	rc = sqlite3_step(r->task);
	if (rc != SQLITE_ROW) {
		sqlite3_reset(r->task);
		return rc == SQLITE_DONE
			       ? recording__damaged(r, "it is damaged: task %lld is missing",
						    (long long)task)
			       : recording__failed(r, rc);
	}
	rec->pid = sqlite3_column_int64(r->task, 0);
	comm = sqlite3_column_text(r->task, 1);
	if (comm)
		memcpy(rec->comm, comm, strnlen((const char *)comm, XP_COMM_LEN));
	sqlite3_reset(r->task);
	return 0;
}

static int put_number(struct recording *r, const struct column *c, void *at, int64_t n)
{
	if (c->size < 8 && (n < 0 || n >> 8 * c->size))
		return recording__damaged(r, "it is damaged: %s is %lld in record %lld", c->name,
					  (long long)n, (long long)r->seq);
	memcpy(at, &n, c->size); /* little endian, as all of record.h */
	return 0;
}

static int put_signed(struct recording *r, const struct column *c, int16_t *at, int64_t n)
{
	*at = n;
	return *at == n ? 0 : recording__damaged(r, "it is damaged: %s is %lld in record %lld", c->name,
						 (long long)n, (long long)r->seq);
}

/* One column of the row into @base, which is the record or one of its operations. */
static int get_column(struct recording *r, struct cursor *cursor, int i, void *base)
{
	const struct column *c = &cursor->layout->columns[i];
	const char *text;
	uint8_t kind;

	i++; /* seq */
	switch (c->as) {
	case AS_TASK:
		if (sqlite3_column_type(cursor->rows, i) == SQLITE_NULL)
			return 0;
		return get_task(r, sqlite3_column_int64(cursor->rows, i), base);
	case AS_WORD:
		text = (const char *)sqlite3_column_text(cursor->rows, i);
		kind = layout__kind(cursor->layout, text ?: "");
		if (!kind)
			return recording__damaged(
				r, "it is damaged: '%s' is no word of %s, in record %lld",
				text ?: "", cursor->layout->name, (long long)r->seq);
		*(uint8_t *)(base + c->at) = kind;
		return 0;
	case AS_PROBE:
		text = (const char *)sqlite3_column_text(cursor->rows, i);
		return put_number(r, c, base + c->at, record__probe_named(text ?: ""));
	case AS_KNOWN:
		if (sqlite3_column_type(cursor->rows, i) != SQLITE_NULL)
			break;
		memset(base + c->at, 0xff, c->size);
		return 0;
	case AS_SIGNED:
		return put_signed(r, c, base + c->at, sqlite3_column_int64(cursor->rows, i));
	case AS_SEEN: /* NULL reads as 0 */
	case AS_NUMBER:
		break;
	}
	return put_number(r, c, base + c->at, sqlite3_column_int64(cursor->rows, i));
}

static int get_row(struct recording *r, struct cursor *cursor, void *base)
{
	int err = 0;

	for (int i = 0; !err && cursor->layout->columns[i].name; i++)
		err = get_column(r, cursor, i, base);
	return err;
}

static int get_stack(struct recording *r, struct xp_record *rec)
{
	__u64 *stack = (__u64 *)(rec + 1);
	int err = 0;

	if (!(rec->flags & XP_F_STACK))
		return 0;
	for (int i = 0; !err && r->stacks.seq == r->seq; i++) {
		if (i == XP_STACK_MAX)
			return recording__damaged(
				r, "it is damaged: the stack of record %lld is too long",
				(long long)r->seq);
		stack[i] = sqlite3_column_int64(r->stacks.rows, 1);
		err = advance(r, &r->stacks);
	}
	return err;
}

static int get_ops(struct recording *r, struct xp_record *rec)
{
	struct xp_op *op = record__ops(rec);
	int err = 0;

	for (; !err && r->ops.seq == r->seq; rec->u.batch.nops++) {
		if (rec->u.batch.nops == XP_OPS_MAX)
			return recording__damaged(
				r, "it is damaged: batch %lld has too many operations",
				(long long)r->seq);
		err = get_row(r, &r->ops, op);
		if (!err && op->level > XP_L4)
			err = recording__damaged(r, "it is damaged: batch %lld has a level %d",
						 (long long)r->seq, op->level);
		if (!err)
			err = advance(r, &r->ops);
		op++;
	}
	return err;
}

/* The record at @c, whole. */
static int get_record(struct recording *r, struct cursor *c)
{
	struct xp_record *rec = &r->rec.head;
	int err;

	if (c->seq != r->seq + 1)
		return recording__damaged(r, "it is damaged: record %lld is missing",
					  (long long)r->seq + 1);
	r->seq = c->seq;
	memset(&r->rec, 0, sizeof(r->rec));
	err = get_row(r, c, rec);
	if (!err && rec->level > XP_L4)
		err = recording__damaged(r, "it is damaged: record %lld has level %d",
					 (long long)r->seq, rec->level);
	if (!err && !is_time(rec->t))
		err = recording__damaged(r, "it is damaged: record %lld is of no possible time",
					 (long long)r->seq);
	if (!err && rec->kind == XP_REFUSED && rec->u.refused.result >= 0)
		err = recording__damaged(r, "it is damaged: Xen did not refuse what record %lld tells of",
					 (long long)r->seq);
	if (!err)
		err = get_stack(r, rec);
	if (!err && record__has_ops(rec))
		err = get_ops(r, rec);
	if (!err && (r->ops.seq <= r->seq || r->stacks.seq <= r->seq))
		err = recording__damaged(r, "it is damaged: something belongs to record %lld "
					 "that it cannot have", (long long)r->seq);
	rec->seq = r->seq;
	rec->nslots = record__slots(rec);
	return err ?: advance(r, c);
}

static struct cursor *first_of(struct recording *r)
{
	struct cursor *first = &r->records[0];

	for (int i = 1; i < SHAPES; i++)
		if (r->records[i].seq < first->seq)
			first = &r->records[i];
	return first;
}

/* The piece that @r->pieces is at. */
static int read_piece(struct recording *r, record_fn fn, void *context)
{
	int64_t seq = sqlite3_column_int64(r->pieces, 0);
	const char *flaw;

	if (seq != r->seq + 1)
		return recording__damaged(r, "it is damaged: record %lld is missing",
					  (long long)r->seq + 1);
	flaw = raw__open(&r->raw, seq, sqlite3_column_blob(r->pieces, 1),
			 sqlite3_column_bytes(r->pieces, 1));
	while (!flaw && !r->stopped && raw__unpack(&r->raw, &r->rec, &flaw)) {
		r->seq++;
		fn(context, &r->rec.head);
		if (signals__waiting_at(r->seq))
			return recording__failed(r, SQLITE_INTERRUPT);
	}
	return flaw ? recording__damaged(r, "it is damaged: record %lld: %s",
					 (long long)r->seq + 1, flaw) : 0;
}

static int read_pieces(struct recording *r, record_fn fn, void *context)
{
	int err = 0, rc = SQLITE_ROW;

	while (!err && !r->stopped && (rc = sqlite3_step(r->pieces)) == SQLITE_ROW)
		err = read_piece(r, fn, context);
	return err ?: r->stopped || rc == SQLITE_DONE ? 0 : recording__failed(r, rc);
}

int recording__read(struct recording *r, record_fn fn, void *context, char why[RECORDING_WHY])
{
	int err = 0;

	r->why = why;
	while (!err && !r->stopped) {
		struct cursor *c = first_of(r);

		if (c->seq == INT64_MAX)
			break;
		err = get_record(r, c);
		if (!err)
			fn(context, &r->rec.head);
		if (!err && signals__waiting_at(r->seq))
			err = recording__failed(r, SQLITE_INTERRUPT);
	}
	return err ?: read_pieces(r, fn, context);
}

static int open_cursor(struct recording *r, struct cursor *c, char *sql)
{
	int err = recording__prepare(r, sql, &c->rows);

	sqlite3_free(sql);
	return err ?: advance(r, c);
}

static int open_cursors(struct recording *r)
{
	int err = 0;

	for (int i = 0; !err && i < SHAPES; i++) {
		r->records[i].layout = &layouts[i];
		err = open_cursor(r, &r->records[i], layout__select(&layouts[i]));
	}
	r->ops.layout = &op_layout;
	if (!err)
		err = open_cursor(r, &r->ops, layout__select(&op_layout));
	if (!err)
		err = open_cursor(r, &r->stacks,
				  sqlite3_mprintf("SELECT seq, address FROM stack ORDER BY rowid"));
	if (!err)
		err = recording__prepare(r, "SELECT pid, comm FROM task WHERE task = ?", &r->task);
	if (!err)
		err = recording__prepare(r, "SELECT seq, records FROM raw ORDER BY seq", &r->pieces);
	if (!err)
		err = recording__prepare(r, "SELECT name FROM symbol WHERE address = ?",
					 &r->symbol);
	return err;
}

/* Whatever SQLite does, for however long: a signal interrupts it, and a deadline. */
static int on_progress(void *context)
{
	const struct recording *r = context;

	return signals__waiting() || (r->deadline && now_ns() > r->deadline);
}

static int open_database(struct recording *r, const char *path)
{
	int rc = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY, NULL);

	if (rc)
		return recording__failed(r, rc);
	database__distrust(r->db);
	sqlite3_progress_handler(r->db, PROGRESS_STEPS, on_progress, r);
	sqlite3_busy_timeout(r->db, BUSY_MS);
	/* One transaction: a recorder may still be writing. */
	rc = sqlite3_exec(r->db, "PRAGMA cell_size_check = ON; BEGIN", NULL, NULL, NULL);
	if (rc)
		return recording__failed(r, rc);
	return recording__read_facts(r) ?: open_cursors(r);
}

bool recording__is_running(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

int recording__open(struct recording **out, const char *path, char why[RECORDING_WHY])
{
	struct recording *r;
	int err;

	if (access(path, R_OK)) {
		err = -errno;
		snprintf(why, RECORDING_WHY, "%s", strerror(-err));
		return err;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		snprintf(why, RECORDING_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	r->why = why;
	r->info.first_seq = 1;
	r->info.platform.guest = GUEST_PV;
	/* From here to its first record there is little to read, whatever the file's size. */
	r->deadline = now_ns() + OPEN_S * 1000000000ULL;
	err = open_database(r, path);
	r->deadline = 0;
	if (err) {
		recording__close(r);
		return err;
	}
	r->info.session.platform = &r->info.platform;
	r->seq = r->info.first_seq - 1;
	*out = r;
	return 0;
}

int64_t recording__seq(const struct recording *r)
{
	return r->seq;
}

void recording__stop(struct recording *r)
{
	r->stopped = true;
}

const struct recording_info *recording__info(const struct recording *r)
{
	return &r->info;
}

void recording__close(struct recording *r)
{
	if (!r)
		return;
	for (int i = 0; i < SHAPES; i++)
		sqlite3_finalize(r->records[i].rows);
	sqlite3_finalize(r->ops.rows);
	sqlite3_finalize(r->stacks.rows);
	sqlite3_finalize(r->task);
	sqlite3_finalize(r->symbol);
	sqlite3_finalize(r->pieces);
	sqlite3_close(r->db);
	free(r);
}
