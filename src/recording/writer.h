/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes a recording, whose records have no rows yet (rows.h), in transactions that the caller ends. */
#ifndef XENPIN_WRITER_H
#define XENPIN_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../include/record.h"

struct finding;
struct writer;
struct symbols;

/*
 * Creates @path, which must not exist, with @mode.  Its first record will be @seq + 1.
 * The errors of a writer are kept, and end its writing: ask writer__error().
 * NULL when there is no memory.
 */
struct writer *writer__create(const char *path, int64_t seq, mode_t mode);

/* One that is there, for what stands beside its records: none can be added. */
struct writer *writer__open(const char *path);

/* The recording at @path has not ended after all.  It was folded, and is closed. */
int writer__forget_end(const char *path);

/* 0, or -errno and what SQLite says of it in *@what (when not NULL). */
int writer__error(const struct writer *writer, const char **what);

/* @record, with what stands behind it; a stack is named by @symbols, unless NULL. */
void writer__record(struct writer *writer, const struct xp_record *record,
		    struct symbols *symbols);

/*
 * A row of @finding.  Whoever reads all records of a run finds it again; of a file that
 * goes on where another ended, only this tells of it.
 */
void writer__finding(struct writer *writer, const struct finding *finding);
void writer__forget_findings(struct writer *writer);

/* Rows of `recording` and `probe`, replaced when they are there. */
void writer__set_number(struct writer *writer, const char *key, int64_t value);
void writer__set_text(struct writer *writer, const char *key, const char *value);
void writer__set_blob(struct writer *writer, const char *key, const void *value, size_t size);
void writer__set_probe(struct writer *writer, const char *name, const char *via,
		      uint64_t delivered, uint64_t dropped, uint64_t missed);

/* A sentence: why the boot log and what continues it are not the whole truth. */
void writer__boot_gap(struct writer *writer, const char *text);

/* What came since the last one is on the disk, or there is an error. */
void writer__commit(struct writer *writer);

/* And in the file itself, which somebody may copy without its log. */
void writer__checkpoint(struct writer *writer);

/* Records so far, those of the files before this one included. */
int64_t writer__seq(const struct writer *writer);

/* What the file will take once its records have rows, some bytes more or less. */
uint64_t writer__bytes(const struct writer *writer);

/* Bytes of records that the next commit has to write. */
uint64_t writer__uncommitted(const struct writer *writer);

/*
 * Commit, and make one file of it, to be renamed: what has it open by its name would
 * take the log of another for its own.  False: somebody has, or there is an error.
 */
bool writer__fold(struct writer *writer);

/* Commits. */
void writer__close(struct writer *writer);

#endif
