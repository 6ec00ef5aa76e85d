/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that travel from the kernel to user space.
 *
 * One format serves every source: the live BPF ring, the early BPF ring and
 * the patched kernel's boot log.  A record occupies one or more slots of
 * XP_SLOT bytes; its first slot is a struct xp_record.  When XP_F_STACK is set
 * the kernel stack follows it; then what the kind has (struct xp_op of a batch).
 * Everything is little endian with fixed widths; padding is zero.
 *
 * Included by bpf/, src/ and kernel/: <linux/types.h> is all that is everywhere.
 */
#ifndef XENPIN_RECORD_H
#define XENPIN_RECORD_H

#include <linux/types.h>

#define XP_SLOT		64	/* bytes; a record starts on a multiple of it */
#define XP_COMM_LEN	16
#define XP_OPS_MAX	32	/* per batch: 512 argument bytes hold at most 21 mmuext ops */
#define XP_STACK_MAX	32	/* frames */
#define XP_RUN_MAX	512	/* tables of a run: as many as one L2 table refers to */

enum {
#define KIND(name, ...) XP_ROW_##name,
#include "kinds.def"
	XP_KINDS
};

/* What a record tells: kinds.def.  0 is none, so that a slot that nobody wrote has none. */
enum xp_kind {
#define KIND(name, ...) XP_##name = XP_ROW_##name + 1,
#include "kinds.def"
};

#define XP_KIND_END	(XP_KINDS + 1)

/* Where a record comes from: by this, what had no room is counted.  See probes.def. */
enum xp_probe {
#define PROBE(name, ...) XP_PROBE_##name,
#include "probes.def"
	XP_PROBE_END
};

#define XP_PROBES_MAX	12	/* that a ring has counters for */

/* Xen's numbering: L1 holds PTEs, L4 is the PGD.  0 when unknown. */
enum xp_level { XP_L_NONE, XP_L1, XP_L2, XP_L3, XP_L4 };

enum xp_flags {
	XP_F_PINNED	= 1 << 0,	/* table: the tracepoint's own "pinned" argument */
	XP_F_FLAG	= 1 << 1,	/* PagePinned was set (flag writes: before the write) */
	XP_F_FLAG_KNOWN	= 1 << 2,	/* XP_F_FLAG could be read */
	XP_F_STACK	= 1 << 3,	/* XP_STACK_BYTES of return addresses follow */
	XP_F_RESULT	= 1 << 4,	/* batch: the results are Xen's; clear: not seen */
	XP_F_INFERRED	= 1 << 5,	/* flag write: concluded from other records, not seen */
};

enum xp_op_kind { XP_OP_PIN = 1, XP_OP_UNPIN };

/* Where a struct page was initialised when its flag was erased. */
enum xp_where { XP_WHERE_NONE, XP_WHERE_HANDOVER, XP_WHERE_DEFERRED, XP_WHERE_GROW };

/* A multicall entry that Xen refused.  What could not be read has all bits set. */
struct xp_refused {
	__u16 hypercall;	/* __HYPERVISOR_* */
	__s16 result;		/* Xen's: -errno */
	__u16 command;		/* of its first operation: MMUEXT_*, or of an mmu_update MMU_*; else 0 */
	__u16 count;		/* operations of an mmuext_op or mmu_update; else 1 */
	/*
	 * The first operation's .arg1 and .arg2, or .ptr without its command and .val; of any other
	 * hypercall the first two arguments: of update_va_mapping the address and the new entry.
	 */
	__u64 args[2];
};

#define XP_NO_HYPERCALL	0xffff	/* Xen has overwritten which one it was */
#define XP_NO_COMMAND	0xffff
#define XP_NO_COUNT	0xffff

struct xp_record {
	__u32 seq;	/* slot number of the record in its stream + 1; written last */
	__u8  kind;	/* enum xp_kind */
	__u8  nslots;	/* length of the record, this slot included */
	__u16 cpu;
	__u64 t;	/* ns, CLOCK_MONOTONIC (boot log: local_clock()) */
	__u32 pid;	/* thread group id */
	__u8  level;	/* enum xp_level */
	__u8  flags;	/* enum xp_flags */
	__u16 where;	/* enum xp_where */
	char  comm[XP_COMM_LEN];
	union {
		struct { __u64 pfn, mm, ip; } table, flag;
		struct { __u64 mm, pgd, pgd_pfn; } mm;
		struct { __u32 entries, nops; __u64 latency_ns, pad; } batch;	/* .nops xp_op follow */
		struct { __u64 pfn, pages; __u32 node, threads; } boot;
		/* Records of .probe that were dropped on this CPU just before. */
		struct { __u32 probe, pad; __u64 count, pad2; } dropped;
		struct xp_refused refused;
	} u;
};

struct xp_op {
	__u64 mfn;
	__u64 pfn;	/* ~0 when the M2P table gave none */
	__s64 result;	/* Xen's: 0 or -errno */
	__u8  op;	/* enum xp_op_kind */
	__u8  level;	/* enum xp_level; of an unpin, XP_L_NONE: the hypercall does not say */
	__u8  pad[6];
};

#define XP_NO_PFN	(~0ULL)
#define XP_NO_TIME	(~0ULL)	/* latency_ns: the end of the flush was not seen */

/* XP_STACK_MAX return addresses, ended by a 0 when there are fewer. */
#define XP_STACK_BYTES	(XP_STACK_MAX * sizeof(__u64))

/*
 * One ring per CPU, written by BPF on that CPU only (interrupts nest, so slots
 * are reserved with cmpxchg) and read by user space through mmap.  The slots
 * are followed by XP_RECORD_SLOTS_MAX more, so that a record that starts at
 * the end of the ring is contiguous.
 */
struct xp_ring {
	__u64 head;			/* slots reserved since the start; writer */
	__u64 dropped[XP_PROBES_MAX];	/* since the start, by enum xp_probe; writer */
	__u32 closed;			/* full: all is dropped until the reader clears it; both */
	__u32 pad0;
	__u64 pad1[18];
	__u64 tail;			/* slots consumed since the start; reader */
	__u64 pad2[31];
	__u8  slots[];
};

#define XP_RECORD_SLOTS_MAX \
	((sizeof(struct xp_record) + XP_OPS_MAX * sizeof(struct xp_op) + \
	  XP_STACK_BYTES) / XP_SLOT)

_Static_assert(sizeof(struct xp_record) == XP_SLOT, "a record's head is one slot");
_Static_assert(__builtin_offsetof(struct xp_record, u) == 40, "layout");
_Static_assert(XP_PROBE_END <= XP_PROBES_MAX, "a ring counts what each probe dropped");
_Static_assert(sizeof(struct xp_refused) == 24, "as the union's other members");
_Static_assert(sizeof(struct xp_op) == 32, "two operations per slot");
_Static_assert(__builtin_offsetof(struct xp_ring, tail) == 256, "own cache line");
_Static_assert(__builtin_offsetof(struct xp_ring, slots) == 512, "layout");

#endif
