// SPDX-License-Identifier: GPL-2.0-only
/* Source lines through elfutils' libdwfl: DWARF in all its versions, compressed or split. */
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

struct lines {
	Dwfl *dwfl;
	Dwfl_Module *module;
	uint64_t shift;		/* running address - dwfl's address */
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

static bool find_anchor(struct lines *lines, const char *anchor, uint64_t address)
{
	int n = dwfl_module_getsymtab(lines->module);

	for (int i = 1; i < n; i++) {
		GElf_Addr value;
		GElf_Sym symbol;
		const char *name = dwfl_module_getsym_info(lines->module, i, &symbol, &value, NULL,
							   NULL, NULL);

		if (name && !strcmp(name, anchor)) {
			lines->shift = address - value;
			return true;
		}
	}
	return false;
}

struct lines *lines__open(const char *path, const char *anchor, uint64_t address)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	Dwarf_Addr bias;

	if (!lines)
		return NULL;
	lines->dwfl = dwfl_begin(&callbacks);
	if (!lines->dwfl)
		goto fail;
	lines->module = dwfl_report_offline(lines->dwfl, "kernel", path, -1);
	dwfl_report_end(lines->dwfl, NULL, NULL);
	if (!lines->module || !dwfl_module_getdwarf(lines->module, &bias) ||
	    !find_anchor(lines, anchor, address))
		goto fail;
	return lines;
fail:
	lines__close(lines);
	return NULL;
}

void lines__close(struct lines *lines)
{
	if (!lines)
		return;
	if (lines->dwfl)
		dwfl_end(lines->dwfl);
	free(lines);
}

bool lines__find(struct lines *lines, uint64_t address, char *where, size_t size)
{
	Dwfl_Line *line = dwfl_module_getsrc(lines->module, address - lines->shift);
	const char *file;
	int nr;

	if (!line)
		return false;
	file = dwfl_lineinfo(line, NULL, &nr, NULL, NULL, NULL);
	if (!file)
		return false;
	snprintf(where, size, "%s:%d", file, nr);
	return true;
}
