/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What any kernel says of its boot: its messages, and the ring of ftrace when
 * the command line switched events on (trace_event=).
 */
#ifndef XENPIN_KMSG_H
#define XENPIN_KMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMSG_NODES	64

/* Times are the kernel's messages', in ns; 0: no such message. */
struct kmsg {
	bool complete;		/* the first message is still there */
	bool unread;			/* it may not be read here */
	uint64_t first;
	uint64_t memory;	/* "Memory: ...", printed after the hand-over and the hook */
	uint64_t init;		/* "Run ... as init process" */
	struct kmsg_node {
		unsigned int node;
		uint64_t ms;	/* what the kernel says, in whole jiffies */
		uint64_t end;
	} nodes[KMSG_NODES];
	unsigned int nr_nodes;
};

/* Page-table events of the stock tracepoints, before user space. */
struct boot_ftrace {
	bool there;		/* the ring holds events from before user space */
	bool overwritten;	/* and has lost its first ones */
	uint64_t allocs, releases;
	uint64_t deferred;	/* of these, during the deferred stage */
};

/* Returns 0 or -errno of /dev/kmsg. */
int kmsg__read(struct kmsg *kmsg);

/* Of all nodes: the longest one's time is the stage's, they run side by side. */
uint64_t kmsg__deferred_ns(const struct kmsg *kmsg);

/* False: the messages that would tell of it are gone, or cannot be read. */
bool kmsg__has_deferred(const struct kmsg *kmsg);

/* One record of /dev/kmsg: "level,number,microseconds,flags;text". */
void kmsg__line(struct kmsg *kmsg, const char *record);

/* The ring, with @kmsg for where the stages are.  No ring is no error. */
void boot_ftrace__read(struct boot_ftrace *ftrace, const struct kmsg *kmsg);

/* One line of the ring as text. */
void boot_ftrace__line(struct boot_ftrace *ftrace, const struct kmsg *kmsg, const char *line);

#endif
