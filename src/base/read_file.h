/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENPIN_READ_FILE_H
#define XENPIN_READ_FILE_H

#include <stddef.h>

/*
 * A file, whole, into memory that the caller frees; a NUL follows its @size
 * bytes.  -EFBIG beyond @max bytes: some files have no end.  Returns 0 or -errno.
 */
int read_file(const char *path, size_t max, char **data, size_t *size);

#endif
