// SPDX-License-Identifier: GPL-2.0-only
/* `xenpin boot --console FILE|-`: why a guest died, by what it and Xen printed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/console.h"
#include "boot_files.h"

#define PIECE		(256 << 10)
#define CONSOLE_MAX	(1ULL << 30)	/* bytes: some files have no end */

/* Returns 0 or -errno. */
static int read_pieces(struct scan *scan, int fd)
{
	char *piece = malloc(PIECE);
	uint64_t size = 0;
	int err = -ENOMEM;

	while (piece) {
		ssize_t n = read(fd, piece, PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		size += n > 0 ? n : 0;
		if (n <= 0 || size > CONSOLE_MAX) {
			err = n < 0 ? -errno : n ? -EFBIG : 0;
			break;
		}
		scan__feed(scan, piece, n);
	}
	free(piece);
	return err;
}

static int read_console(struct console *console, const char *path)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), err, ended;

	if (fd < 0)
		return -errno;
	scan__begin(&console->scan);
	err = read_pieces(&console->scan, fd);
	ended = scan__end(&console->scan);
	if (!standard)
		close(fd);
	return err ?: ended ?: console__judge(console);
}

static enum exit_status status_of(const struct console *console)
{
	return console->finding ? EXIT_FINDING : console->clean ? EXIT_CLEAN : EXIT_INCOMPLETE;
}

static enum exit_status print(const struct console *console, const char *path, bool json)
{
	enum exit_status status = status_of(console);

	if (console__is_none(console)) {
		if (console->scan.journal.record.unowned)
			say("--console %s: it is no console: the records do not say who printed "
			    "them; leave --output-fields away from journalctl's command",
			    path);
		else
			say("--console %s: it is no console: no line of it is one of Linux or of "
			    "Xen",
			    path);
		return EXIT_USAGE;
	}
	if (json)
		console_json__print(stdout, console, status);
	else
		console_text__print(stdout, console);
	return stdout_ends(status);
}

enum exit_status boot_files__console(const char *path, bool json)
{
	struct console *console = calloc(1, sizeof(*console));
	enum exit_status status;
	int err = console ? read_console(console, path) : -ENOMEM;

	if (!err) {
		status = print(console, path, json);
	} else {
		say("--console %s: %s", path, strerror(-err));
		status = err == -ENOMEM ? EXIT_LOAD : EXIT_USAGE;
	}
	if (console)
		console__free(console);
	free(console);
	return status;
}
