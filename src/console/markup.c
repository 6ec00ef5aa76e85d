// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "markup.h"

static const struct {
	const char *name;
	char character;
} entities[] = {
	{ "&lt;", '<' },   { "&gt;", '>' },    { "&amp;", '&' },   { "&quot;", '"' },
	{ "&#34;", '"' },  { "&#39;", '\'' },  { "&#x27;", '\'' }, { "&nbsp;", ' ' },
	{ "&#160;", ' ' }, { "&#43;", '+' },
};

bool markup__is_in(const char *text)
{
	static const char *const words[] = { "<!doctype html", "<html", "<pre", "<br", "<code",
					     "</span>", "&lt;", "&gt;", "&quot;", "&#" };

	if (!strchr(text, '<') && !strchr(text, '&'))
		return false;
	while ((text = strpbrk(text, "<&"))) {
		/* "<4>" is a level of the kernel's. */
		for (size_t i = 0; !isdigit(text[1]) && i < sizeof(words) / sizeof(*words); i++)
			if (tolower(text[1]) == words[i][1] &&
			    !strncasecmp(text, words[i], strlen(words[i])))
				return true;
		text++;
	}
	return false;
}

/* The bytes that the tag at @text takes, or 0: it is none, as "<4>" of the kernel. */
static size_t tag_length(const char *text, size_t len)
{
	const char *end = len > 1 && (isalpha(text[1]) || text[1] == '/' || text[1] == '!') ?
			  memchr(text, '>', len) : NULL;

	return end ? end - text + 1 : 0;
}

/* The bytes of the name of a character at @text, or 0; the character goes to *@character. */
static size_t entity_length(const char *text, size_t len, char *character)
{
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
		size_t name = strlen(entities[i].name);

		if (name <= len && !strncmp(text, entities[i].name, name)) {
			*character = entities[i].character;
			return name;
		}
	}
	return 0;
}

static bool is_break(const char *tag)
{
	return !strncasecmp(tag, "<br", 3) || !strncasecmp(tag, "<p>", 3) ||
	       !strncasecmp(tag, "</p", 3) || !strncasecmp(tag, "</div", 5) ||
	       !strncasecmp(tag, "<pre", 4) || !strncasecmp(tag, "</li", 4) ||
	       !strncasecmp(tag, "</tr", 4);
}

size_t markup__strip(char *text, size_t len)
{
	size_t to = 0, skip;

	for (size_t i = 0; i < len; i += skip) {
		char c = text[i];

		skip = c == '<' ? tag_length(text + i, len - i) : 0;
		if (skip) {
			if (is_break(text + i))
				text[to++] = '\n';
			continue;
		}
		skip = c == '&' ? entity_length(text + i, len - i, &c) : 0;
		skip = skip ?: 1;
		text[to++] = c;
	}
	return to;
}
