// SPDX-License-Identifier: GPL-2.0-only
/* xenpin features: what this kernel and this user can do, and the reason for each no. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "base/privileges.h"
#include "base/xenpin.h"
#include "record/records.h"
#include "trace/probes.h"
#include "options.h"

static struct {
	bool json, verbose;
} given;

static const struct option_row rows[] = {
	JSON_ROW(given.json),
	VERBOSE_ROW(given.verbose),
	{}
};

/* What does not work without the kernel's symbols; the reason follows. */
#define HIDDEN "no audit, page, trace --findings, and no names in stacks: "

struct verdict {
	bool works;
	char reason[REASON_LEN];	/* of a no */
};

struct features {
	struct platform platform;
	const char *obstacle;		/* NULL: probes were probed */
	const char *hidden;		/* why the kernel's symbols are; NULL: they are not */
	struct verdict ways[LIVE_PROBES][WAYS_MAX];
};

/* The first way that works, or -1. */
static int chosen(const struct features *f, int probe)
{
	for (int w = 0; w < WAYS_MAX && probes[probe].ways[w].via; w++)
		if (f->ways[probe][w].works)
			return w;
	return -1;
}

static const char *via(const struct features *f, int probe)
{
	int w = chosen(f, probe);

	if (probe >= probes__here())
		return "inferred";
	return w < 0 ? "none" : probes[probe].ways[w].via;
}

static void try_all(struct features *f)
{
	platform__read(&f->platform);
	f->obstacle = platform__obstacle(&f->platform);
	f->hidden = platform__hides_symbols();
	if (f->obstacle)
		return;
	for (int probe = 0; probe < LIVE_PROBES; probe++)
		for (int w = 0; w < WAYS_MAX && probes[probe].ways[w].via; w++)
			f->ways[probe][w].works = probes__try(probe, w, f->ways[probe][w].reason);
}

static enum exit_status status(const struct features *f)
{
	if (f->obstacle)
		return EXIT_CANNOT;
	for (int probe = 0; probe < LIVE_PROBES; probe++)
		if (probes[probe].required && chosen(f, probe) < 0)
			return EXIT_LOAD;
	return EXIT_CLEAN;
}

static void print_text(const struct features *f)
{
	const struct platform *p = &f->platform;

	printf("%-13s %s\n", "kernel", p->kernel);
	printf("%-13s %s\n", "guest", platform__guest_name(p->guest));
	if (p->guest == GUEST_PV)
		printf("%-13s %s\n", "domain", p->dom0 ? "dom0 (control domain)" : "domU");
	printf("%-13s %u\n", "vcpus", p->vcpus);
	printf("%-13s %s\n", "BTF", p->btf ? "yes" : "no");
	printf("%-13s %s\n", "lockdown", p->confidential ? "confidentiality" : "does not hinder");
	printf("%-13s %s\n", "capabilities", privileges__missing() ?: "complete");
	printf("%-13s %s%s\n", "symbols", f->hidden ? HIDDEN : "shown", f->hidden ?: "");
	if (f->obstacle) {
		printf("\nNo tracing: %s.\n", f->obstacle);
		return;
	}
	printf("\n%-10s %-9s %-8s %s\n", "PROBE", "", "VIA", "OBSERVES");
	for (int probe = 0; probe < LIVE_PROBES; probe++) {
		printf("%-10s %-9s %-8s %s\n", record_probes[probe].name,
		       probes[probe].required ? "required" : "optional", via(f, probe), record_probes[probe].what);
		for (int w = 0; w < WAYS_MAX && probes[probe].ways[w].via; w++)
			if (!f->ways[probe][w].works)
				printf("%20s no %s: %s\n", "", probes[probe].ways[w].via,
				       f->ways[probe][w].reason);
	}
}

static json_t *probe_object(const struct features *f, int probe)
{
	json_t *ways = json_array();

	for (int i = 0; i < WAYS_MAX && probes[probe].ways[i].via; i++)
		json_array_append_new(ways, json_pack("{sssbss}", "via", probes[probe].ways[i].via,
						      "works", f->ways[probe][i].works, "reason",
						      f->ways[probe][i].reason));
	return json_pack("{sssbssssso}", "name", record_probes[probe].name, "required", probes[probe].required, "via",
			 via(f, probe), "observes", record_probes[probe].what, "ways", ways);
}

static void print_json(const struct features *f)
{
	const struct platform *p = &f->platform;
	json_t *list = json_array(), *object;

	for (int probe = 0; probe < LIVE_PROBES && !f->obstacle; probe++)
		json_array_append_new(list, probe_object(f, probe));
	object = json_pack("{sissssssss sisbsbssssssso}", "schema", JSON_SCHEMA, "type", "features", "kernel",
			   p->kernel, "guest", platform__guest_name(p->guest), "domain",
			   p->guest != GUEST_PV ? "" : p->dom0 ? "dom0" : "domU", "vcpus",
			   (int)p->vcpus, "btf", p->btf, "confidentiality", p->confidential,
			   "missing_capabilities", privileges__missing() ?: "", "obstacle",
			   f->obstacle ?: "", "hidden_symbols", f->hidden ?: "", "probes", list);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static enum exit_status cmd_features(void)
{
	struct features f = {};

	probes__verbose(given.verbose);
	try_all(&f);
	(given.json ? print_json : print_text)(&f);
	return stdout_ends(status(&f));
}

const struct command command_features = {
	.name = "features",
	.args = "",
	.what = "what this kernel and this user can do",
	.options = rows,
	.run = cmd_features,
};
