// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "read_file.h"

/* sysfs serves a page at a time and a pipe what there is: read to the end. */
static int read_all(int fd, size_t max, char **data, size_t *size)
{
	size_t room = 1 << 16;
	char *buf = malloc(room + 1), *more;

	*size = 0;
	while (buf) {
		ssize_t n = read(fd, buf + *size, room - *size);

		if (n < 0 || *size + n > max) {
			free(buf);
			return n < 0 ? -errno : -EFBIG;
		}
		*size += n;
		if (!n) {
			buf[*size] = 0;
			*data = buf;
			return 0;
		}
		if (*size < room)
			continue;
		more = realloc(buf, (room *= 2) + 1);
		if (!more)
			free(buf);
		buf = more;
	}
	return -ENOMEM;
}

int read_file(const char *path, size_t max, char **data, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, max, data, size);
	close(fd);
	return err;
}
