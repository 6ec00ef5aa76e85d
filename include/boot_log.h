/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/xenpin/boot_log: this header, then .head slots of records in
 * the format of record.h, the first with seq 1.  Little endian, fixed widths.
 *
 * The log never overwrites.  What it has no room for is counted in .dropped, and
 * what follows the log (the early ring, see XP_LOG_EARLY) starts at slot .head
 * all the same.  A log with .dropped != 0 is whole up to slot .hole; behind that
 * it has only the stages of boot, flags erased and set again, and what Xen
 * refused, for which room is kept.
 *
 * Included by src/ and kernel/: only <linux/types.h> names.
 */
#ifndef XENPIN_BOOT_LOG_H
#define XENPIN_BOOT_LOG_H

#define XP_LOG_MAGIC	0x4c425058	/* "XPBL" */
#define XP_LOG_VERSION	2
#define XP_LOG_NODES	64

/* Why the log ends where it ends. */
enum xp_log_end {
	XP_LOG_RUNNING,		/* not yet */
	XP_LOG_OFF,		/* nobody asked for it: it holds nothing */
	XP_LOG_EARLY,		/* the early ring continues at slot .head */
	XP_LOG_INIT,		/* user space was about to start, nobody had taken over */
	XP_LOG_NO_MEMORY,	/* there was none for it: it holds nothing */
};

/* Where PagePinned of the boot page tables was set: xenpin.pinned= */
enum xp_log_mode { XP_MODE_HOOK, XP_MODE_EARLY, XP_MODE_REPAIR };

struct xp_boot_log {
	__u32 magic;
	__u16 version;
	__u16 record_size;	/* XP_SLOT */
	__u32 header_size;	/* the first record's offset */
	__u32 end;		/* enum xp_log_end */
	__u64 slots;		/* capacity */
	__u64 head;		/* slots used */
	__u64 dropped;		/* records dropped because the log was full; see .hole */
	__s64 t_offset;		/* ns; t + t_offset is CLOCK_MONOTONIC, negative before it began */
	__u32 mode;		/* enum xp_log_mode */
	__u32 tsc_khz;		/* t counts TSC cycles since the first record, in ns */
	__u64 marked;		/* page tables that carry the flag at the end of the hook */
	__u64 marked_deferred;	/* of these, at or above their node's first deferred pfn */
	__u64 erased;		/* flags wiped out by struct-page init */
	__u64 repaired;		/* and set again by the hook */
	__u64 untracked;	/* flag writes that the search for erased ones had no room for */
	__u32 nodes;		/* entries of first_deferred_pfn that are valid */
	__u32 released;		/* its memory was given back: the records are gone */
	__s64 printk_offset;	/* ns; t + printk_offset is the time in the kernel's messages */
	__u64 hole;		/* the slot that the first dropped record would have had */
	__u64 pad1;
	__u64 first_deferred_pfn[XP_LOG_NODES];	/* at hand-over; ~0: nothing was deferred */
};

/*
 * The early ring: a BPF array map of one value, mmapable, named XP_EARLY_RING.
 * It holds a struct xp_ring for all CPUs, XP_EARLY_SLOTS slots and the tail
 * that lets the last record be contiguous.  Slots are numbered on from the
 * boot log: slot N is at index N % XP_EARLY_SLOTS, and the first is .first of
 * the map XP_EARLY_CTL, an XP_TAKEOVER.  Its times are the boot log's: add
 * .t_offset.
 * Nothing is overwritten: records that find the ring full are counted in
 * .dropped[], by probe.  There are no XP_DROPPED records in it.
 */
#define XP_EARLY_RING	"xenpin_early"
#define XP_EARLY_CTL	"xenpin_earlyctl"
#define XP_EARLY_SLOTS	(1 << 16)

struct xp_early_ctl {
	__u32 on;		/* records are written; user space may clear it */
	__u32 slots;		/* XP_EARLY_SLOTS */
	__u64 first;		/* the first slot's number: the boot log's .head */
};

_Static_assert(sizeof(struct xp_boot_log) == 640, "a multiple of XP_SLOT");
_Static_assert(__builtin_offsetof(struct xp_boot_log, first_deferred_pfn) == 128, "layout");

#endif
