// SPDX-License-Identifier: GPL-2.0-only
/* xenpin report: what a recording says, in one of several formats. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xenpin.h"
#include "report/report.h"
#include "options.h"

static const struct format {
	const char *name;
	int (*write)(struct report *report, FILE *out);
} formats[] = {
	{ "text", report__text },
	{ "json", report__json },
	{ "html", report__html },
	{ "perfetto", report__perfetto },
	{ "folded", report__folded },
	{}
};

static const struct word weights[] = {
	{ "operations", WEIGH_OPERATIONS }, { "latency", WEIGH_LATENCY }, {}
};

static struct report_options {
	const char *operand;
	const char *output;	/* NULL: stdout */
	const char *format;	/* NULL: text */
	uint32_t weight;	/* enum stack_weighing */
	bool verbose;
} given;

static const struct option_row rows[] = {
	{ "output", 'o', "FILE", "write the report to FILE", TO_STRING(given.output) },
	{ "format", 'f', "FORMAT", "text (the default), json, html, perfetto, folded",
	  TO_STRING(given.format) },
	{ "weight", 0, "WEIGHT",
	  "of folded stacks: operations (the default), or latency, in ns waited for Xen",
	  TO_WORD(given.weight, weights) },
	VERBOSE_ROW(given.verbose),
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

static bool is_same_file(const struct stat *file, const char *path)
{
	struct stat st;

	return !stat(path, &st) && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* Is @file the recording, or what SQLite keeps or looks for beside it? */
static bool is_part_of(const char *recording, const struct stat *file)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char real[PATH_MAX], path[PATH_MAX + 16];

	if (!realpath(recording, real))
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", real, suffixes[i]);
		if (is_same_file(file, path))
			return true;
	}
	return false;
}

static int open_file(const char *path, bool *created)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	*created = fd >= 0;
	return fd >= 0 || errno != EEXIST ? fd : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
}

/*
 * What is at @path stays until it is known not to be of @recording: to write there would leave
 * nothing to report on.  NULL after saying why.
 */
static FILE *open_output(const char *path, const char *recording)
{
	bool created;
	int fd = open_file(path, &created);
	struct stat st;
	FILE *out;

	if (fd >= 0 && !fstat(fd, &st) && is_part_of(recording, &st)) {
		say("--output: '%s' is the recording itself, or belongs to it; name another file",
		    path);
		if (created)
			unlink(path);
		close(fd);
		return NULL;
	}
	if (fd >= 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0)) {
		close(fd);
		fd = -1;
	}
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		say("--output: cannot write to '%s': %s", path, strerror(errno));
	return out;
}

static int write_report(struct report *report, const struct format *format, FILE *out)
{
	int err = format->write(report, out);

	if (fflush(out) || ferror(out))
		err = errno ? -errno : -EIO;
	if (out != stdout && fclose(out) && !err)
		err = -errno;
	return err;
}

/* Says what is not in the folded stacks, or not by name.  Is there any such thing? */
static bool say_what_is_missing(const struct report *report)
{
	const struct stacks *s = &report->stacks;
	bool unweighed = report->weighing == WEIGH_LATENCY && s->all.unweighed;

	if (!s->all.batches)
		return false;
	if (!stacks__any(s))
		say("'%s' holds no stacks: `xenpin record --stack` records them", report->path);
	else if (s->without.batches)
		say("%" PRIu64 " of %" PRIu64 " operations were recorded without a stack: they are "
		    "under [no_stack]", s->without.operations, s->all.operations);
	if (s->beyond.batches)
		say("%" PRIu64 " of %" PRIu64 " operations are under [other_stacks]: more than %d "
		    "stacks are not told apart", s->beyond.operations, s->all.operations,
		    STACKS_MAX);
	if (unweighed)
		say("%" PRIu64 " of %" PRIu64 " batches are left out: how long they waited for Xen "
		    "was not seen", s->all.unweighed, s->all.batches);
	return s->without.batches || s->beyond.batches || unweighed;
}

/* Options that do not go together, or have no such value: NULL after saying so. */
static const struct format *choose_format(const struct report_options *opts)
{
	const struct format *format = find_format(opts->format ?: "text");

	if (!format)
		say("--format: '%s' is not one of text, json, html, perfetto, folded", opts->format);
	else if (opts->weight && format->write != report__folded)
		say("--weight: only --format folded has weights, not %s", format->name);
	else
		return format;
	return NULL;
}

static enum exit_status cmd_report(void)
{
	const struct report_options *opts = &given;
	const struct format *format = choose_format(opts);
	enum exit_status status;
	struct report report;
	char why[RECORDING_WHY];
	FILE *out;
	int err;

	if (!format)
		return EXIT_USAGE;
	err = report__open(&report, opts->operand, why);
	if (err) {
		say("cannot report on '%s': %s", opts->operand, why);
		return err == -EBUSY ? EXIT_INCOMPLETE : EXIT_USAGE;
	}
	out = opts->output ? open_output(opts->output, opts->operand) : stdout;
	if (!out) {
		report__close(&report);
		return EXIT_USAGE;
	}
	report.weighing = opts->weight;
	status = statuses[report.verdict];
	if (format->write == report__folded && say_what_is_missing(&report) && status == EXIT_CLEAN)
		status = EXIT_INCOMPLETE;
	err = write_report(&report, format, out);
	report__close(&report);
	if (!err || (err == -EPIPE && !opts->output))
		return status;
	say("the report could not be written to %s: %s", opts->output ?: "stdout", strerror(-err));
	return EXIT_INCOMPLETE;
}

const struct command command_report = {
	.name = "report",
	.args = "FILE",
	.what = "what a recording says",
	.options = rows,
	.operand = &given.operand,
	.run = cmd_report,
};
