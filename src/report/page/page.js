// SPDX-License-Identifier: GPL-2.0-only
// All of the page, in the order in which one part needs another.

function showHooks() {
	$("hooks").append(table(["hook", "attached by", "#delivered", "#lost", "#missed"],
		data.recording.hooks.map((h) => [h.name, h.via, number(h.delivered), number(h.lost), number(h.missed)])));
}

function draw() {
	while (charts.length)
		charts.pop().destroy();
	for (const one of [drawMap, drawBoot, drawRates, drawLatency, drawPrograms])
		one();
}

showVerdict();
showKey();
showHooks();
showBoot();
if (data.stacks.length)
	showFlame();
draw();
showFindings();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
	draw();
	drawMap.choose(chosenFinding ?? {});
});
