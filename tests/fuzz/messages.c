// SPDX-License-Identifier: GPL-2.0-only
/* Lines of /dev/kmsg, then, behind an empty one, of the ring of ftrace. */
#include <string.h>

#include "target.h"

#include "output/boot_output.h"
#include "boot/kmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *line;
	bool ftrace = false;
	struct boot_ftrace ring = {};
	struct kmsg kmsg = {};
	struct boot none = {};
	struct boot_report report = { .boot = &none, .kmsg = &kmsg, .ftrace = &ring };

	memcpy(text, data, size);
	text[size] = 0;
	while ((line = strsep(&rest, "\n"))) {
		ftrace |= !*line;
		if (ftrace)
			boot_ftrace__line(&ring, &kmsg, line);
		else
			kmsg__line(&kmsg, line);
	}
	boot_text__print(nowhere(), &report);
	boot_json__print(nowhere(), &report);
	free(text);
	return 0;
}
