/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording in memory, through all that is made of it by `xenpin report`, and `record --finish`. */
#ifndef XENPIN_FUZZ_REPORT_H
#define XENPIN_FUZZ_REPORT_H

#include <fcntl.h>
#include <unistd.h>

#include "report/finish.h"
#include "report/report.h"
#include "target.h"

static char path[200];

static void remove_files(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char name[sizeof(path) + 10];

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

/* The path of a file that holds @data, and nothing beside it.  It is in $TMPDIR (see run). */
static inline const char *file_of(const void *data, size_t size)
{
	int fd;

	if (!*path) {
		snprintf(path, sizeof(path), "%s/xenpin-fuzz-%d.db", getenv("TMPDIR") ?: "/tmp",
			 getpid());
		atexit(remove_files);
	}
	remove_files();
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	return path;
}

static inline void make_reports(const char *path)
{
	char why[RECORDING_WHY];
	struct report report;

	if (report__open(&report, path, why)) {
		fputs(why, nowhere());
		return;
	}
	report__text(&report, nowhere());
	report__json(&report, nowhere());
	report__perfetto(&report, nowhere());
	report__folded(&report, nowhere());
	report__close(&report);
}

static inline void finish(const char *path)
{
	char why[RECORDING_WHY];
	uint64_t findings;

	if (finish__recording(path, &findings, why))
		fputs(why, nowhere());
}

#endif
