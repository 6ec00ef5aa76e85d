// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of all tables, merged by seq, as records.
 *
 * The file comes from somebody else: SQL in it is not trusted, every value is
 * checked, and a record that is missing between two others is damage.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../record.h"
#include "../recording/layout.h"
#include "hooks.h"
#include "recording.h"

/* Rows of one table, of which the first one not handed over is at hand. */
struct cursor {
	sqlite3_stmt *rows;
	const struct layout *layout;	/* NULL: of `stack` */
	int64_t seq;			/* INT64_MAX: there are no more */
};

struct recording {
	sqlite3 *db;
	struct recording_info info;
	struct hook_report hooks[XP_HOOK_MAX];
	char names[XP_HOOK_MAX][2][16];	/* name and via */
	struct cursor records[LAYOUTS], ops, stacks;
	sqlite3_stmt *task, *symbol;
	int64_t seq;			/* of the last record */
	union {
		struct xp_record head;
		uint8_t slots[XP_RECORD_SLOTS_MAX * XP_SLOT];
	} rec;
	char *why;			/* the caller's, RECORDING_WHY bytes */
};

/* What stands in a damaged file may be anything: only what can be printed goes further. */
static void printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static int __attribute__((format(printf, 2, 3)))
damaged(struct recording *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, RECORDING_WHY, format, args);
	va_end(args);
	printable(r->why);
	return -EBADMSG;
}

static int failed(struct recording *r, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		snprintf(r->why, RECORDING_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
		snprintf(r->why, RECORDING_WHY, "it cannot be read: %s", sqlite3_errmsg(r->db));
		return -EIO;
	case SQLITE_NOTADB:
		return damaged(r, "it is no recording: %s", sqlite3_errmsg(r->db));
	default:
		return damaged(r, "it is damaged: %s", sqlite3_errmsg(r->db));
	}
}

static int prepare(struct recording *r, const char *sql, sqlite3_stmt **stmt)
{
	int rc = sql ? sqlite3_prepare_v2(r->db, sql, -1, stmt, NULL) : SQLITE_NOMEM;

	return rc ? failed(r, rc) : 0;
}

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
		return failed(r, rc);
	c->seq = sqlite3_column_int64(c->rows, 0);
	if (c->seq < before || c->seq == INT64_MAX)
		return damaged(r, "it is damaged: record %lld follows %lld", (long long)c->seq,
			       (long long)before);
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
		return rc == SQLITE_DONE ? damaged(r, "it is damaged: task %lld is missing",
						   (long long)task) : failed(r, rc);
	}
	rec->pid = sqlite3_column_int64(r->task, 0);
	comm = sqlite3_column_text(r->task, 1);
	if (comm)
		memcpy(rec->comm, comm, strnlen((const char *)comm, XP_COMM_LEN));
	sqlite3_reset(r->task);
	return 0;
}

static uint32_t hook_of(const char *name)
{
	uint32_t h = 0;

	while (h < HOOKS && strcmp(hooks[h].name, name))
		h++;
	return h < HOOKS ? h : XP_HOOK_MAX - 1;
}

static int put_number(struct recording *r, const struct column *c, void *at, int64_t n)
{
	if (c->size < 8 && (n < 0 || n >> 8 * c->size))
		return damaged(r, "it is damaged: %s is %lld in record %lld", c->name, (long long)n,
			       (long long)r->seq);
	memcpy(at, &n, c->size);	/* little endian, as all of record.h */
	return 0;
}

/* One column of the row into @base, which is the record or one of its operations. */
static int get_column(struct recording *r, struct cursor *cursor, int i, void *base)
{
	const struct column *c = &cursor->layout->columns[i];
	const char *text;
	const struct word *word;

	i++;	/* seq */
	switch (c->as) {
	case AS_TASK:
		if (sqlite3_column_type(cursor->rows, i) == SQLITE_NULL)
			return 0;
		return get_task(r, sqlite3_column_int64(cursor->rows, i), base);
	case AS_WORD:
		text = (const char *)sqlite3_column_text(cursor->rows, i);
		word = layout__of_word(cursor->layout, text);
		if (!word)
			return damaged(r, "it is damaged: '%s' is no word of %s, in record %lld",
				       text ?: "", cursor->layout->name, (long long)r->seq);
		*(uint8_t *)(base + c->at) = word->kind;
		return 0;
	case AS_HOOK:
		text = (const char *)sqlite3_column_text(cursor->rows, i);
		return put_number(r, c, base + c->at, hook_of(text ?: ""));
	case AS_KNOWN:
		if (sqlite3_column_type(cursor->rows, i) == SQLITE_NULL)
			return put_number(r, c, base + c->at, XP_NO_PFN);
		break;
	case AS_SEEN:	/* NULL reads as 0 */
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
			return damaged(r, "it is damaged: the stack of record %lld is too long",
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
			return damaged(r, "it is damaged: batch %lld has too many operations",
				       (long long)r->seq);
		err = get_row(r, &r->ops, op);
		if (!err && op->level > XP_L4)
			err = damaged(r, "it is damaged: batch %lld has a level %d",
				      (long long)r->seq, op->level);
		if (!err)
			err = advance(r, &r->ops);
		op++;
	}
	return err;
}

static size_t size_of(const struct xp_record *rec)
{
	bool batch = rec->kind == XP_BATCH || rec->kind == XP_DIRECT;

	return sizeof(*rec) + (rec->flags & XP_F_STACK ? XP_STACK_BYTES : 0) +
	       (batch ? rec->u.batch.nops * sizeof(struct xp_op) : 0);
}

/* The record at @c, whole. */
static int get_record(struct recording *r, struct cursor *c)
{
	struct xp_record *rec = &r->rec.head;
	int err;

	if (c->seq != r->seq + 1)
		return damaged(r, "it is damaged: record %lld is missing", (long long)r->seq + 1);
	r->seq = c->seq;
	memset(&r->rec, 0, sizeof(r->rec));
	err = get_row(r, c, rec);
	if (!err && rec->level > XP_L4)
		err = damaged(r, "it is damaged: record %lld has level %d", (long long)r->seq,
			      rec->level);
	if (!err && !is_time(rec->t))
		err = damaged(r, "it is damaged: record %lld is of no possible time",
			      (long long)r->seq);
	if (!err)
		err = get_stack(r, rec);
	if (!err && (rec->kind == XP_BATCH || rec->kind == XP_DIRECT))
		err = get_ops(r, rec);
	if (!err && (r->ops.seq <= r->seq || r->stacks.seq <= r->seq))
		err = damaged(r, "it is damaged: something belongs to record %lld that it cannot "
			      "have", (long long)r->seq);
	rec->seq = r->seq;
	rec->nslots = (size_of(rec) + XP_SLOT - 1) / XP_SLOT;
	return err ?: advance(r, c);
}

static struct cursor *first_of(struct recording *r)
{
	struct cursor *first = &r->records[0];

	for (int i = 1; i < LAYOUTS; i++)
		if (r->records[i].seq < first->seq)
			first = &r->records[i];
	return first;
}

int recording__read(struct recording *r, record_fn fn, void *context, char why[RECORDING_WHY])
{
	int err = 0;

	r->why = why;
	while (!err) {
		struct cursor *c = first_of(r);

		if (c->seq == INT64_MAX)
			break;
		err = get_record(r, c);
		if (!err)
			fn(context, &r->rec.head);
	}
	return err;
}

const char *recording__symbol(struct recording *r, uint64_t address)
{
	sqlite3_reset(r->symbol);
	sqlite3_bind_int64(r->symbol, 1, address);
	if (sqlite3_step(r->symbol) != SQLITE_ROW)
		return NULL;
	return (const char *)sqlite3_column_text(r->symbol, 0);
}

static void copy_text(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from);
	printable(to);
}

static bool is(const char *key, const char *name)
{
	return !strcmp(key, name);
}

/* A row of `recording`.  What this version does not know is left alone. */
static void get_fact(struct recording *r, const char *key, sqlite3_stmt *row)
{
	struct recording_info *info = &r->info;
	const char *text = (const char *)sqlite3_column_text(row, 1) ?: "";
	int64_t n = sqlite3_column_int64(row, 1);

	if (is(key, "kernel"))
		copy_text(info->platform.kernel, text, sizeof(info->platform.kernel));
	else if (is(key, "domain"))
		info->platform.dom0 = is(text, "dom0");
	else if (is(key, "vcpus"))
		info->platform.vcpus = n;
	else if (is(key, "begin_ns"))
		info->session.begin_ns = n;
	else if (is(key, "end_ns"))
		info->session.end_ns = n;
	else if (is(key, "missed"))
		info->session.missed = n;
	else if (is(key, "realtime_offset_ns"))
		info->realtime_offset_ns = n;
	else if (is(key, "filtered"))
		info->session.filtered = n;
	else if (is(key, "frames") && n > 0 && n < (int64_t)XP_FRAMES_MAX)
		info->frames = n;
	else if (is(key, "boot_records"))
		info->boot_records = n;
	else if (is(key, "boot_log") && sqlite3_column_bytes(row, 1) == sizeof(info->boot_log))
		memcpy(&info->boot_log, sqlite3_column_blob(row, 1), sizeof(info->boot_log));
	else if (is(key, "boot_early"))
		info->boot.early = n;
	else if (is(key, "boot_lost"))
		info->boot.lost = n;
	else if (is(key, "boot_ns"))
		info->boot.boot_ns = n;
	else if (is(key, "first_seq"))
		info->first_seq = n;
	else if (is(key, "end"))
		copy_text(info->end, text, sizeof(info->end));
}

static int get_facts(struct recording *r)
{
	sqlite3_stmt *row;
	int err = prepare(r, "SELECT key, value FROM recording", &row), rc = SQLITE_ROW;

	while (!err && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		const char *key = (const char *)sqlite3_column_text(row, 0);

		if (key)
			get_fact(r, key, row);
	}
	if (!err && rc != SQLITE_DONE)
		err = failed(r, rc);
	sqlite3_finalize(row);
	return err;
}

static int get_boot_gaps(struct recording *r)
{
	struct boot_report *boot = &r->info.boot;
	sqlite3_stmt *row;
	int err = prepare(r, "SELECT text FROM boot_gap ORDER BY rowid", &row);
	int rc = SQLITE_ROW;

	while (!err && boot->nr_gaps < BOOT_GAPS && (rc = sqlite3_step(row)) == SQLITE_ROW)
		copy_text(boot->gaps[boot->nr_gaps++],
			  (const char *)sqlite3_column_text(row, 0) ?: "", BOOT_GAP_LEN);
	if (!err && rc != SQLITE_DONE && rc != SQLITE_ROW)
		err = failed(r, rc);
	sqlite3_finalize(row);
	return err;
}

static int get_hooks(struct recording *r)
{
	struct session *s = &r->info.session;
	sqlite3_stmt *row;
	int err = prepare(r, "SELECT name, via, delivered, lost, missed FROM hook", &row);
	int rc = SQLITE_ROW;

	s->hooks = r->hooks;
	while (!err && (rc = sqlite3_step(row)) == SQLITE_ROW && s->nr_hooks < XP_HOOK_MAX) {
		struct hook_report *h = &r->hooks[s->nr_hooks];
		char (*names)[16] = r->names[s->nr_hooks++];

		for (int i = 0; i < 2; i++)
			copy_text(names[i], (const char *)sqlite3_column_text(row, i) ?: "",
				  sizeof(names[i]));
		*h = (struct hook_report){ names[0], names[1], sqlite3_column_int64(row, 2),
					   sqlite3_column_int64(row, 3),
					   sqlite3_column_int64(row, 4) };
	}
	if (!err && rc != SQLITE_DONE && rc != SQLITE_ROW)
		err = failed(r, rc);
	sqlite3_finalize(row);
	return err;
}

static int get_pragma(struct recording *r, const char *name, int64_t *value)
{
	char *sql = sqlite3_mprintf("PRAGMA %s", name);
	sqlite3_stmt *row = NULL;
	int err = prepare(r, sql, &row);
	int rc = err ? SQLITE_OK : sqlite3_step(row);

	if (!err && rc != SQLITE_ROW)
		err = failed(r, rc);
	if (!err)
		*value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_free(sql);
	return err;
}

static int check_identity(struct recording *r)
{
	int64_t id = 0, version = 0;
	int err = get_pragma(r, "application_id", &id);

	if (!err)
		err = get_pragma(r, "user_version", &version);
	if (err)
		return err;
	if (id != RECORDING_ID)
		return damaged(r, "it is another program's database, not a recording of xenpin");
	if (version != RECORDING_VERSION)
		return damaged(r, "it has version %lld, this xenpin reads version %d",
			       (long long)version, RECORDING_VERSION);
	return 0;
}

static int open_cursor(struct recording *r, struct cursor *c, char *sql)
{
	int err = prepare(r, sql, &c->rows);

	sqlite3_free(sql);
	return err ?: advance(r, c);
}

static int open_cursors(struct recording *r)
{
	int err = 0;

	for (int i = 0; !err && i < LAYOUTS; i++) {
		r->records[i].layout = &layouts[i];
		err = open_cursor(r, &r->records[i], layout__select(&layouts[i]));
	}
	r->ops.layout = &op_layout;
	if (!err)
		err = open_cursor(r, &r->ops, layout__select(&op_layout));
	if (!err)
		err = open_cursor(r, &r->stacks, sqlite3_mprintf(
			"SELECT seq, address FROM stack ORDER BY rowid"));
	if (!err)
		err = prepare(r, "SELECT pid, comm FROM task WHERE task = ?", &r->task);
	if (!err)
		err = prepare(r, "SELECT name FROM symbol WHERE address = ?", &r->symbol);
	return err;
}

static int open_database(struct recording *r, const char *path)
{
	int rc = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY, NULL), err;

	if (rc)
		return failed(r, rc);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* One transaction: a recorder may still be writing. */
	rc = sqlite3_exec(r->db, "PRAGMA cell_size_check = ON; BEGIN", NULL, NULL, NULL);
	if (rc)
		return failed(r, rc);
	err = check_identity(r);
	if (!err)
		err = get_facts(r);
	if (!err)
		err = get_boot_gaps(r);
	if (!err)
		err = get_hooks(r);
	if (!err)
		err = open_cursors(r);
	return err;
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
	err = open_database(r, path);
	if (err) {
		recording__close(r);
		return err;
	}
	r->info.has_boot = r->info.boot_log.magic == XP_LOG_MAGIC &&
			   r->info.boot_log.nodes <= XP_LOG_NODES;
	r->info.session.platform = &r->info.platform;
	r->seq = r->info.first_seq - 1;
	*out = r;
	return 0;
}

const struct recording_info *recording__info(const struct recording *r)
{
	return &r->info;
}

void recording__close(struct recording *r)
{
	if (!r)
		return;
	for (int i = 0; i < LAYOUTS; i++)
		sqlite3_finalize(r->records[i].rows);
	sqlite3_finalize(r->ops.rows);
	sqlite3_finalize(r->stacks.rows);
	sqlite3_finalize(r->task);
	sqlite3_finalize(r->symbol);
	sqlite3_close(r->db);
	free(r);
}
