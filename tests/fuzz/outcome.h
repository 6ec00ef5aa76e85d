/* SPDX-License-Identifier: GPL-2.0-only */
/* The account of a boot and the model, fed with whatever records came, and printed. */
#ifndef XENPIN_FUZZ_OUTCOME_H
#define XENPIN_FUZZ_OUTCOME_H

#include "target.h"

#include "model/boot.h"
#include "model/pins.h"
#include "output/boot_output.h"

struct outcome {
	const struct xp_boot_log *log;
	struct boot boot;
	struct pins *pins;
};

static void outcome__finding(void *context, const struct finding *finding)
{
	char text[400];

	finding__text(finding, text, sizeof(text));
	fputs(text, nowhere());
	fputs(finding__effect(finding), nowhere());
}

static void outcome__flag(void *context, const struct xp_record *flag)
{
	boot_json__record(nowhere(), flag, 0);
}

static inline void outcome__open(struct outcome *o, const struct xp_boot_log *log)
{
	*o = (struct outcome){ .log = log };
	o->pins = pins__new((struct pins_handlers){ outcome__flag, outcome__finding, NULL });
	if (!o->pins || boot__begin(&o->boot))
		abort();
	if (log)
		boot__expect(&o->boot, log);
}

static void outcome__record(void *context, struct xp_record *rec)
{
	struct outcome *o = context;

	boot_json__record(nowhere(), rec, o->log ? o->log->t_offset : 0);
	if (boot__apply(&o->boot, rec))
		abort();
	pins__complete(o->pins, rec);
	if (pins__apply(o->pins, rec))
		abort();
}

static inline void outcome__print(struct outcome *o)
{
	struct boot_ftrace none = {};
	struct kmsg silence = {};
	struct boot_report report = { .log = o->log, .boot = &o->boot, .kmsg = &silence,
				      .ftrace = &none };

	pins__confirm(o->pins);
	boot__sum(&o->boot, &report.sum);
	boot_text__print(nowhere(), &report);
	boot_json__print(nowhere(), &report);
	pins__free(o->pins);
	boot__end(&o->boot);
}

#endif
