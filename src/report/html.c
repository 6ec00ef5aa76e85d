// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report as one page that needs nothing else.  What it is made of is linked
 * in: src/report/page/, and the charting library that the build brought there
 * (Chart.js: kept well, MIT, 200 kB; its matrix plugin draws the map).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define FINDINGS 10000	/* in the page's charts; its list has fewer */

/* Global symbols: with link-time optimisation these lines and the function may be compiled apart. */
#define PART(name, file)				\
	extern const char name##_begin[], name##_end[];	\
	asm(".pushsection .rodata\n"			\
	    ".globl " #name "_begin, " #name "_end\n"	\
	    #name "_begin: .incbin \"" file "\"\n"	\
	    #name "_end:\n"				\
	    ".popsection\n")

PART(head, "src/report/page/head.html");
PART(style, "src/report/page/page.css");
PART(body, "src/report/page/body.html");
PART(middle, "src/report/page/middle.html");
PART(chart, CHART_JS);
PART(matrix, MATRIX_JS);
PART(verdict, "src/report/page/verdict.js");
PART(charts, "src/report/page/charts.js");
PART(flame, "src/report/page/flame.js");
PART(script, "src/report/page/page.js");
PART(tail, "src/report/page/tail.html");

#define PUT(name) fwrite(name##_begin, 1, name##_end - name##_begin, out)

/* No "<" of the data, which is others', may end the element that holds it. */
static void put_data(const char *json, FILE *out)
{
	for (size_t n; *json; json += n) {
		n = strcspn(json, "<");
		fwrite(json, 1, n, out);
		if (json[n]) {
			fputs("\\u003c", out);
			n++;
		}
	}
}

int report__html(struct report *r, FILE *out)
{
	json_t *object = report__object(r, FINDINGS);
	char *json = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!json)
		return -ENOMEM;
	PUT(head);
	PUT(style);
	PUT(body);
	put_data(json, out);
	PUT(middle);
	PUT(chart);
	PUT(matrix);
	PUT(verdict);
	PUT(charts);
	PUT(flame);
	PUT(script);
	PUT(tail);
	free(json);
	return 0;
}
