// SPDX-License-Identifier: GPL-2.0-only
/* What a recording is, and what stands in it beside its records: of whom, by what, how it ended. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"
#include "model/pins.h"
#include "database.h"
#include "recording_file.h"

/* What stands in a damaged file may be anything: only what can be printed goes further. */
static void printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

int recording__damaged(struct recording *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, RECORDING_WHY, format, args);
	va_end(args);
	printable(r->why);
	return -EBADMSG;
}

/* The log of a recorder that was killed is read through an index beside it, which readers make. */
static int cannot_open(struct recording *r)
{
	const char *path = sqlite3_db_filename(r->db, "main"), *log = NULL;

	if (path && *path)
		log = sqlite3_filename_wal(path);
	if (log && !access(log, F_OK))
		snprintf(r->why, RECORDING_WHY, "it was not ended, and nobody can read its log "
			 "(%s) where he cannot write; copy both files to where you can",
			 strrchr(log, '/') ? strrchr(log, '/') + 1 : log);
	else
		snprintf(r->why, RECORDING_WHY, "it cannot be read: %s", sqlite3_errmsg(r->db));
	return -EIO;
}

int recording__failed(struct recording *r, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		snprintf(r->why, RECORDING_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		if (!signals__waiting())
			return recording__damaged(r, "it is damaged: it takes more than %d s "
						  "to open", OPEN_S);
		snprintf(r->why, RECORDING_WHY, "it was interrupted");
		return -EINTR;
	case SQLITE_BUSY:
		snprintf(r->why, RECORDING_WHY, "another program is writing to it; try again");
		return -EBUSY;
	case SQLITE_CANTOPEN:
		return cannot_open(r);
	case SQLITE_IOERR:
	case SQLITE_PERM:
		snprintf(r->why, RECORDING_WHY, "it cannot be read: %s", sqlite3_errmsg(r->db));
		return -EIO;
	case SQLITE_NOTADB:
		return recording__damaged(r, "it is no recording: %s", sqlite3_errmsg(r->db));
	default:
		return recording__damaged(r, "it is damaged: %s", sqlite3_errmsg(r->db));
	}
}

int recording__prepare(struct recording *r, const char *sql, sqlite3_stmt **stmt)
{
	int rc = sql ? sqlite3_prepare_v2(r->db, sql, -1, stmt, NULL) : SQLITE_NOMEM;

	return rc ? recording__failed(r, rc) : 0;
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

static const char *text_of(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column) ?: "";
}

/* A row of `recording`.  What this version does not know is left alone. */
static void get_fact(struct recording *r, const char *key, sqlite3_stmt *row)
{
	struct recording_info *info = &r->info;
	const char *text = text_of(row, 1);
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
	else if (is(key, "boot_dropped"))
		info->boot.dropped = n;
	else if (is(key, "boot_ns"))
		info->boot.boot_ns = n;
	else if (is(key, "first_seq") && n > 0)
		info->first_seq = n;
	else if (is(key, "findings"))
		info->findings = 0;
	else if (is(key, "judged_live"))
		info->judged_live = n;
	else if (is(key, "audited"))
		info->audited = n;
	else if (is(key, "end"))
		copy_text(info->end, text, sizeof(info->end));
}

/*
 * A million findings are possible.  More rows than that come from a file whose pages refer to
 * each other in circles, or whoever made it wants to be waited for.
 */
#define ROWS_MAX (1 << 20)

static int check_count(struct recording *r, uint32_t rows)
{
	return rows <= ROWS_MAX ? 0 : recording__damaged(r, "it is damaged: more than %d rows where "
							 "there can be few", ROWS_MAX);
}

/* Each row of @sql to @fn, until that says it has no room for another. */
static int each_row(struct recording *r, const char *sql,
		    bool (*fn)(struct recording *r, sqlite3_stmt *row))
{
	sqlite3_stmt *row;
	int err = recording__prepare(r, sql, &row), rc = SQLITE_ROW;
	bool room = true;
	uint32_t n = 0;

	while (!err && room && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		room = fn(r, row);
		err = check_count(r, ++n);
	}
	if (!err && rc != SQLITE_DONE && rc != SQLITE_ROW)
		err = recording__failed(r, rc);
	sqlite3_finalize(row);
	return err;
}

static bool on_fact(struct recording *r, sqlite3_stmt *row)
{
	const char *key = (const char *)sqlite3_column_text(row, 0);

	if (key)
		get_fact(r, key, row);
	return true;
}

static bool on_raw(struct recording *r, sqlite3_stmt *row)
{
	if (sqlite3_column_type(row, 0) != SQLITE_NULL)
		r->info.raw_from = sqlite3_column_int64(row, 0);
	return false;
}

/* The fact says that somebody looked; how many there are a killed recorder could not sum up. */
static bool on_finding(struct recording *r, sqlite3_stmt *row)
{
	if (r->info.findings >= 0)
		r->info.findings++;
	return true;
}

static bool on_index(struct recording *r, sqlite3_stmt *row)
{
	copy_text(r->info.index, text_of(row, 0), sizeof(r->info.index));
	return false;
}

static bool on_boot_gap(struct recording *r, sqlite3_stmt *row)
{
	struct boot_report *boot = &r->info.boot;

	copy_text(boot->gaps[boot->nr_gaps++], text_of(row, 0), BOOT_GAP_LEN);
	return boot->nr_gaps < BOOT_GAPS;
}

static bool on_probe(struct recording *r, sqlite3_stmt *row)
{
	struct session *s = &r->info.session;
	struct probe_report *h = &r->probes[s->nr_probes];
	char (*names)[16] = r->names[s->nr_probes++];

	for (int i = 0; i < 2; i++)
		copy_text(names[i], text_of(row, i), sizeof(names[i]));
	*h = (struct probe_report){ names[0], names[1], sqlite3_column_int64(row, 2),
				   sqlite3_column_int64(row, 3), sqlite3_column_int64(row, 4) };
	return s->nr_probes < XP_PROBES_MAX;
}

static int get_pragma(struct recording *r, const char *name, int64_t *value)
{
	char *sql = sqlite3_mprintf("PRAGMA %s", name);
	sqlite3_stmt *row = NULL;
	int err = recording__prepare(r, sql, &row);
	int rc = err ? SQLITE_OK : sqlite3_step(row);

	if (!err && rc != SQLITE_ROW)
		err = recording__failed(r, rc);
	if (!err)
		*value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_free(sql);
	return err;
}

static int check_tables(struct recording *r)
{
	char odd[DATABASE_NAME];
	int rc = database__check(r->db, odd);

	if (rc)
		return recording__failed(r, rc);
	return *odd ? recording__damaged(r, "it is damaged: its table '%s' is not as xenpin makes "
					 "it", odd) : 0;
}

static int check_identity(struct recording *r)
{
	int64_t id = 0, version = 0, pages = 0;
	int err = get_pragma(r, "application_id", &id);

	if (!err)
		err = get_pragma(r, "user_version", &version);
	if (!err)
		err = get_pragma(r, "page_count", &pages);
	if (err)
		return err;
	if (!pages)
		return recording__damaged(r, "it is empty");
	if (id != RECORDING_ID)
		return recording__damaged(
			r, "it is another program's database, not a recording of xenpin");
	if (version != RECORDING_VERSION)
		return recording__damaged(r, "it has version %lld, this xenpin reads version %d",
					  (long long)version, RECORDING_VERSION);
	return 0;
}

int recording__read_facts(struct recording *r)
{
	int err = check_identity(r);

	r->info.findings = -1;
	if (!err)
		err = check_tables(r);
	if (!err)
		err = each_row(r, "SELECT key, value FROM recording", on_fact);
	if (!err)
		err = each_row(r, "SELECT text FROM boot_gap ORDER BY rowid", on_boot_gap);
	r->info.session.probes = r->probes;
	if (!err)
		err = each_row(r, "SELECT name, via, delivered, dropped, missed FROM probe", on_probe);
	r->info.raw_from = INT64_MAX;
	if (!err)
		err = each_row(r, "SELECT min(seq) FROM raw", on_raw);
	if (!err)
		err = each_row(r, "SELECT rowid FROM finding", on_finding);
	if (!err)
		err = each_row(r, "SELECT name FROM sqlite_schema WHERE type = 'index' AND "
			       "sql IS NOT NULL", on_index);
	if (err)
		return err;
	r->info.has_boot =
		r->info.boot_log.magic == XP_LOG_MAGIC && r->info.boot_log.nodes <= XP_LOG_NODES;
	return 0;
}

/* A word's number in a list of @n, or -1. */
static int number_of(const char *word, const char *(*name)(int i), int n)
{
	int i = 0;

	while (i < n && strcmp(name(i), word))
		i++;
	return i < n ? i : -1;
}

static const char *class_name(int i)
{
	return finding_classes[i].word;
}

static const char *grade_name(int i)
{
	return finding_grades[i].word;
}

static uint8_t witnesses_of(const char *list)
{
	uint8_t all = 0;

	for (int i = 0; i < WITNESSES; i++)
		if (strstr(list, witness__name(1 << i)))
			all |= 1 << i;
	return all;
}

static uint64_t frame_of(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? XP_NO_PFN :
	       (uint64_t)sqlite3_column_int64(row, column);
}

static int get_finding(struct recording *r, sqlite3_stmt *row, struct finding *f)
{
	int class = number_of(text_of(row, FINDING_class), class_name, FINDING_CLASSES);
	int grade = number_of(text_of(row, FINDING_grade), grade_name, GRADES);
	const char *op = text_of(row, FINDING_op);
	const char *comm = text_of(row, FINDING_comm);
	int64_t level = sqlite3_column_int64(row, FINDING_level);

	if (class < 0 || grade < 0 || level < 0 || level > XP_L4)
		return recording__damaged(r, "it is damaged: a finding of class '%s', grade '%s' and "
					  "level %lld", text_of(row, FINDING_class), text_of(row, FINDING_grade),
					  (long long)level);
	*f = (struct finding){
		.t = sqlite3_column_int64(row, FINDING_t), .class = class, .grade = grade,
		.witnesses = witnesses_of(text_of(row, FINDING_witnesses)), .pfn = frame_of(row, FINDING_pfn),
		.mfn = frame_of(row, FINDING_mfn), .level = level, .mm = sqlite3_column_int64(row, FINDING_mm),
		.pid = sqlite3_column_int64(row, FINDING_pid), .op = layout__kind(&op_layout, op),
		.result = sqlite3_column_int64(row, FINDING_result),
	};
	if (sqlite3_column_type(row, FINDING_hypercall) != SQLITE_NULL)
		f->refused = (struct xp_refused){
			.hypercall = sqlite3_column_int64(row, FINDING_hypercall), .result = f->result,
			.command = sqlite3_column_int64(row, FINDING_command),
			.count = sqlite3_column_int64(row, FINDING_count),
			.args = { sqlite3_column_int64(row, FINDING_arg0), sqlite3_column_int64(row, FINDING_arg1) },
		};
	memcpy(f->comm, comm, strnlen(comm, XP_COMM_LEN));
	return 0;
}

int recording__findings(struct recording *r,
			void (*fn)(void *context, const struct finding *finding), void *context,
			char why[RECORDING_WHY])
{
	int err, rc = SQLITE_ROW;
	struct finding f;
	sqlite3_stmt *row;
	uint32_t n = 0;

	r->why = why;
	err = recording__prepare(r, finding_select, &row);
	while (!err && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		err = check_count(r, ++n) ?: get_finding(r, row, &f);
		if (!err)
			fn(context, &f);
	}
	if (!err && rc != SQLITE_DONE)
		err = recording__failed(r, rc);
	sqlite3_finalize(row);
	return err;
}
