// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording/database.h"
#include "recording/rows.h"
#include "recording/writer.h"
#include "finish.h"
#include "report.h"

/* Nobody reads the file meanwhile: a copy that another program made may be no WAL yet. */
static int write_findings(const char *path, const struct finding *findings, size_t nr,
			  char why[RECORDING_WHY])
{
	struct writer *w = writer__open(path);
	const char *what;
	int err;

	if (!w) {
		snprintf(why, RECORDING_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	writer__forget_findings(w);
	for (size_t i = 0; i < nr; i++)
		writer__finding(w, &findings[i]);
	writer__set_number(w, "findings", nr);
	writer__commit(w);
	err = writer__error(w, &what);
	if (err)
		snprintf(why, RECORDING_WHY, "%s", what);
	writer__close(w);
	return err;
}

/* What `xenpin report` will say of it. */
static int judge(const char *path, uint64_t *nr, char why[RECORDING_WHY])
{
	struct report report;
	struct finding *findings;
	int err = report__open(&report, path, why);

	if (err)
		return err;
	*nr = report.nr_findings;
	findings = report.findings;
	report.findings = NULL;
	if (*report.damage) {
		snprintf(why, RECORDING_WHY, "%s", report.damage);
		err = -EBADMSG;
	}
	report__close(&report);
	if (!err)
		err = write_findings(path, findings, *nr, why);
	free(findings);
	return err;
}

/* The records that have rows, through the model: rows of others may depend on them. */
struct catching_up {
	struct recording *recording;
	struct pins *pins;
	int64_t after, before;		/* numbers of records */
	int err;
};

static void on_record(void *context, struct xp_record *rec)
{
	struct catching_up *c = context;
	int64_t seq = recording__seq(c->recording);

	if (seq > c->after && seq < c->before)
		c->err = pins__apply(c->pins, rec);
	if (c->err || seq >= c->before)
		recording__stop(c->recording);
}

static int catch_up(struct pins *pins, const char *path, const struct recording_info *info,
		    char why[RECORDING_WHY])
{
	struct catching_up c = { NULL, pins, info->boot_records, info->raw_from };
	int err;

	if (info->raw_from <= info->first_seq || info->raw_from == INT64_MAX)
		return 0;
	err = recording__open(&c.recording, path, why);
	if (err)
		return err;
	err = recording__read(c.recording, on_record, &c, why);
	recording__close(c.recording);
	if (!err && c.err) {
		err = c.err;
		snprintf(why, RECORDING_WHY, "%s", strerror(-err));
	}
	return err;
}

static int make_rows(const char *path, const struct recording_info *info, char why[RECORDING_WHY])
{
	struct pins *pins = pins__new((struct pins_handlers){});
	int err;

	if (!pins) {
		snprintf(why, RECORDING_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	err = catch_up(pins, path, info, why);
	if (!err)
		err = rows__make(path, pins, info->boot_records, why);
	pins__free(pins);
	return err;
}

/*
 * The findings that stand in the recording are final: the recorder judged while it recorded, or
 * somebody looked for them after the last record had become a row.
 */
static bool is_judged(const struct recording_info *info)
{
	return info->judged_live || (info->findings >= 0 && info->raw_from == INT64_MAX);
}

static int finish(const char *path, uint64_t *findings, char why[RECORDING_WHY])
{
	struct recording *recording;
	struct recording_info info;	/* its numbers: what it points to is gone */
	int err = recording__open(&recording, path, why);

	if (err)
		return err;
	info = *recording__info(recording);
	recording__close(recording);
	if (*info.index && info.raw_from != INT64_MAX) {
		/* It may compute whatever its maker wanted for each row. */
		snprintf(why, RECORDING_WHY, "it has an index, '%s', that xenpin did not make; "
			 "drop it first", info.index);
		return -EINVAL;
	}
	if (is_judged(&info))
		*findings = info.findings;
	else
		err = judge(path, findings, why);
	return err ?: make_rows(path, &info, why);
}

int finish__recording(const char *path, uint64_t *findings, char why[RECORDING_WHY])
{
	int lock = database__lock(path, 0), err;

	*findings = 0;
	if (lock < 0) {
		snprintf(why, RECORDING_WHY, "%s",
			 lock == -EBUSY ? "another program writes to it" : strerror(-lock));
		return lock;
	}
	err = finish(path, findings, why);
	close(lock);
	return err;
}

int finish__recorder(struct recorder *recorder, uint64_t *findings, char why[RECORDING_WHY])
{
	const char *files[RECORDER_FILES];
	int n = recorder__files(recorder, files), err = 0;

	*findings = 0;
	for (int i = 0; !err && i < n; i++) {
		uint64_t more;

		err = finish__recording(files[i], &more, why);
		*findings += more;
	}
	return err;
}
