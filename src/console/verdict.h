/* SPDX-License-Identifier: GPL-2.0-only */
/* What is thought of a death, how surely, and what it rests on. */
#ifndef XENPIN_CONSOLE_VERDICT_H
#define XENPIN_CONSOLE_VERDICT_H

#include "fact.h"

enum verdict_class {
#define VERDICT(class, word, finding, next) VERDICT_##class,
#include "verdicts.def"
#undef VERDICT
	VERDICT_CLASSES
};

enum verdict_grade {
	VERDICT_IS_UNKNOWN,		/* nothing supports it: VERDICT_UNKNOWN alone */
	VERDICT_IS_LIKELY,
	VERDICT_IS_SHOWN,
};

#define VERDICT_TEXT	512
#define VERDICT_WHY	12

struct known_bug;

struct verdict {
	uint8_t class;			/* enum verdict_class */
	uint8_t grade;			/* enum verdict_grade */
	char text[VERDICT_TEXT];	/* a sentence without its full stop */
	const struct fact *why[VERDICT_WHY];
	unsigned int nr_why;
	const struct known_bug *bug;	/* that looks like it; NULL: none */
};

const char *verdict__class_name(enum verdict_class class);
const char *verdict__grade_name(enum verdict_grade grade);
bool verdict__is_finding(enum verdict_class class);
const char *verdict__next(enum verdict_class class);

void verdict__set(struct verdict *verdict, enum verdict_class class, enum verdict_grade grade,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds a fact that the verdict rests on; NULL is none. */
void verdict__rests_on(struct verdict *verdict, const struct fact *fact);

#endif
