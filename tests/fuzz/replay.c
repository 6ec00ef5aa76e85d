// SPDX-License-Identifier: GPL-2.0-only
/* A trace as JSON lines, as tests/replay/ has them. */
#define main replay_main
#include "../replay/replay.c"
#undef main

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pins *pins = pins__new((struct pins_handlers){ .finding = on_finding });
	FILE *in = size ? fmemopen((void *)data, size, "r") : NULL;

	if (in) {
		replay(in, pins);
		fclose(in);
	}
	pins__confirm(pins);
	pins__free(pins);
	return 0;
}
