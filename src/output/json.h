/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces of JSON lines that more than one sink writes (json.c). */
#ifndef XENPIN_SINK_JSON_H
#define XENPIN_SINK_JSON_H

#include <stdbool.h>

#include "base/xenpin.h"
#include "record/records.h"
#include "line.h"

/* How each object begins. */
#define TEXT_OF(number)	#number
#define TEXT(number)	TEXT_OF(number)
#define JSON_BEGIN	"{\"schema\":" TEXT(JSON_SCHEMA) ","

void put_hex_string(struct line *l, uint64_t value);
void put_bool(struct line *l, bool value);

/* A task's name, XP_COMM_LEN bytes of anything, as a JSON string. */
void put_comm(struct line *l, const char *comm);

/* ,"ops":[...] of a batch */
void put_ops_array(struct line *l, const struct xp_record *rec);

/* ,"op":... of a refused entry, all but its head and stack */
void put_refusal(struct line *l, const struct xp_record *rec);

#endif
