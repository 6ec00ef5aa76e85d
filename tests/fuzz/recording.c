// SPDX-License-Identifier: GPL-2.0-only
/* A file that says it is a recording, byte by byte: damage of any kind. */
#include "report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = file_of(data, size);

	make_reports(path);
	finish(path);
	return 0;
}
