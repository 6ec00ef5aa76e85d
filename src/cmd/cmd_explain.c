// SPDX-License-Identifier: GPL-2.0-only
/* xenpin explain: what a finding means, what follows from it, and what to do. */
#include <stdio.h>
#include <string.h>

#include "base/xenpin.h"
#include "model/pins.h"
#include "options.h"

#define WIDTH	78

static const char *asked;	/* a class or a grade; NULL: all of them */

/* The first @len bytes of @text as a paragraph, @indent columns from the left. */
static void print_paragraph(const char *text, size_t len, int indent)
{
	const char *end = text + len;
	int column = 0;

	while (text < end) {
		int word = strcspn(text, " ");

		if (column && column + 1 + word > WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += column ? printf(" %.*s", word, text) :
				   printf("%*s%.*s", indent, "", word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_section(const char *head, const char *text)
{
	if (!text)
		return;
	printf("\n  %s\n", head);
	print_paragraph(text, strlen(text), 4);
}

static void print_whole(const struct finding_words *e)
{
	puts(e->word);
	print_section("What it is", e->meaning);
	print_section("What follows", e->follows);
	print_section("What to do", e->remedy);
}

/* Its word, and the first sentence of what it means. */
static void print_short(const struct finding_words *e)
{
	const char *end = strstr(e->meaning, ". ");

	printf("\n  %s\n", e->word);
	print_paragraph(e->meaning, end ? (size_t)(end + 1 - e->meaning) : strlen(e->meaning), 4);
}

static const struct finding_words *find(const char *word)
{
	for (int i = 0; i < FINDING_CLASSES; i++)
		if (!strcmp(finding_classes[i].word, word))
			return &finding_classes[i];
	for (int i = 0; i < GRADES; i++)
		if (!strcmp(finding_grades[i].word, word))
			return &finding_grades[i];
	return NULL;
}

static enum exit_status cmd_explain(void)
{
	const struct finding_words *found = asked ? find(asked) : NULL;

	if (found) {
		print_whole(found);
		return stdout_ends(EXIT_CLEAN);
	}
	if (asked) {
		say("explain: '%s' is no class and no grade of a finding; `xenpin explain` lists them",
		    asked);
		return EXIT_USAGE;
	}
	puts("Classes of findings; `xenpin explain CLASS` says what follows and what to do:");
	for (int i = 0; i < FINDING_CLASSES; i++)
		print_short(&finding_classes[i]);
	puts("\nGrades, from weak to strong:");
	for (int i = 0; i < GRADES; i++)
		print_short(&finding_grades[i]);
	return stdout_ends(EXIT_CLEAN);
}

const struct command command_explain = {
	.name = "explain",
	.args = "[CLASS]",
	.what = "what a finding means, what follows from it, what to do",
	.operand = &asked,
	.run = cmd_explain,
};
