// SPDX-License-Identifier: GPL-2.0-only
/* A dead guest's console: what `xenpin boot --console FILE` does with it. */
#include "target.h"

#include "sink/boot.h"
#include "source/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct console console;

	console__parse(&console, (const char *)data, size);
	console__erased(&console, console.fault.pfn);
	console_text__print(nowhere(), &console, "verdict");
	console_json__print(nowhere(), &console, "verdict");
	return 0;
}
