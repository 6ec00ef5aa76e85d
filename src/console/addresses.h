/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers of a console in words: addresses, page types. */
#ifndef XENPIN_CONSOLE_ADDRESSES_H
#define XENPIN_CONSOLE_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries as Linux prints them hold a pfn: a PV guest's are translated back. */
#define ENTRY_PRESENT	1
#define ENTRY_WRITABLE	2
#define ENTRY_NX	(1ULL << 63)
#define ENTRY_PFN(e)	(((e) & 0x000ffffffffff000ULL) >> 12)

/* Code segments of a kernel: of a PV guest, of 64 and 32 bits; of any other machine. */
static inline bool segment__is_pv(uint64_t segment)
{
	return segment == 0xe030 || segment == 0x61 || segment == 0x69;
}

static inline bool segment__is_native(uint64_t segment)
{
	return segment == 0x10 || segment == 0x60;
}

/*
 * The selector in what Linux prints of a code segment, which is all that its register's slot has:
 * Xen keeps its mask of upcalls there, above 32 bits or, in a guest of 32 bits, above 16, and old
 * CPUs leave anything there.  Whatever is no such slot stays as it is, and is no code segment.
 */
static inline uint64_t segment__selector(uint64_t slot)
{
	uint64_t selector = slot & 0xffff;
	bool is_32 = !(slot >> 32) && (selector == 0x60 || selector == 0x61 || selector == 0x69);

	return is_32 || !(slot & 0xffff0000) ? selector : slot;
}

enum region {
	REGION_NULL, REGION_USER, REGION_NONE, REGION_XEN, REGION_OLD_DIRECT, REGION_DIRECT,
	REGION_VMALLOC, REGION_VMEMMAP, REGION_IMAGE, REGION_MODULES, REGION_OTHER
};

/* Of an address that was printed with @digits digits: 8 are of a kernel of 32 bits. */
enum region address__region(uint64_t address, unsigned int digits);
const char *region__name(enum region region);

/* Where a kernel of 64 bits, which a PV guest never moves, begins with its text. */
bool address__may_be_text(uint64_t address);

/* The frame that the direct map has there, or XP_NO_PFN. */
uint64_t address__pfn(uint64_t address, unsigned int digits);

/* Of an address in vmemmap: the frame whose struct page lies there. */
uint64_t address__vmemmap_pfn(uint64_t address);

/* Who writes page tables, and how. */
struct table_writer {
	const char *name;	/* a function, or with a "*" how it begins */
	uint8_t level;		/* enum xp_level */
	bool asks;		/* it looks at PagePinned, and writes itself only without it */
};

/* NULL: @function is none. */
const struct table_writer *table_writer__find(const char *function);

/* Xen's type of a page, from its own number. */
struct xen_type {
	uint8_t level;		/* of a page table; 0: it is none */
	bool writable;		/* the guest has it mapped writable, or wants to */
	bool known;
	bool pinned, validated;
	const char *name;
};

/* @saw and @expected of one line: together they show which of Xen's layouts they are in. */
void xen_types(uint64_t saw, uint64_t expected, struct xen_type *is, struct xen_type *wanted);

/* A pfn as Xen prints it, or XP_NO_PFN for one of its marks: no pfn, shared, never filled in. */
uint64_t xen__pfn(uint64_t printed);

/* "mfn 0x1 (pfn 0x2)", or without a pfn that is XP_NO_PFN. */
#define FRAME_WORDS	56
const char *frame__name(uint64_t mfn, uint64_t pfn, char buffer[FRAME_WORDS]);

#endif
