// SPDX-License-Identifier: GPL-2.0-only
/* xenpin record: live records into a SQLite file. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../include/config.h"
#include "base/privileges.h"
#include "boot/boot_account.h"
#include "report/finish.h"
#include "trace/probes.h"
#include "options.h"
#include "tracing.h"
#include "tracing_options.h"

/* As long as it takes a second or two, nobody needs to be told. */
#define MANY_RECORDS	2000000

static struct record_options {
	struct tracing_options tracing;
	const char *output;
	uint64_t max_size;	/* bytes; 0: no limit */
	bool finish;
} given = { .tracing = TRACING_DEFAULTS };

static const struct option_row rows[] = {
	DURATION_ROW(given.tracing.duration_ns),
	{ "count", 'n', "N", "stop after N records", TO_COUNT(given.tracing.count) },
	FILTER_ROWS(given.tracing.trace),
	AUDIT_ROW(given.tracing.audit_ns),
	{ "op", 0, "OP,..", "only pin,unpin,alloc,release,mm-pin,mm-unpin,refused",
	  TO_BITS(given.tracing.trace.what, tracing_ops) },
	{ "output", 'o', "FILE", "the recording, which must not exist", TO_STRING(given.output) },
	{ "max-size", 0, "SIZE", "at this size FILE replaces FILE.1, and another FILE begins",
	  TO_SIZE(given.max_size, 1 << 20) },
	{ "finish", 0, NULL,
	  "trace nothing: make the rows that FILE lacks, whose recorder was killed",
	  TO_FLAG(given.finish) },
	ATTACH_ROWS(given.tracing),
	VERBOSE_ROW(given.tracing.verbose),
	{}
};

/* EXIT_FINDING, EXIT_INCOMPLETE when not all could be done, or EXIT_CLEAN. */
static enum exit_status conclude(const struct record_options *opts, struct recorder *recorder)
{
	int64_t records = recorder__records(recorder);
	char why[RECORDING_WHY];
	uint64_t findings, dropped, missed;
	int err;

	recorder__losses(recorder, &dropped, &missed);
	if (records > MANY_RECORDS)
		say("looking for findings in %" PRId64 " records, and making rows of them; to "
		    "interrupt that does no harm", records);
	err = finish__recorder(recorder, &findings, why);
	if (err)
		say("'%s' is complete, but not all of its records have rows for SQL: %s; 'xenpin "
		    "report' reads them, 'xenpin record --finish -o FILE' makes the rest",
		    opts->output, why);
	else
		say("%" PRId64 " records, %" PRIu64 " dropped, %" PRIu64 " missed, %" PRIu64
		    " findings; `xenpin report %s` says more", records, dropped, missed, findings,
		    opts->output);
	return findings ? EXIT_FINDING : err ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static enum exit_status run(const struct record_options *opts, const struct platform *platform,
			    struct recorder *recorder)
{
	enum exit_status status = tracing__run(&opts->tracing, platform,
					       opts->tracing.trace.what ?: XP_W_ALL,
					       recorder__sink(recorder)), found;
	const char *error = recorder__error(recorder);

	/* The file goes, and why has been said. */
	if (!recorder__has_begun(recorder))
		return status;
	if (error) {
		say("'%s' ends early: %s; what it holds can be read", opts->output, error);
		return status;
	}
	found = conclude(opts, recorder);
	return found == EXIT_FINDING ? found : status ?: found;
}

/* Of a recording whose recorder was killed. */
static enum exit_status finish(const char *path)
{
	char why[RECORDING_WHY];
	struct recording *recording;
	uint64_t findings;
	int err = recording__open(&recording, path, why);

	if (err) {
		say("--finish: cannot read '%s': %s", path, why);
		return err == -EBUSY ? EXIT_INCOMPLETE : EXIT_USAGE;
	}
	recording__close(recording);
	err = finish__recording(path, &findings, why);
	if (err)
		say("--finish: '%s' is left as far as it came: %s%s", path, why,
		    err == -EBUSY ? "; a recorder that is at work on it does this itself when it "
				    "is stopped" : "");
	return findings ? EXIT_FINDING : err ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

/*
 * Before capabilities are given up, with which it could not be read any more.
 * False: this kernel kept none, or it cannot be read.
 */
static bool read_boot(struct boot_account *boot, const struct platform *platform)
{
	char why[BOOT_LOG_WHY];
	int err = boot_account__begin(boot);

	if (err)
		snprintf(why, sizeof(why), "%s", strerror(-err));
	else
		err = boot_account__open(boot, NULL, why);
	if (err && err != -ENOENT)
		say("this boot's log is left out: %s", why);
	if (err || !boot->report.log)
		return false;
	boot_account__read_messages(boot, platform);
	boot_account__each(boot, boot_account__apply, boot);
	boot_account__conclude(boot, false);
	for (unsigned int i = 0; i < boot->report.nr_gaps; i++)
		say("of this boot: %s", boot->report.gaps[i]);
	return true;
}

/*
 * With --max-size a full file is renamed long after capabilities are given up: whoever starts
 * it learns now that it will not be possible.
 */
static bool can_rotate(const char *path)
{
	char *copy = strdupa(path), *older = NULL, *directory = dirname(copy);
	struct stat st;
	bool ok = true;
	int err = privileges__later_access(directory, W_OK | X_OK);

	if (err) {
		say("--max-size: files in '%s' could not be renamed: %s; capabilities are given up, "
		    "so name a directory that this user may write to without any", directory,
		    strerror(-err));
		return false;
	}
	if (asprintf(&older, "%s.1", path) >= 0 && !stat(older, &st) && S_ISDIR(st.st_mode)) {
		say("--max-size: a full file will be called '%s', and that is a directory", older);
		ok = false;
	}
	free(older);
	return ok;
}

static enum exit_status cmd_record(void)
{
	const struct record_options *opts = &given;
	const struct tracing_options *tracing = &given.tracing;
	struct recorder *recorder;
	struct platform platform;
	enum exit_status status;
	struct boot_account boot;
	int err;

	if (!opts->output) {
		say("record: say where to, with --output FILE");
		return EXIT_USAGE;
	}
	if (opts->finish &&
	    (tracing->cmd || tracing->duration_ns || tracing->count || opts->max_size)) {
		say("--finish traces nothing: it wants --output alone");
		return EXIT_USAGE;
	}
	if (opts->finish)
		return finish(opts->output);
	if (opts->max_size && !can_rotate(opts->output))
		return EXIT_USAGE;
	if (tracing->audit_ns && tracing__is_filtered(tracing)) {
		say("--audit judges all page tables, and a recording with a filter is not judged");
		return EXIT_USAGE;
	}
	if (!tracing__possible(&platform))
		return EXIT_CANNOT;
	if (tracing->trace.what & (XP_W_SET | XP_W_CLEAR) && probes__here() == XP_PROBE_FLAG_SET) {
		say("--op: this kernel tells of no write of the flag, and what is inferred is not "
		    "recorded: it follows from the other records");
		return EXIT_USAGE;
	}
	err = recorder__create(&recorder, opts->output, opts->max_size);
	if (err) {
		say("--output: cannot create '%s': %s%s", opts->output, strerror(-err),
		    err == -EEXIST ? "; remove it, or name another" : "");
		return EXIT_USAGE;
	}
	if (read_boot(&boot, &platform))
		recorder__begin_with(recorder, &boot);
	status = run(opts, &platform, recorder);
	recorder__close(recorder);
	boot_account__end(&boot);
	return status;
}

const struct command command_record = {
	.name = "record",
	.args = "[-- CMD [ARG]...]",
	.what = "live records into a file, for `xenpin report`",
	.options = rows,
	.child = &given.tracing.cmd,
	.run = cmd_record,
};
