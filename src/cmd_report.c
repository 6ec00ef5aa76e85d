// SPDX-License-Identifier: GPL-2.0-only
/* xenpin report: what a recording says, in one of several formats. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"
#include "report/report.h"
#include "xenpin.h"

static const struct format {
	const char *name;
	int (*write)(struct report *report, FILE *out);
} formats[] = {
	{ "text", report__text },
	{ "json", report__json },
	{ "html", report__html },
	{ "perfetto", report__perfetto },
	{}
};

static const enum exit_status statuses[] = {
	[VERDICT_CLEAN] = EXIT_CLEAN,
	[VERDICT_FINDING] = EXIT_FINDING,
	[VERDICT_INCOMPLETE] = EXIT_INCOMPLETE,
};

static const struct format *find_format(const char *name)
{
	const struct format *f = formats;

	while (f->name && strcmp(f->name, name))
		f++;
	return f->name ? f : NULL;
}

/* To write there would leave nothing to report on. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int write_report(struct report *report, const struct format *format, const char *path)
{
	FILE *out = path ? fopen(path, "we") : stdout;
	int err;

	if (!out)
		return -errno;
	err = format->write(report, out);
	if (fflush(out) || ferror(out))
		err = errno ? -errno : -EIO;
	if (path && fclose(out) && !err)
		err = -errno;
	return err;
}

int cmd_report(const struct options *opts)
{
	const struct format *format = find_format(opts->format ?: "text");
	enum exit_status status;
	struct report report;
	char why[RECORDING_WHY];
	int err;

	if (!format) {
		say("--format: '%s' is not one of text, json, html, perfetto", opts->format);
		return EXIT_USAGE;
	}
	if (opts->output && is_same_file(opts->file, opts->output)) {
		say("--output: '%s' is the recording itself; name another file", opts->output);
		return EXIT_USAGE;
	}
	err = report__open(&report, opts->file, why);
	if (err) {
		say("cannot report on '%s': %s", opts->file, why);
		return EXIT_USAGE;
	}
	status = statuses[report.verdict];
	err = write_report(&report, format, opts->output);
	report__close(&report);
	if (!err || (err == -EPIPE && !opts->output))
		return status;
	say("the report could not be written to %s: %s", opts->output ?: "stdout", strerror(-err));
	return EXIT_INCOMPLETE;
}
