/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures in a file of a directory that is somebody else's: node_exporter's. */
#ifndef XENPIN_TEXTFILE_H
#define XENPIN_TEXTFILE_H

#include <stddef.h>

/* Returns 0, or -errno: @directory is none, or cannot be reached. */
int textfile__check(const char *directory);

/*
 * Replace DIRECTORY/xenpin.prom by @size bytes at @text.  Whoever reads it sees all of the old
 * or all of the new ones, and no link, pipe or file that is there is followed or written to.
 * Returns 0, or -errno: the file is as it was, and nothing else is left behind.
 */
int textfile__write(const char *directory, const char *text, size_t size);

#endif
