// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "alarm.h"

static const char *const linux_words[] = {
#define LINUX(word) word,
#define XEN(word)
#include "alarms.def"
#undef LINUX
#undef XEN
};

static const char *const xen_words[] = {
#define LINUX(word)
#define XEN(word) word,
#include "alarms.def"
#undef LINUX
#undef XEN
};

#define WORDS(words) (sizeof(words) / sizeof(*(words)))

static bool begins_word(const char *s, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (*words[i] == *s && !strncmp(s, words[i], strlen(words[i])))
			return true;
	return false;
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

	if (!b->known)
		learn(b, words, nr);
	for (; *text; text++)
		if (b->pairs[pair_of(text) / 8] & 1 << pair_of(text) % 8 &&
		    begins_word(text, words, nr))
			return true;
	return false;
}
