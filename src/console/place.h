/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a guest is in what it says; private to boots.c and place.c. */
#ifndef XENPIN_CONSOLE_PLACE_H
#define XENPIN_CONSOLE_PLACE_H

#include "boots.h"

/* µs between two lines of one oops, even on a serial line of 9600 baud. */
#define PLACE_GAP_MAX	3000000

enum block { BLOCK_NONE, BLOCK_OOPS, BLOCK_TRACE, BLOCK_REFUSAL, BLOCK_REPORT };

struct place {
	struct boot_facts *boot;
	enum block block;		/* whose the next lines of a trace are */
	struct oops *oops;		/* NULL: none */
	bool adrift;			/* .oops was broken off: what is left of it is nobody's */
	struct refusal *refusal;
	struct trace trace;		/* of nobody yet */
	const struct fact *page, *reason;
	int64_t t;
	uint8_t style;			/* of the line before */
};

/* Nothing of it is still to come. */
bool place__finished(const struct oops *oops);

/* Something else begins, perhaps in the middle of an oops. */
void place__interrupt(struct place *place, enum block block);

/* Lines are missing: what follows continues nothing. */
void place__forget(struct place *place);

/* Each adds a line of an oops, or of the registers and the trace of something else. */
void place__add_to_oops(struct place *place, const struct fact *fact);
void place__add_registers(struct place *place, const struct fact *fact);
void place__add_frame(struct place *place, const struct fact *fact);
void place__add_trace(struct place *place, const struct fact *fact);
void place__add_fault(struct place *place, const struct fact *fact);
void place__add_panic(struct place *place, const struct fact *fact);

#endif
