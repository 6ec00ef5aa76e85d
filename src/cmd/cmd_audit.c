// SPDX-License-Identifier: GPL-2.0-only
/* xenpin audit: every page table against every witness, now. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "base/platform.h"
#include "base/signals.h"
#include "base/xenpin.h"
#include "guest/snapshot.h"
#include "output/finding.h"
#include "trace/probes.h"
#include "options.h"

static struct audit_options {
	bool json, verbose;
	uint32_t repeat;	/* audits */
} given = { .repeat = 1 };

static const struct option_row rows[] = {
	JSON_ROW(given.json),
	{ "repeat", 0, "N", "audit N times", TO_U32(given.repeat, 1, 1000000) },
	VERBOSE_ROW(given.verbose),
	{}
};

static json_t *pfns_of(const struct audit *audit, enum finding_class class)
{
	json_t *pfns = json_array();

	for (size_t i = 0; i < audit->nr_findings; i++)
		if (audit->findings[i].class == class)
			json_array_append_new(pfns, json_frame(audit->findings[i].pfn));
	return pfns;
}

static void add_classes(json_t *object, const struct audit *audit)
{
	for (int c = 0; c < FINDING_CLASSES; c++)
		if (finding_classes[c].by_audit)
			json_object_set_new(object, finding_classes[c].word, pfns_of(audit, c));
}

static void print_json(const struct audit *a, const struct platform *p)
{
	json_t *object;

	for (size_t i = 0; i < a->nr_findings; i++)
		finding__print_json(stdout, &a->findings[i], NULL);
	object = json_pack("{sisssIsssssos{sisisisi}si}", "schema", JSON_SCHEMA, "type", "audit", "t",
			   (json_int_t)a->begin, "kernel", p->kernel, "domain",
			   p->dom0 ? "dom0" : "domU", "witnesses", json_witnesses(a->witnesses),
			   "tables", "L1", (int)a->tables[XP_L1], "L2", (int)a->tables[XP_L2], "L3",
			   (int)a->tables[XP_L3], "L4", (int)a->tables[XP_L4], "flagged",
			   (int)a->flagged);
	add_classes(object, a);
	json_object_update_new(object,
			       json_pack("{sisisbsIsIsIsI}", "unknown", (int)a->unknown, "aliases",
					 (int)a->aliases, "complete", a->complete, "elapsed_ns",
					 (json_int_t)(a->end - a->begin), "trees_ns",
					 (json_int_t)a->trees_ns, "scan_ns", (json_int_t)a->scan_ns,
					 "direct_map_ns", (json_int_t)a->direct_map_ns));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_text(const struct audit *a, const struct platform *p)
{
	uint32_t all = 0, bare;

	for (int level = XP_L1; level <= XP_L4; level++)
		all += a->tables[level];
	if (a->nr_findings)
		printf("%zu finding%s", a->nr_findings, a->nr_findings == 1 ? "" : "s");
	else if (!audit__is_whole(a))
		printf("incomplete, nothing found");
	else
		printf("clean");
	printf(": %u page tables (L1 %u, L2 %u, L3 %u, L4 %u), %u with the flag", all,
	       a->tables[XP_L1], a->tables[XP_L2], a->tables[XP_L3], a->tables[XP_L4], a->flagged);
	/* With findings or unknown ones among them it is those. */
	bare = all - a->flagged;
	if (bare && !a->nr_findings && !a->unknown)
		printf(", %u of the kernel's that need%s none", bare, bare == 1 ? "s" : "");
	printf(", %u unknown; witnesses:", a->unknown);
	for (int bit = 0; bit < WITNESSES; bit++)
		if (a->witnesses & 1 << bit)
			printf(" %s", witness__name(1 << bit));
	printf("; %.1f ms\n", (a->end - a->begin) / 1e6);
	for (size_t i = 0; i < a->nr_findings; i++)
		finding__print_text(stdout, &a->findings[i], NULL);
}

static enum exit_status verdict(const struct audit *a)
{
	if (a->nr_findings)
		return EXIT_FINDING;
	return audit__is_whole(a) ? EXIT_CLEAN : EXIT_INCOMPLETE;
}

/* A finding outranks "incomplete". */
static enum exit_status worse(enum exit_status a, enum exit_status b)
{
	if (a == EXIT_FINDING || b == EXIT_FINDING)
		return EXIT_FINDING;
	return a > b ? a : b;
}

static enum exit_status run(const struct audit_options *opts, const struct platform *platform,
			    struct guest *guest)
{
	enum exit_status status = EXIT_CLEAN;

	/* A signal waits for the end of the first one: without an audit there is no verdict. */
	for (uint32_t i = 0; i < opts->repeat && !(i && signals__waiting()); i++) {
		struct audit audit;
		int err = audit__take(&audit, guest);

		if (err) {
			say("the audit failed: %s", strerror(-err));
			audit__free(&audit);
			return status == EXIT_FINDING ? status : EXIT_LOAD;
		}
		(opts->json ? print_json : print_text)(&audit, platform);
		status = worse(status, verdict(&audit));
		audit__free(&audit);
		if (!fflush(stdout))
			continue;
		if (errno == EPIPE)
			return status;
		say("cannot write to stdout: %s", strerror(errno));
		return worse(status, EXIT_INCOMPLETE);
	}
	return status;
}

static enum exit_status cmd_audit(void)
{
	char why[AUDIT_REASON_LEN];
	struct platform platform;
	enum exit_status status;
	struct guest *guest;
	const char *obstacle;
	int err;

	probes__verbose(given.verbose);
	platform__read(&platform);
	obstacle = platform__obstacle(&platform);
	if (obstacle) {
		say("%s", obstacle);
		return EXIT_CANNOT;
	}
	err = snapshot__open(&guest, platform.dom0, why);
	if (err) {
		say("cannot audit: %s", why);
		return err == -ENOKEY ? EXIT_CANNOT : EXIT_LOAD;
	}
	/* Only now: a signal that comes while the kernel still verifies the programs ends that at once. */
	signals__catch(0);
	if (platform.dom0 && *guest->no_types)
		say("one witness less, Xen's types: %s", guest->no_types);
	status = run(&given, &platform, guest);
	guest__close(guest);
	return status;
}

const struct command command_audit = {
	.name = "audit",
	.args = "",
	.what = "every page table against every witness, once",
	.options = rows,
	.run = cmd_audit,
};
