/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording as a source: the same stream of records that its recorder was given. */
#ifndef XENPIN_SOURCE_RECORDING_H
#define XENPIN_SOURCE_RECORDING_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/boot_report.h"
#include "record/sink.h"
#include "trace/stream.h"

#define RECORDING_WHY 240

struct recording;

struct recording_info {
	struct session session;		/* .end_ns and counts: as far as the recorder came */
	struct platform platform;
	int64_t realtime_offset_ns;	/* + CLOCK_MONOTONIC = CLOCK_REALTIME */
	uint64_t frames;		/* of the guest's memory, as far as known */
	/* What came before: the account's own figures, and of the log its header. */
	bool has_boot;
	struct xp_boot_log boot_log;
	int64_t boot_records;		/* the first ones are of the boot */
	struct boot_report boot;	/* .early, .dropped, .boot_ns and .gaps */
	int64_t first_seq;		/* > 1: it goes on where a file before it ended */
	int64_t raw_from;		/* the first record without rows; INT64_MAX: all have them */
	int64_t findings;		/* noted in it; < 0: nobody looked for any yet */
	bool judged_live;		/* the recorder looked at once */
	char index[32];			/* one that somebody made, or "" */
	bool audited;			/* the recorder took audits, too: their findings stand beside the records */
	char end[16];			/* "complete", "rotated", or "": it was killed, or runs */
};

/*
 * Returns 0, or -errno and in @why what is wrong with @path, as the end of a
 * sentence.  -EBADMSG: it is no recording, or a damaged one.
 */
int recording__open(struct recording **recording, const char *path, char why[RECORDING_WHY]);
void recording__close(struct recording *recording);

/*
 * Is a recorder at work on @path?  It holds the lock of recording/database.h.  Not to be
 * asked while the file is open here: that would take SQLite's own locks away.
 */
bool recording__is_running(const char *path);

/* Of what stands in the file beside its records; session.delivered and so on are counted. */
const struct recording_info *recording__info(const struct recording *recording);

/*
 * Hand over all records, in order.  A record is checked before: its counts,
 * words and numbers are what a recorder writes.  Returns as recording__open();
 * the records before what is damaged have been handed over by then.
 */
int recording__read(struct recording *recording, record_fn fn, void *context,
		    char why[RECORDING_WHY]);

/* The number of the record that is being handed over, which its .seq has 32 bits of. */
int64_t recording__seq(const struct recording *recording);

/* Hand over no more: recording__read() returns 0. */
void recording__stop(struct recording *recording);

/*
 * What was noted as found in it, in the order in which it was noted.  Without what records tell of
 * the table's past.  Returns as recording__open().
 */
int recording__findings(struct recording *recording,
			void (*fn)(void *context, const struct finding *finding), void *context,
			char why[RECORDING_WHY]);

/*
 * The name that the recorder's kernel had for @address, until the next one is asked for; NULL
 * for a frame of BPF's own.  Returns as recording__open().
 */
int recording__symbol(struct recording *recording, uint64_t address, const char **name,
		      char why[RECORDING_WHY]);

#endif
