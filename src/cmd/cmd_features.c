// SPDX-License-Identifier: GPL-2.0-only
/* xenpin features: what this kernel and this user can do, and the reason for each no. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "base/privileges.h"
#include "base/xenpin.h"
#include "trace/hooks.h"
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
	const char *obstacle;		/* NULL: hooks were probed */
	const char *hidden;		/* why the kernel's symbols are; NULL: they are not */
	struct verdict ways[HOOKS][WAYS_MAX];
};

/* The first way that works, or -1. */
static int chosen(const struct features *f, int hook)
{
	for (int w = 0; w < WAYS_MAX && hooks[hook].ways[w].via; w++)
		if (f->ways[hook][w].works)
			return w;
	return -1;
}

static const char *via(const struct features *f, int hook)
{
	int w = chosen(f, hook);

	if (hook >= hooks__here())
		return "inferred";
	return w < 0 ? "none" : hooks[hook].ways[w].via;
}

static void probe(struct features *f)
{
	platform__read(&f->platform);
	f->obstacle = platform__obstacle(&f->platform);
	f->hidden = platform__hides_symbols();
	if (f->obstacle)
		return;
	for (int h = 0; h < HOOKS; h++)
		for (int w = 0; w < WAYS_MAX && hooks[h].ways[w].via; w++)
			f->ways[h][w].works = hooks__probe(h, w, f->ways[h][w].reason);
}

static enum exit_status status(const struct features *f)
{
	if (f->obstacle)
		return EXIT_CANNOT;
	for (int h = 0; h < HOOKS; h++)
		if (hooks[h].required && chosen(f, h) < 0)
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
	printf("\n%-10s %-9s %-8s %s\n", "HOOK", "", "VIA", "OBSERVES");
	for (int h = 0; h < HOOKS; h++) {
		printf("%-10s %-9s %-8s %s\n", hooks[h].name,
		       hooks[h].required ? "required" : "optional", via(f, h), hooks[h].what);
		for (int w = 0; w < WAYS_MAX && hooks[h].ways[w].via; w++)
			if (!f->ways[h][w].works)
				printf("%20s no %s: %s\n", "", hooks[h].ways[w].via,
				       f->ways[h][w].reason);
	}
}

static json_t *hook_object(const struct features *f, int h)
{
	json_t *ways = json_array();

	for (int i = 0; i < WAYS_MAX && hooks[h].ways[i].via; i++)
		json_array_append_new(ways, json_pack("{sssbss}", "via", hooks[h].ways[i].via,
						      "works", f->ways[h][i].works, "reason",
						      f->ways[h][i].reason));
	return json_pack("{sssbssssso}", "name", hooks[h].name, "required", hooks[h].required, "via",
			 via(f, h), "observes", hooks[h].what, "ways", ways);
}

static void print_json(const struct features *f)
{
	const struct platform *p = &f->platform;
	json_t *list = json_array(), *object;

	for (int h = 0; h < HOOKS && !f->obstacle; h++)
		json_array_append_new(list, hook_object(f, h));
	object = json_pack("{sissssssss sisbsbssssssso}", "schema", 1, "type", "features", "kernel",
			   p->kernel, "guest", platform__guest_name(p->guest), "domain",
			   p->guest != GUEST_PV ? "" : p->dom0 ? "dom0" : "domU", "vcpus",
			   (int)p->vcpus, "btf", p->btf, "confidentiality", p->confidential,
			   "missing_capabilities", privileges__missing() ?: "", "obstacle",
			   f->obstacle ?: "", "hidden_symbols", f->hidden ?: "", "hooks", list);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static enum exit_status cmd_features(void)
{
	struct features f = {};

	hooks__verbose(given.verbose);
	probe(&f);
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
