// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "alarm.h"

enum list { LIST_LINUX, LIST_XEN, LIST_SETTING, LIST_COMMAND_LINE };

static const struct {
	const char *text;
	enum list list;
} words[] = {
#define LINUX(word)		{ word, LIST_LINUX },
#define XEN(word)		{ word, LIST_XEN },
#define SETTING(word)		{ word, LIST_SETTING },
#define COMMAND_LINE(word)	{ word, LIST_COMMAND_LINE },
#include "alarms.def"
};

#define WORDS (sizeof(words) / sizeof(*words))

/* The length of the word of @list that @s begins with, or 0. */
static size_t begins_word(const char *s, enum list list)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].list == list && *words[i].text == *s &&
		    !strncmp(s, words[i].text, strlen(words[i].text)))
			return strlen(words[i].text);
	return 0;
}

/* Pairs of bytes that words begin with: so most of a line is passed without a comparison. */
struct begins {
	bool known;
	uint8_t pairs[1 << 13];
};

static unsigned int pair_of(const char *s)
{
	return (uint8_t)s[0] << 8 | (uint8_t)s[1];
}

static void learn(struct begins *b, enum list list)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].list == list || words[i].list == LIST_SETTING)
			b->pairs[pair_of(words[i].text) / 8] |= 1 << pair_of(words[i].text) % 8;
	b->known = true;
}

bool alarm__is_in(const char *text, bool xen)
{
	static struct begins both[2];
	enum list list = xen ? LIST_XEN : LIST_LINUX;
	struct begins *b = &both[xen];

	if (!b->known)
		learn(b, list);
	if (!xen && begins_word(text, LIST_COMMAND_LINE))
		return false;
	for (; *text; text++) {
		size_t setting;

		if (!(b->pairs[pair_of(text) / 8] & 1 << pair_of(text) % 8))
			continue;
		setting = xen ? 0 : begins_word(text, LIST_SETTING);
		if (!setting && begins_word(text, list))
			return true;
		text += setting ? setting - 1 : 0;
	}
	return false;
}
