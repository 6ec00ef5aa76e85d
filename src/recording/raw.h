/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records packed, in pieces: what the table `raw` of a recording holds until there
 * are rows of them.
 *
 * A record is slots of 16 words of 32 bits (include/record.h), and most words of a
 * slot are those of the slot before it.  So each slot is 16 bits that tell which
 * words differ, and these words.  The slot before is, for the head of a record, the
 * head before; for what follows a head, the last slot that followed one; of zeros,
 * when the piece has none.  A record's .seq, its number, is not in there.
 */
#ifndef XENPIN_RAW_H
#define XENPIN_RAW_H

#include <stddef.h>

#include "record/records.h"

#define RAW_BYTES	(64 << 10)	/* of a piece, at most */
#define RAW_WORDS	(XP_SLOT / sizeof(uint32_t))

typedef uint32_t raw_slot[RAW_WORDS] __attribute__((aligned(16)));

/* Room for any record. */
union raw_record {
	struct xp_record head;
	raw_slot slots[XP_RECORD_SLOTS_MAX];
};

struct raw {
	int64_t seq;			/* of the next record */
	int64_t first;			/* of the first one, when there are any bytes */
	size_t bytes;			/* of the piece */
	size_t at;			/* as far as it was unpacked */
	raw_slot before[2];		/* the last head, and what followed one */
	uint8_t piece[RAW_BYTES];
};

/* Begin an empty piece at the record that comes next. */
void raw__clear(struct raw *raw);

/* Append @record; false: there is no room. */
bool raw__pack(struct raw *raw, const struct xp_record *record);

/*
 * Begin with @bytes at @piece, of a file, whose first record is @seq.  Returns NULL,
 * or what is wrong with that, as the end of a sentence.
 */
const char *raw__open(struct raw *raw, int64_t seq, const void *piece, size_t bytes);

/*
 * The next record, which is raw.seq until then, into @to.  False: at the end, or with
 * @flaw: what is wrong with it.
 */
bool raw__unpack(struct raw *raw, union raw_record *to, const char **flaw);

#endif
