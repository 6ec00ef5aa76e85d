// SPDX-License-Identifier: GPL-2.0-only
/* xenpin: one binary, a table of commands. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/xenpin.h"
#include "cmd/options.h"

/* In the order in which help and manual name them; each is in its cmd/cmd_NAME.c. */
#define COMMANDS(_) \
	_(features) \
	_(audit) \
	_(page) \
	_(trace) \
	_(boot) \
	_(record) \
	_(report) \
	_(top) \
	_(export) \
	_(explain)

#define DECLARE(name)	extern const struct command command_##name;
#define ADDRESS(name)	&command_##name,

COMMANDS(DECLARE)

static const struct command *const commands[] = { COMMANDS(ADDRESS) NULL };

static void usage(FILE *to)
{
	fputs("Usage: xenpin COMMAND [OPTION]...\n\n"
	      "Shows the pinned page tables of a Xen PV guest, and what happens to them.\n\n"
	      "Commands:\n", to);
	for (const struct command *const *cmd = commands; *cmd; cmd++)
		fprintf(to, "  %-10s %s\n", (*cmd)->name, (*cmd)->what);
	fputs("\n`xenpin COMMAND --help` lists a command's options.\n"
	      "Exit status: 0 clean, 1 finding, 2 usage, 3 this system cannot, "
	      "4 load or attach failed, 5 incomplete.\n", to);
}

static const struct command *find_command(const char *name)
{
	for (const struct command *const *cmd = commands; *cmd; cmd++)
		if (!strcmp((*cmd)->name, name))
			return *cmd;
	return NULL;
}

/*
 * A closed one stays useless, here and in CMD, but its number is taken: else a file that we
 * open, a recording for one, gets that number, and what is said is written into it.
 */
static void occupy(int fd)
{
	if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_CLOEXEC) < 0)
		_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	occupy(STDIN_FILENO);
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		say("stdout is closed: there is nowhere to write to");
		return EXIT_USAGE;
	}
	occupy(STDERR_FILENO);
	signals__begin();
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return stdout_ends(EXIT_CLEAN);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("xenpin " XENPIN_VERSION);
		return stdout_ends(EXIT_CLEAN);
	}
	if (!strcmp(argv[1], "--list-options")) {
		for (const struct command *const *c = commands; *c; c++)
			options__list(*c, stdout);
		return stdout_ends(EXIT_CLEAN);
	}
	cmd = find_command(argv[1]);
	if (!cmd) {
		say("unknown command '%s'; `xenpin --help` lists them", argv[1]);
		return EXIT_USAGE;
	}
	/*
	 * libbpf reads 6 MB of type information, copies them and frees the
	 * first: on the heap the pages serve again, as mappings of their own
	 * each would be faulted in, cleared and unmapped, which is dear under Xen.
	 */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	switch (options__parse(cmd, argc - 1, argv + 1)) {
	case OPTIONS_HELP:
		return stdout_ends(EXIT_CLEAN);
	case OPTIONS_BAD:
		return EXIT_USAGE;
	case OPTIONS_OK:
		break;
	}
	return cmd->run();
}
