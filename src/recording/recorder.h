/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording being written: a sink that keeps records as they are (recording/raw.h)
 * until they become rows (recording/rows.h).
 *
 * What was given is committed at least once a second, so a killed recorder, a
 * full disk or a dead guest leave a readable file without its last second.
 */
#ifndef XENPIN_RECORDER_H
#define XENPIN_RECORDER_H

#include "record/sink.h"
#include "recording.h"

#define RECORDER_FILES	2

struct recorder;

/*
 * Creates @path, which must not exist (-EEXIST).  With @max_bytes, a file that
 * grew so big becomes @path.1, in place of an older one, and another @path
 * begins.  Returns 0 or -errno.
 */
int recorder__create(struct recorder **recorder, const char *path, uint64_t max_bytes);

/*
 * Begin with what a patched kernel logged of its boot, as far as the account
 * knows it.  It stays the caller's, until the end.
 */
struct boot_account;
void recorder__begin_with(struct recorder *recorder, struct boot_account *boot);

/* The sink; when something fails, its records go nowhere and flush() says so. */
struct sink *recorder__sink(struct recorder *recorder);

/* NULL, or in words what failed. */
const char *recorder__error(const struct recorder *recorder);

/* False: nothing was traced, and recorder__close() removes the file. */
bool recorder__has_begun(const struct recorder *recorder);

/* How many records the files hold that exist now. */
int64_t recorder__records(const struct recorder *recorder);

/* How many records the whole run dropped, and how many runs of probes the kernel skipped; at its end. */
void recorder__losses(const struct recorder *recorder, uint64_t *dropped, uint64_t *missed);

/* After the end: the files that are there, closed, the older one first.  Returns how many. */
int recorder__files(struct recorder *recorder, const char *files[RECORDER_FILES]);

/* Commits what is not; removes the file when nothing was ever begun. */
void recorder__close(struct recorder *recorder);

#endif
