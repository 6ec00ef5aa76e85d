/* SPDX-License-Identifier: GPL-2.0-only */
/* The sinks of a trace: text for people, JSON lines for programs. */
#ifndef XENPIN_OUTPUT_SINKS_H
#define XENPIN_OUTPUT_SINKS_H

#include "record/sink.h"

extern const struct sink_ops sink_text, sink_json;

/* What both share. */
extern struct line sink__lines;	/* that wait: no two sinks of lines are used in one run */
int sink__flush(struct sink *sink);

#endif
