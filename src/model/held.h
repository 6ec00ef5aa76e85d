/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings that wait: by which rule they were made, how sure they are, and which dropped records
 * would explain them.
 *
 * A finding waits until no gap is left that nobody has told yet.  A gap that explains a finding
 * silences it; any other gap weakens it.
 */
#ifndef XENPIN_HELD_H
#define XENPIN_HELD_H

#include "pins.h"

/* What contradicts what. */
enum rule {
#define RULE(name, ...) RULE_##name,
#include "rules.def"
	RULES
};

struct held_one {
	struct finding finding;
	uint16_t dropped;		/* probes, as bits, of which records were dropped after those that it rests on */
	uint8_t rule;
};

struct held {
	struct held_one *all;
	size_t count, size;
	uint64_t silenced;	/* explained by losses */
};

/*
 * Judge by @rule; class, grade and witnesses of @finding are filled in here.
 * @dropped: records of these probes (bits) were dropped since the table was last
 * known.  Returns 0 or -ENOMEM.
 */
int held__add(struct held *held, enum rule rule, const struct finding *finding, uint16_t dropped);

/* Records of a probe were dropped at some time since the last held__confirm(). */
void held__lose(struct held *held, int probe);

/* Give every waiting finding to @fn, and forget it. */
void held__confirm(struct held *held, void (*fn)(void *context, const struct finding *finding),
		   void *context);

void held__free(struct held *held);

#endif
