// SPDX-License-Identifier: GPL-2.0-only
// Shows the object of docs/report.schema.json.  Text from it goes into the page as text only.
// This part: what is wrong, in words, and the history of the page that is chosen.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const begin = data.recording.begin_ns;
const COLUMNS = 64;
const charts = [];

function make(tag, properties, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const faint = (name) => color(name) + "66";
const number = (n) => n.toLocaleString("en");
const plural = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
const least = (list) => list.reduce((a, b) => Math.min(a, b)), most = (list) => list.reduce((a, b) => Math.max(a, b));
const seconds = (t, digits = 3) => ((t - begin) / 1e9).toFixed(digits);

function duration(ns) {
	for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
		if (ns >= size)
			return `${+(ns / size).toPrecision(3)} ${unit}`;
	return `${ns} ns`;
}

function bytes(frames) {
	const mib = frames / 256;
	return mib >= 1024 ? `${+(mib / 1024).toFixed(2)} GiB` : `${+mib.toFixed(1)} MiB`;
}

function table(heads, rows) {
	const cell = (tag, content, i) => make(tag, {
		className: heads[i].startsWith("#") ? "n" : heads[i].startsWith("~") ? "wrap" : "",
	}, content);
	return make("table", {},
		make("thead", {}, make("tr", {}, ...heads.map((h, i) => cell("th", h.replace(/^[#~]/, ""), i)))),
		make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((c, i) => cell("td", c, i))))));
}

// The verdict

const PLACES = {
	handover: "in the hand-over of boot memory",
	deferred: "in deferred init",
	grow: "when deferred memory was needed early",
	memmap: "before the hand-over",
};

// What boot did, and what the after-bootmem hook put right: no findings, but told like them.
const repaired = (data.boot?.erased ?? []).filter((e) => e.repaired).map((e) => ({
	...e, class: "erased-by-init", grade: "repaired", witnesses: ["flag", "history"],
	text: `L${e.level} page ${e.pfn}: erased ${PLACES[e.where]}, set again by the hook`,
	effect: e.level > 1 ? "Not set again, the next write to this table would have been an oops." :
		"Not set again, its page would have gone back to the allocator pinned and read-only.",
})).sort((a, b) => b.level - a.level || a.t - b.t);

const WITNESSES = {
	flag: "the flag", tree: "the tree that refers to it", "direct-map": "its read-only mapping", xen: "Xen's own word",
	history: "its history",
};

const moment = (t) => t < begin ? `${duration(begin - t)} before the recording began` : `${seconds(t)} s into the recording`;

// Where, when it was noticed and in whom, and so what, of the strongest finding of the gravest class, or of all that was repaired.
function keyFacts() {
	if (findings.length) {
		const f = findings.find((g) => g.class === data.verdict.gravest), others = new Set(findings.map((g) => g.pfn)).size - 1;
		return {
			where: f.pfn ? `page ${f.pfn}, an L${f.level || "?"} table, at ${bytes(Number(f.pfn))} of ${bytes(data.memory.frames)}` +
				(others ? `; and ${plural(others, "other page")}` : "") : "",
			noticed: moment(f.t),
			"lost between": f.last_sign === null ? "" : `${moment(f.last_sign)}, when the flag last showed, and then`,
			"meanwhile on its mm": f.meanwhile.map((m) => `${m.comm} (pid ${m.pid}, ${plural(m.records, "record")})`).join(", "),
			[f.class === "released-pinned" ? "released by" : f.witnesses.includes("history") ? "noticed in" : "of"]:
				f.comm ? `${f.comm} (pid ${f.pid})` : "",
			"so what": f.effect,
			"how sure": `${f.grade}, by ${f.witnesses.map((w) => WITNESSES[w]).join(" and ")}`,
		};
	}
	if (!repaired.length || data.verdict.status !== "clean")
		return {};
	const pfns = repaired.map((e) => Number(e.pfn)), times = repaired.map((e) => e.t);
	const [low, high, first] = [least(pfns), most(pfns), least(times)], hook = data.boot.hook;
	return {
		where: `between pfn 0x${low.toString(16)} and 0x${high.toString(16)}, ${bytes(low)} to ${bytes(high)} of ${bytes(data.memory.frames)}`,
		when: `${PLACES[repaired[0].where]}, within ${duration(most(times) - first)}` +
			(hook.t === null ? "" : `; set again by the after-bootmem hook, ${duration(hook.t + hook.ns - first)} after the first was lost`),
		why: "they were marked before their struct pages were initialised",
		"so what": "No harm is left. Not set again, the first write to one of the upper tables would have killed the guest.",
	};
}

function showKey() {
	const facts = Object.entries(keyFacts()).filter(([, text]) => text);
	$("key").hidden = !facts.length;
	$("key").append(...facts.flatMap(([name, text]) => [
		make("dt", {}, name[0].toUpperCase() + name.slice(1)), make("dd", {}, text)]));
}

function showVerdict() {
	const { status, sentence } = data.verdict, r = data.recording, c = data.counts;
	const every = Object.values(c.records).reduce((sum, n) => sum + n, 0) - c.records.dropped;
	const records = every - (data.boot ? data.boot.records : 0);
	const before = data.boot ? ` and ${plural(data.boot.records, "record")} of the boot` : "";
	$("verdict").classList.add(status === "clean" && repaired.length ? "repaired" : status);
	$("verdict").querySelector("h1").textContent = data.verdict.headline;
	$("sentence").textContent = sentence;
	document.title = `xenpin: ${data.verdict.headline} (${r.file})`;
	const wall = new Date((begin + r.realtime_offset_ns) / 1e6).toISOString().slice(0, 19) + "Z";
	$("facts").textContent = `${r.file}: ${r.domain}, Linux ${r.kernel}, ${plural(r.vcpus, "vCPU")}. ` +
		`${wall}, ${duration(r.end_ns - begin)}, ${plural(records, "record")}${before}, ${number(c.dropped)} dropped, ` +
		`${number(c.missed)} missed.` +
		(r.end === "killed" ? " The recorder was killed: its last second may be missing." : "") +
		(r.end === "running" ? " It is still being recorded." : "") +
		(r.damage ? ` Only what stands before the damage is shown: ${r.damage}.` : "");
}

// Findings, and the page that is chosen

const GRADES = ["unknown", "suspected", "shown", "proven"];
const findings = data.findings.map((f, i) => ({ ...f, i }))
	.sort((a, b) => GRADES.indexOf(b.grade) - GRADES.indexOf(a.grade) || a.t - b.t);
const wrong = [...findings, ...repaired];
const histories = new Map(data.histories.map((h) => [h.pfn, h]));
const SHOWN = 200;

function findingButton(f) {
	const button = make("button", { type: "button", className: f.repaired ? "repaired" : "" },
		make("span", { className: f.repaired ? "tag repaired" : "tag bad" }, f.class),
		make("span", { className: "tag quiet" }, f.grade),
		make("span", { className: "tag quiet" }, `at ${seconds(f.t)} s`),
		make("span", { className: "what" }, f.text),
		make("span", { className: "effect" }, f.effect));
	button.dataset.pfn = f.pfn ?? "";
	button.setAttribute("aria-pressed", "false");
	button.addEventListener("click", () => choose(f));
	return button;
}

function showFindings() {
	const list = $("findings").querySelector("ol");
	if (!wrong.length)
		return;
	$("findings").hidden = false;
	$("findings-heading").textContent = findings.length ? "What is wrong" : "What was wrong, and is put right";
	for (const f of wrong.slice(0, SHOWN))
		list.append(make("li", {}, findingButton(f)));
	if (wrong.length > SHOWN)
		list.append(make("li", { className: "hint" },
			`and ${number(data.counts.findings + repaired.length - SHOWN)} more: --format json has them all`));
	choose(wrong[0]);
}

let chosenFinding;

function choose(f) {
	chosenFinding = f;
	drawMap.choose(f);
	for (const button of document.querySelectorAll("ol.findings button"))
		button.setAttribute("aria-pressed", String(button.dataset.pfn === (f.pfn ?? "")));
	const history = histories.get(f.pfn);
	const rows = (history?.events ?? []).map((e) => [seconds(e.t, 6), e.text, `${e.comm} (${e.pid})`, String(e.cpu)]);
	const neighbours = f.pfn ? wrong.filter((g) => cellOf(g) === cellOf(f)).length - 1 : 0;
	const heading = f.pfn ? `Page ${f.pfn}, L${f.level || "?"} table` : f.class;
	$("page").replaceChildren(
		make("h3", { id: "page-heading" }, heading),
		make("p", { className: "hint" }, f.pfn ? `at ${bytes(Number(f.pfn))} of guest memory. Witnesses: ${f.witnesses.join(", ")}.` +
			(neighbours ? ` ${plural(neighbours, "other page")} of this list in the same cell of the map.` : "") : ""),
		make("p", {}, f.effect));
	if (f.stack?.length)
		$("page").append(make("h3", {}, "Kernel stack of what showed it, the innermost function first"),
			make("ol", { className: "stack" }, ...f.stack.map((name) => make("li", {}, make("code", {}, name)))));
	if (!rows.length && f.pfn)
		$("page").append(make("p", { className: "hint" }, "Its history is left out of this page: there are too many. In the file it is (xenpin-recording(5))."));
	if (!rows.length)
		return;
	if (history.events[0].t < begin)
		$("page").append(make("p", { className: "hint" }, "Seconds below zero: before the recording began."));
	const list = table(["#s", "~what happened", "program (pid)", "#cpu"], rows);
	// The event that showed it.
	history.events.forEach((e, i) => {
		if (e.t === f.t)
			list.tBodies[0].rows[i].className = "now";
	});
	const box = make("div", { className: "scroll", tabIndex: 0 }, list);
	$("page").append(make("h3", {}, history.total > rows.length ?
		`Its history, ${rows.length} of ${number(history.total)} events` : "Its history"), box);
	const now = list.querySelector(".now");
	if (now)
		box.scrollTop = now.offsetTop - box.offsetTop - box.clientHeight / 2;
}
