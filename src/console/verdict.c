// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "verdict.h"

static const struct {
	const char *word;
	bool finding;
	const char *next;
} classes[] = {
#define VERDICT(class, word, finding, next) { word, finding, next },
#include "verdicts.def"
#undef VERDICT
};

const char *verdict__class_name(enum verdict_class class)
{
	return classes[class].word;
}

bool verdict__is_finding(enum verdict_class class)
{
	return classes[class].finding;
}

const char *verdict__next(enum verdict_class class)
{
	return classes[class].next;
}

const char *verdict__grade_name(enum verdict_grade grade)
{
	static const char *const names[] = {
		[VERDICT_IS_UNKNOWN] = "unknown", [VERDICT_IS_LIKELY] = "likely", [VERDICT_IS_SHOWN] = "shown",
	};

	return names[grade];
}

void verdict__set(struct verdict *v, enum verdict_class class, enum verdict_grade grade,
		  const char *format, ...)
{
	va_list args;

	v->class = class;
	v->grade = grade;
	va_start(args, format);
	vsnprintf(v->text, sizeof(v->text), format, args);
	va_end(args);
}

void verdict__rests_on(struct verdict *v, const struct fact *f)
{
	for (unsigned int i = 0; i < v->nr_why; i++)
		if (v->why[i] == f)
			return;
	if (f && v->nr_why < VERDICT_WHY)
		v->why[v->nr_why++] = f;
}
