// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "xenpin.h"

void say(const char *format, ...)
{
	va_list args;

	fputs("xenpin: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

enum exit_status stdout_ends(enum exit_status status)
{
	if ((!fflush(stdout) && !ferror(stdout)) || errno == EPIPE)
		return status;
	say("cannot write to stdout: %s", strerror(errno ?: EIO));
	return EXIT_INCOMPLETE;
}
