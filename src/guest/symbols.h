/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel addresses as names, and as source lines where debug information is installed. */
#ifndef XENPIN_SYMBOLS_H
#define XENPIN_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_LEN 256

struct symbols;
struct lines;

/*
 * Opens @kallsyms (needs CAP_SYSLOG to show addresses) and, if there is one,
 * the debug information of kernel @release; both are read at the first
 * question, by when capabilities may be gone, and the former again when an
 * address may be a new module's.  NULL and errno on failure.
 */
struct symbols *symbols__open(const char *kallsyms, const char *release);
void symbols__close(struct symbols *symbols);

/*
 * "xen_mc_flush+0x1a (arch/x86/xen/multicalls.c:87)" for @address.  Returns
 * false for a frame of BPF's own, which says nothing about the kernel.
 */
bool symbols__name(struct symbols *symbols, uint64_t address, char *name, size_t size);

/*
 * Source lines of the ELF file @path, whose symbol @anchor runs at @address.
 * NULL when it holds no such symbol or no line information.
 */
struct lines *lines__open(const char *path, const char *anchor, uint64_t address);
void lines__close(struct lines *lines);

/* Fills in "file:line", with the path as the compiler saw it; false when unknown. */
bool lines__find(struct lines *lines, uint64_t address, char *where, size_t size);

#endif
