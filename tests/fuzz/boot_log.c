// SPDX-License-Identifier: GPL-2.0-only
/* A boot log as a file: what `xenpin boot --log FILE` does with it. */
#include "outcome.h"

#include "boot/log_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[BOOT_LOG_WHY];
	struct boot_log log;
	struct outcome o;

	if (boot_log__parse(&log, data, size, why))
		return 0;
	outcome__open(&o, &log.header);
	boot_log__each(&log, outcome__record, &o);
	outcome__print(&o);
	boot_log__close(&log);
	return 0;
}
