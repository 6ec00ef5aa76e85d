// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ready_file.h"

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

enum exit_status ready_file__create(const char *path)
{
	int err = path ? create(path) : 0;

	if (!err)
		return EXIT_CLEAN;
	say("--ready-file: cannot create '%s': %s (capabilities are given up before it is created)",
	    path, strerror(-err));
	return EXIT_USAGE;
}
