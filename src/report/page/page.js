// SPDX-License-Identifier: GPL-2.0-only
// All of the page, in the order in which one part needs another.

function showProbes() {
	$("probes").append(table(["probe", "attached by", "#delivered", "#dropped", "#missed"],
		data.recording.probes.map((p) => [p.name, p.via, number(p.delivered), number(p.dropped), number(p.missed)])));
}

function draw() {
	while (charts.length)
		charts.pop().destroy();
	for (const one of [drawMap, drawBoot, drawRates, drawLatency, drawPrograms])
		one();
}

showVerdict();
showKey();
showProbes();
showBoot();
if (data.stacks.length)
	showFlame();
draw();
showFindings();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
	draw();
	drawMap.choose(chosenFinding ?? {});
});
