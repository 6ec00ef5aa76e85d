// SPDX-License-Identifier: GPL-2.0-only
/* xenpin record: live records into a SQLite file. */
#include <errno.h>
#include <string.h>

#include "../include/config.h"
#include "sink/recording.h"
#include "source/boot_log.h"
#include "tracing.h"

static enum exit_status run(const struct options *opts, const struct platform *platform,
			    struct recorder *recorder)
{
	enum exit_status status = tracing__run(opts, platform, opts->what ?: XP_W_ALL,
					       recorder__sink(recorder));
	const char *error = recorder__error(recorder);

	if (error)
		say("'%s' ends early: %s; what it holds can be read", opts->output, error);
	return status;
}

/* Before capabilities are given up, with which it could not be read any more. */
static bool read_boot_log(struct boot_log *log)
{
	char why[BOOT_LOG_WHY];
	int err = boot_log__open(log, BOOT_LOG_PATH, why);

	if (err && err != -ENOENT)
		say("this boot's log is left out: %s", why);
	if (!err && *log->flaw)
		say("this boot's log is damaged: %s", log->flaw);
	return !err;
}

int cmd_record(const struct options *opts)
{
	struct recorder *recorder;
	struct platform platform;
	enum exit_status status;
	struct boot_log log;
	bool has_log;
	int err;

	if (!opts->output) {
		say("record: say where to, with --output FILE");
		return EXIT_USAGE;
	}
	if (!tracing__possible(&platform))
		return EXIT_CANNOT;
	err = recorder__create(&recorder, opts->output, opts->max_size);
	if (err) {
		say("--output: cannot create '%s': %s%s", opts->output, strerror(-err),
		    err == -EEXIST ? "; remove it, or name another" : "");
		return EXIT_USAGE;
	}
	has_log = read_boot_log(&log);
	if (has_log)
		recorder__begin_with(recorder, &log);
	status = run(opts, &platform, recorder);
	recorder__close(recorder);
	if (has_log)
		boot_log__close(&log);
	return status;
}
