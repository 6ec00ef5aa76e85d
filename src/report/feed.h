/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording on its way into the model: its records, and what the file tells
 * to be missing among them.
 */
#ifndef XENPIN_FEED_H
#define XENPIN_FEED_H

#include "model/pins.h"
#include "recording/recording.h"

struct feed {
	struct pins *pins;
	struct recording *recording;	/* neither is owned */
	bool begun;
	bool missed;			/* the kernel skipped runs of some probe */
	bool gap;			/* between boot and stream: told to the model */
};

/* Is the record that is being handed over of those that the boot left, before the recorder came? */
bool feed__of_boot(const struct feed *feed);

/* Complete that record, and apply it.  0 or -ENOMEM. */
int feed__apply(struct feed *feed, struct xp_record *record);

/* All was applied.  Returns how many runs of probes the kernel skipped. */
uint64_t feed__end(struct feed *feed);

/* A probe was missing when the recording was made. */
bool feed__partial(const struct recording_info *info);

#endif
