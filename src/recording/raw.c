// SPDX-License-Identifier: GPL-2.0-only
#include <emmintrin.h>
#include <string.h>

#include "raw.h"

#define PACKED_MAX	(2 + XP_SLOT)	/* bytes of a slot */
#define SEQ_WORD	1u		/* the bit of a head's first word */
#define SEQ_MAX		(INT64_MAX - RAW_BYTES)

void raw__clear(struct raw *raw)
{
	raw->first = raw->seq;
	raw->bytes = raw->at = 0;
	memset(raw->before, 0, sizeof(raw->before));
}

/* As bits: in which words @slot differs from the one before, which it becomes. */
static uint32_t compare(const void *slot, raw_slot before)
{
	const __m128i *new = slot;
	__m128i *old = (__m128i *)before, same[4];

	for (int i = 0; i < 4; i++) {
		__m128i quarter = _mm_loadu_si128(&new[i]);

		same[i] = _mm_cmpeq_epi32(quarter, old[i]);
		old[i] = quarter;
	}
	return (uint16_t)~_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(same[0], same[1]),
							    _mm_packs_epi32(same[2], same[3])));
}

/* The words of @slot that differ.  Returns where the next slot goes. */
static uint8_t *pack_slot(uint8_t *to, const void *slot, uint32_t differ)
{
	memcpy(to, &differ, sizeof(uint16_t));
	to += sizeof(uint16_t);
	for (; differ; differ &= differ - 1) {
		memcpy(to, (const uint32_t *)slot + __builtin_ctz(differ), sizeof(uint32_t));
		to += sizeof(uint32_t);
	}
	return to;
}

bool raw__pack(struct raw *raw, const struct xp_record *rec)
{
	uint8_t *to = raw->piece + raw->bytes;

	if (raw->bytes + rec->nslots * PACKED_MAX > RAW_BYTES)
		return false;
	to = pack_slot(to, rec, compare(rec, raw->before[0]) & ~SEQ_WORD);
	for (int i = 1; i < rec->nslots; i++)
		to = pack_slot(to, rec + i, compare(rec + i, raw->before[1]));
	raw->bytes = to - raw->piece;
	raw->seq++;
	return true;
}

const char *raw__open(struct raw *raw, int64_t seq, const void *piece, size_t bytes)
{
	if (seq < 1 || seq > SEQ_MAX)
		return "its number is impossible";
	if (!piece || !bytes || bytes > RAW_BYTES)
		return "its size is impossible";
	raw->seq = seq;
	raw__clear(raw);
	memcpy(raw->piece, piece, bytes);
	raw->bytes = bytes;
	return NULL;
}

/* Brings @slot, which is the one before, up to date; false: the piece ends before it does. */
static bool unpack_slot(struct raw *raw, raw_slot slot)
{
	uint16_t differ;

	if (raw->bytes - raw->at < sizeof(differ))
		return false;
	memcpy(&differ, raw->piece + raw->at, sizeof(differ));
	raw->at += sizeof(differ);
	if (raw->bytes - raw->at < __builtin_popcount(differ) * sizeof(*slot))
		return false;
	for (uint32_t left = differ; left; left &= left - 1) {
		memcpy(&slot[__builtin_ctz(left)], raw->piece + raw->at, sizeof(*slot));
		raw->at += sizeof(*slot);
	}
	return true;
}

static bool unpack_slots(struct raw *raw, union raw_record *to)
{
	size_t i = 0;

	do {
		uint32_t *slot = raw->before[i > 0];

		if (!unpack_slot(raw, slot))
			return false;
		memcpy(to->slots[i], slot, XP_SLOT);
	} while (++i < to->head.nslots && i < XP_RECORD_SLOTS_MAX);
	return true;
}

bool raw__unpack(struct raw *raw, union raw_record *to, const char **flaw)
{
	*flaw = NULL;
	if (raw->at == raw->bytes)
		return false;
	if (!unpack_slots(raw, to)) {
		*flaw = "it is cut short";
		return false;
	}
	to->head.seq = raw->seq;
	*flaw = record__flaw(&to->head, raw->seq - 1, XP_RECORD_SLOTS_MAX);
	if (*flaw)
		return false;
	raw->seq++;
	return true;
}
