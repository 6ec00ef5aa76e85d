// SPDX-License-Identifier: GPL-2.0-only
/* A dead guest's console: what `xenpin boot --console FILE` does with it, fed in pieces. */
#include "target.h"

#include "output/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct console *console = calloc(1, sizeof(*console));
	size_t half = size / 2;

	if (!console)
		abort();
	scan__begin(&console->scan);
	scan__feed(&console->scan, (const char *)data, half);
	scan__feed(&console->scan, (const char *)data + half, size - half);
	if (scan__end(&console->scan) || console__judge(console))
		abort();
	if (!console__is_none(console)) {
		console_text__print(nowhere(), console);
		console_json__print(nowhere(), console, 0);
	}
	console__free(console);
	free(console);
	return 0;
}
