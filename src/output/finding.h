/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings on their way out, from whatever command. */
#ifndef XENPIN_SINK_FINDING_H
#define XENPIN_SINK_FINDING_H

#include <jansson.h>
#include <stdio.h>

#include "model/pins.h"

struct symbols;

/* One object a line; with @symbols it has a stack. */
void finding__print_json(FILE *out, const struct finding *finding, struct symbols *symbols);

/* What, then its effect, then the stack if it has one, for a person. */
void finding__print_text(FILE *out, const struct finding *finding, struct symbols *symbols);

/* Values of the JSON contract; all are new references. */
json_t *json_hex(uint64_t value);
json_t *json_frame(uint64_t frame);	/* null when unknown */
/* Names of tasks and files are any bytes, JSON is UTF-8: in @text that is not, '?' for others. */
json_t *json_text(const char *text, size_t len);
json_t *json_comm(const char *comm);
json_t *json_witnesses(uint8_t witnesses);

#endif
