/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How records lie in a recording: one description for who writes and who reads.
 *
 * A recording is a SQLite database.  Records of a kind, or of kinds that hold
 * the same fields, are rows of one table; their `seq` counts over all tables
 * and is the order of the stream.  docs/xenpin-recording.5 says what the
 * columns mean.  Until a recording ends, its newest records have no rows:
 * they lie in the table `raw`, as they came (raw.h).
 */
#ifndef XENPIN_LAYOUT_H
#define XENPIN_LAYOUT_H

#include <sqlite3.h>
#include <stdint.h>

#include "record/records.h"

#define RECORDING_ID		0x5850494e	/* application_id: "XPIN" */
#define RECORDING_VERSION	4		/* user_version */

enum column_as {
	AS_NUMBER,	/* .size bytes at .at */
	AS_KNOWN,	/* the same, NULL where all bits are set: XP_NO_PFN, XP_NO_TIME, XP_NO_COMMAND */
	AS_SIGNED,	/* the same, of two bytes and with a sign */
	AS_WORD,	/* the row's kind, as layout__word() */
	AS_PROBE,	/* the name of a probe */
	AS_SEEN,	/* as AS_NUMBER, NULL unless XP_F_RESULT */
	AS_TASK,	/* pid and comm, as a row of `task` */
};

struct column {
	const char *name;	/* NULL ends the list */
	enum column_as as;
	uint8_t at, size;	/* in struct xp_record or struct xp_op */
};

struct layout {
	const char *name;
	const char *derived;	/* columns that are computed, as SQL; "" for none */
	const struct column *columns;
};

/* Tables of records, by enum record_shape; their rows begin with seq. */
extern const struct layout layouts[SHAPES];

/* Rows of struct xp_op; they begin with the batch's seq. */
extern const struct layout op_layout;

/* The columns of `finding`, in order, with their SQL types: FIRST(name, type), then NEXT(name, type). */
#define FINDING_COLUMNS(FIRST, NEXT) \
	FIRST(t, "INTEGER") NEXT(class, "TEXT") NEXT(grade, "TEXT") NEXT(witnesses, "TEXT") \
	NEXT(pfn, "INTEGER") NEXT(mfn, "INTEGER") NEXT(level, "INTEGER") NEXT(mm, "INTEGER") \
	NEXT(pid, "INTEGER") NEXT(comm, "TEXT") NEXT(effect, "TEXT") NEXT(text, "TEXT") \
	NEXT(op, "TEXT") NEXT(result, "INTEGER") NEXT(hypercall, "INTEGER") NEXT(command, "INTEGER") NEXT(count, "INTEGER") \
	NEXT(arg0, "INTEGER") NEXT(arg1, "INTEGER")

/* Their numbers as parameters of an INSERT, and in a row that begins with its rowid. */
enum finding_column {
	FINDING_ROWID,
#define FINDING_COLUMN(name, type) FINDING_##name,
	FINDING_COLUMNS(FINDING_COLUMN, FINDING_COLUMN)
#undef FINDING_COLUMN
};

/* "INSERT INTO finding ...", and "SELECT ... in order". */
extern const char finding_insert[], finding_select[];

/* Everything that is no record. */
extern const char layout_rest[];

/*
 * "CREATE TABLE ...", the same without what is computed, "INSERT INTO ... from the
 * rows that wait", "SELECT ... in order"; to be given to sqlite3_free().
 */
char *layout__create(const struct layout *layout);
char *layout__columns(const struct layout *layout);
char *layout__insert(const struct layout *layout);
char *layout__select(const struct layout *layout);

/*
 * The column "what" of a record's table, or "op" of op_layout: the word of a kind (enum xp_kind or
 * enum xp_op_kind) that is there, and the kind of a word, or 0.
 */
const char *layout__word(const struct layout *layout, uint8_t kind);
uint8_t layout__kind(const struct layout *layout, const char *word);

#endif
