// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "textfile.h"

#define NAME	"xenpin.prom"

static int open_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int textfile__check(const char *directory)
{
	int dir = open_directory(directory);

	if (dir < 0)
		return dir;
	close(dir);
	return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0)
			return -errno;
		text += n;
		size -= n;
	}
	/* Some disks say only now that they are full; and a crash leaves no empty file. */
	return fsync(fd) ? -errno : 0;
}

static int write_file(int dir, const char *name, const char *text, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text, size);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(dir, name, dir, NAME))
		err = -errno;
	if (err)
		unlinkat(dir, name, 0);
	return err;
}

int textfile__write(const char *directory, const char *text, size_t size)
{
	int dir = open_directory(directory), err;
	char name[sizeof(NAME) + 20];
	uint64_t number;

	if (dir < 0)
		return dir;
	/* A name that nobody can foresee, so that nobody can occupy it; not *.prom, so not read. */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		err = -errno;
	} else {
		snprintf(name, sizeof(name), NAME ".%016llx", (unsigned long long)number);
		err = write_file(dir, name, text, size);
	}
	close(dir);
	return err;
}
