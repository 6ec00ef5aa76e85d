// SPDX-License-Identifier: GPL-2.0-only
/* Findings as JSON and as text. */
#include <string.h>

#include "base/xenpin.h"
#include "guest/symbols.h"
#include "finding.h"

json_t *json_hex(uint64_t value)
{
	return json_sprintf("0x%llx", (unsigned long long)value);
}

json_t *json_frame(uint64_t frame)
{
	return frame == XP_NO_PFN ? json_null() : json_hex(frame);
}

json_t *json_text(const char *text, size_t len)
{
	char copy[len + 1];
	json_t *string;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	string = json_string(copy);
	for (char *p = copy; !string && *p; p++)
		if (*p & 0x80)
			*p = '?';
	return string ?: json_string(copy);
}

json_t *json_comm(const char *comm)
{
	return json_text(comm, XP_COMM_LEN);
}

json_t *json_witnesses(uint8_t witnesses)
{
	json_t *names = json_array();

	for (int bit = 0; bit < WITNESSES; bit++)
		if (witnesses & 1 << bit)
			json_array_append_new(names, json_string(witness__name(1 << bit)));
	return names;
}

static json_t *stack_names(const struct finding *f, struct symbols *symbols)
{
	json_t *names = json_array();
	char name[SYMBOL_LEN];

	for (int i = 0; i < XP_STACK_MAX && f->stack[i]; i++)
		if (symbols__name(symbols, f->stack[i], name, sizeof(name)))
			json_array_append_new(names, json_string(name));
	return names;
}

void finding__print_json(FILE *out, const struct finding *f, struct symbols *symbols)
{
	char text[400];
	size_t len = finding__text(f, text, sizeof(text));
	json_t *object;

	object = json_pack("{sisssIsssssosososisosisosssosI}", "schema", JSON_SCHEMA, "type", "finding", "t",
			   (json_int_t)f->t, "class", finding__class(f), "grade", finding__grade(f),
			   "witnesses", json_witnesses(f->witnesses), "pfn", json_frame(f->pfn),
			   "mfn", json_frame(f->mfn), "level", f->level, "mm", json_hex(f->mm),
			   "pid", (int)f->pid, "comm", json_comm(f->comm), "effect",
			   finding__effect(f), "text", json_text(text, len), "result",
			   (json_int_t)f->result);
	if (symbols)
		json_object_set_new(object, "stack", stack_names(f, symbols));
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

void finding__print_text(FILE *out, const struct finding *f, struct symbols *symbols)
{
	char text[400], name[SYMBOL_LEN];

	finding__text(f, text, sizeof(text));
	fprintf(out, "%s, %s: %s\n    effect: %s\n", finding__class(f), finding__grade(f), text,
		finding__effect(f));
	for (int i = 0; symbols && i < XP_STACK_MAX && f->stack[i]; i++)
		if (symbols__name(symbols, f->stack[i], name, sizeof(name)))
			fprintf(out, "%8s%s\n", "", name);
}
