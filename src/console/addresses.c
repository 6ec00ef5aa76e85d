// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/records.h"
#include "addresses.h"

/*
 * Where a PV guest's kernel has its direct map, which is never randomised there:
 * since 4.20, and 4.19.5 and 4.14.84, by d52888aa2753 ("x86/mm: Move LDT remap out of
 * KASLR region on 5-level paging"); before.
 */
#define DIRECT		0xffff888000000000ULL
#define OLD_DIRECT	0xffff880000000000ULL
#define VMEMMAP		0xffffea0000000000ULL
#define DIRECT_32	0xc0000000ULL
#define STRUCT_PAGE	64
#define TEXT		0xffffffff81000000ULL
#define TEXT_SIZE	(16ULL << 20)

static const struct {
	uint64_t from;
	enum region region;
} regions[] = {
	{ 0xffffffffff000000ULL, REGION_OTHER },
	{ 0xffffffffa0000000ULL, REGION_MODULES },
	{ 0xffffffff80000000ULL, REGION_IMAGE },
	{ 0xffffeb0000000000ULL, REGION_OTHER },
	{ VMEMMAP,		 REGION_VMEMMAP },
	{ 0xffffe90000000000ULL, REGION_OTHER },
	{ 0xffffc90000000000ULL, REGION_VMALLOC },
	{ 0xffffc88000000000ULL, REGION_OTHER },
	{ DIRECT,		 REGION_DIRECT },
	{ OLD_DIRECT,		 REGION_OLD_DIRECT },
	{ 0xffff800000000000ULL, REGION_XEN },
	{ 0x0000800000000000ULL, REGION_NONE },
	{ 0x1000ULL,		 REGION_USER },
	{ 0,			 REGION_NULL },
};

enum region address__region(uint64_t address, unsigned int digits)
{
	size_t i = 0;

	if (digits == 8 && address >= 0x1000)
		return address < DIRECT_32 ? REGION_USER : address < 0xf5000000 ? REGION_DIRECT :
		       REGION_OTHER;
	while (address < regions[i].from)
		i++;
	return regions[i].region;
}

const char *region__name(enum region region)
{
	static const char *const names[] = {
		[REGION_NULL] = "in the first page, as of a NULL pointer",
		[REGION_USER] = "in the user half",
		[REGION_NONE] = "no address at all",
		[REGION_XEN] = "in the range of the hypervisor",
		[REGION_OLD_DIRECT] = "in the direct map, as before 4.20",
		[REGION_DIRECT] = "in the direct map",
		[REGION_VMALLOC] = "in vmalloc",
		[REGION_VMEMMAP] = "among the struct pages",
		[REGION_IMAGE] = "in the kernel's image",
		[REGION_MODULES] = "among the modules",
		[REGION_OTHER] = "in no range that holds page tables",
	};

	return names[region];
}

bool address__may_be_text(uint64_t address)
{
	return address - TEXT < TEXT_SIZE;
}

uint64_t address__pfn(uint64_t address, unsigned int digits)
{
	switch (address__region(address, digits)) {
	case REGION_DIRECT:
		return (address - (digits == 8 ? DIRECT_32 : DIRECT)) >> 12;
	case REGION_OLD_DIRECT:
		return (address - OLD_DIRECT) >> 12;
	default:
		return XP_NO_PFN;
	}
}

uint64_t address__vmemmap_pfn(uint64_t address)
{
	return (address - VMEMMAP) / STRUCT_PAGE;
}

static const struct table_writer writers[] = {
	{ "xen_set_pmd", XP_L2, true }, { "xen_set_pud", XP_L3, true },
	{ "xen_set_p4d", XP_L4, true }, { "xen_set_pgd", XP_L4, true },
	{ "xen_pmd_clear", XP_L2, true },
	{ "xen_set_pte*", XP_L1 }, { "__xen_set_pte*", XP_L1 }, { "xen_pte_clear", XP_L1 },
	{ "native_set_pte*", XP_L1 }, { "native_pte_clear", XP_L1 }, { "native_ptep_*", XP_L1 },
	{ "native_set_pmd*", XP_L2 }, { "native_pmd_clear", XP_L2 }, { "native_pmdp_*", XP_L2 },
	{ "native_set_pud*", XP_L3 }, { "native_pud_clear", XP_L3 }, { "native_pudp_*", XP_L3 },
	{ "native_set_p4d*", XP_L4 }, { "native_p4d_clear", XP_L4 },
	{ "native_set_pgd*", XP_L4 }, { "native_pgd_clear", XP_L4 },
	{ "ptep_*", XP_L1 }, { "pmdp_*", XP_L2 }, { "pudp_*", XP_L3 },
};

const struct table_writer *table_writer__find(const char *function)
{
	/* "set_pte [module]" */
	if (strchr(function, ' '))
		return NULL;
	for (size_t i = 0; i < sizeof(writers) / sizeof(*writers); i++) {
		const char *name = writers[i].name;
		size_t len = strlen(name);

		if (name[len - 1] == '*' ? !strncmp(function, name, len - 1)
					 : !strcmp(function, name))
			return &writers[i];
	}
	return NULL;
}

/* Xen's PGT_* of 64 bits: pinned and validated at the same bits in all its layouts. */
#define TYPE_PINNED	(1ULL << 59)
#define TYPE_VALIDATED	(1ULL << 58)

static void decode(uint64_t type, unsigned int shift, struct xen_type *t)
{
	static const char *const names[] = {
		"none", "L1 page table", "L2 page table", "L3 page table", "L4 page table",
		"segment descriptors", "shared", "writable",
	};
	unsigned int number = type >> shift & 7;

	t->known = true;
	t->level = number >= 1 && number <= 4 ? number : 0;
	t->writable = number == 7;
	t->name = names[number];
	t->pinned = type & TYPE_PINNED;
	t->validated = type & TYPE_VALIDATED;
}

/* Of 32 bits, up to Xen 3.3: three bits of type, then pinned and validated. */
static void decode_32(uint64_t type, struct xen_type *t)
{
	decode(type & ~(TYPE_PINNED | TYPE_VALIDATED), 29, t);
	t->pinned = type & 1U << 28;
	t->validated = type & 1U << 27;
}

void xen_types(uint64_t saw, uint64_t expected, struct xen_type *is, struct xen_type *wanted)
{
	unsigned int shift;

	*is = *wanted = (struct xen_type){ .name = "unknown" };
	if (!(saw >> 32) && !(expected >> 32)) {
		decode_32(saw, is);
		decode_32(expected, wanted);
		return;
	}
	/*
	 * The type has the four topmost bits, or since 4.14 or so three of them. What was expected
	 * is a type alone, whose fourth bit shows which; where it does not, what was seen may.
	 */
	if (expected >> 60 & 1)
		shift = 60;
	else if (expected >> 60 > 8 || saw >> 60 > 8 || (saw >> 60) == 8)
		shift = 61;
	else if (saw >> 60 & 1)
		shift = 60;
	else
		return;
	decode(saw, shift, is);
	decode(expected, shift, wanted);
}

uint64_t xen__pfn(uint64_t printed)
{
	/* Of 64 bits and, up to Xen 4.2, of 32. */
	static const uint64_t marks[] = {
		~0ULL, ~1ULL, 0x5555555555555555ULL, UINT32_MAX, UINT32_MAX - 1, 0x55555555,
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (printed == marks[i])
			return XP_NO_PFN;
	return printed;
}

const char *frame__name(uint64_t mfn, uint64_t pfn, char buffer[FRAME_WORDS])
{
	int n = snprintf(buffer, FRAME_WORDS, "mfn 0x%" PRIx64, mfn);

	if (pfn != XP_NO_PFN)
		snprintf(buffer + n, FRAME_WORDS - n, " (pfn 0x%" PRIx64 ")", pfn);
	return buffer;
}
