/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stream of records adds up to: counts, latencies, rates over time, and
 * who did it.  Pure: no I/O, no clock.
 */
#ifndef XENPIN_ACCOUNT_H
#define XENPIN_ACCOUNT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

/* Four buckets to the power of two: a percentile is at most a fifth too high. */
#define LATENCY_BUCKETS	160

struct latencies {
	uint64_t count, sum, max;	/* ns */
	uint64_t buckets[LATENCY_BUCKETS];
};

/* The upper end of bucket @i, in ns. */
uint64_t latency__bucket_end(int i);
void latency__add(struct latencies *latencies, uint64_t ns);

/* What @permille of the flushes did not exceed; 0 when there were none. */
uint64_t latency__percentile(const struct latencies *latencies, unsigned int permille);

/* A slice of time. */
struct slice {
	uint32_t pins, unpins, allocs, releases, dropped;
};

#define SLICES 1024

/* All tasks of one name. */
struct program {
	char comm[XP_COMM_LEN];
	uint32_t processes;	/* thread groups seen under this name */
	uint32_t pid;		/* the last of them */
	uint64_t pins, unpins, allocs, releases, trees, failed;
	uint64_t flushes, flush_ns;
};

struct account {
	uint64_t records[XP_KIND_END];
	uint64_t pins, unpins, failed;		/* operations of all batches */
	uint64_t pins_of[XP_L4 + 1];		/* by level */
	uint64_t dropped[XP_PROBE_END], dropped_total;
	struct latencies latencies;
	uint64_t first_t, last_t;
	uint64_t max_pfn;			/* the highest that was seen */
	uint64_t slice_ns, nr_slices;		/* slices[0] begins at .first_t */
	struct slice slices[SLICES];
	struct program *programs;		/* owned */
	size_t nr_programs;
	struct account_index *index;
};

/* Returns 0 or -ENOMEM. */
int account__begin(struct account *account);
void account__end(struct account *account);

/* Returns 0 or -ENOMEM. */
int account__apply(struct account *account, const struct xp_record *record);

/* Programs by pins and unpins, the busiest first; after this nothing is applied any more. */
void account__sort(struct account *account);

#endif
