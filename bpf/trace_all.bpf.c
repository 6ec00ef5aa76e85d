// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracer without options.  The verifier would cut off what they do not want as well, but looks at
 * each instruction before it does: on Linux 7.2 that is a third of the time until a trace is ready.
 */
#define WITHOUT_OPTIONS
#include "trace.bpf.c"
