// SPDX-License-Identifier: GPL-2.0-only
/*
 * The early ring, as if anybody had written to it: 32 bytes of its head, tail,
 * first slot and a loss, then slots; drained twice, as a reader that comes again.
 */
#include <string.h>

#include "outcome.h"

#include "boot/early.h"

#define SLOTS	64U
#define SIZE	(sizeof(struct xp_ring) + (SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t head[4];
	struct xp_ring *ring;
	struct early *early;
	struct outcome o;

	if (size < sizeof(head))
		return 0;
	memcpy(head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);
	ring = calloc(1, SIZE);
	ring->head = head[0];
	ring->tail = head[1];
	ring->dropped[head[3] % XP_PROBES_MAX] = head[3];
	memcpy(ring->slots, data, size < SIZE - sizeof(*ring) ? size : SIZE - sizeof(*ring));
	early = early__new(ring, head[2], SLOTS);
	outcome__open(&o, NULL);
	if (early__drain(early, outcome__record, &o) >= 0) {
		early__rewind(early);
		early__read(early, outcome__record, &o);
	}
	outcome__print(&o);
	early__close(early);
	free(ring);
	return 0;
}
