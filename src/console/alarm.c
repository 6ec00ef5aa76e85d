// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "alarm.h"

#define NONE(word)
#define WORD(word) word,
#define LINUX WORD
#define XEN NONE
#define SETTING NONE
#define COMMAND_LINE NONE
static const char *const linux_words[] = {
#include "alarms.def"
};

#undef LINUX
#undef XEN
#define LINUX NONE
#define XEN WORD
static const char *const xen_words[] = {
#include "alarms.def"
};

#undef XEN
#undef SETTING
#define XEN NONE
#define SETTING WORD
static const char *const settings[] = {
#include "alarms.def"
};

#undef SETTING
#undef COMMAND_LINE
#define SETTING NONE
#define COMMAND_LINE WORD
static const char *const command_lines[] = {
#include "alarms.def"
};

#define WORDS(words) (sizeof(words) / sizeof(*(words)))

/* The length of the one of @words that @s begins with, or 0. */
static size_t begins_word(const char *s, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (*words[i] == *s && !strncmp(s, words[i], strlen(words[i])))
			return strlen(words[i]);
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

static void learn(struct begins *b, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		b->pairs[pair_of(words[i]) / 8] |= 1 << pair_of(words[i]) % 8;
	b->known = true;
}

bool alarm__is_in(const char *text, bool xen)
{
	static struct begins both[2];
	const char *const *words = xen ? xen_words : linux_words;
	size_t nr = xen ? WORDS(xen_words) : WORDS(linux_words);
	struct begins *b = &both[xen];

	if (!b->known) {
		learn(b, words, nr);
		learn(b, settings, WORDS(settings));
	}
	if (!xen && begins_word(text, command_lines, WORDS(command_lines)))
		return false;
	for (; *text; text++) {
		size_t setting;

		if (!(b->pairs[pair_of(text) / 8] & 1 << pair_of(text) % 8))
			continue;
		setting = xen ? 0 : begins_word(text, settings, WORDS(settings));
		if (!setting && begins_word(text, words, nr))
			return true;
		text += setting ? setting - 1 : 0;
	}
	return false;
}
