// SPDX-License-Identifier: GPL-2.0-only
// The map of memory, the other charts, and the boot.

// The map

const cellOf = (f) => f.pfn ? Math.floor(Number(f.pfn) / data.memory.frames_per_cell) : -1;
const cellsOf = new Map(data.memory.cells.map((c) => [c[0], c]));

function chooseCell(index) {
	const at = index * data.memory.frames_per_cell;
	const found = wrong.find((f) => cellOf(f) === index);
	if (found)
		return choose(found);
	const [, l1, l2, l3, l4, other, unpinned] = cellsOf.get(index) ?? [index, 0, 0, 0, 0, 0, 0];
	$("page").replaceChildren(
		make("h3", { id: "page-heading" }, `Frames 0x${at.toString(16)} to 0x${(at + data.memory.frames_per_cell - 1).toString(16)}`),
		make("p", { className: "hint" }, `at ${bytes(at)} of guest memory; as known at the end of the recording`),
		table(["level", "#tables"], [["L4", number(l4)], ["L3", number(l3)], ["L2", number(l2)], ["L1", number(l1)],
			["level not known", number(other)], ["of all: in no pinned tree", number(unpinned)]]));
}

function cellColor([, l1, l2, l3, l4, , unpinned], total) {
	const name = l4 ? "l4" : l3 ? "l3" : l2 ? "l2" : "l1";
	return unpinned === total ? faint(name) : color(name);
}

function drawMap() {
	const per = data.memory.frames_per_cell;
	const rows = Math.max(1, Math.ceil(data.memory.frames / per / COLUMNS));
	const at = (index) => ({ x: index % COLUMNS, y: Math.floor(index / COLUMNS), index });
	const cells = data.memory.cells.map((c) => ({ ...at(c[0]), c, total: c.slice(1, 6).reduce((a, b) => a + b) }));
	const bad = new Set(findings.map(cellOf)), all = new Set(wrong.map(cellOf));
	const marked = [...all].filter((index) => index >= 0).map((index) => ({ ...at(index), tint: color(bad.has(index) ? "bad" : "doubt") }));
	const size = (axis, n) => ({ chart }) => Math.max(1, (chart.chartArea?.[axis] ?? 0) / n - 1);
	const axis = { display: false, min: -0.5, grid: { display: false }, border: { display: false } };

	const chosen = {}, radius = marked.length > 60 ? 4 : 9;

	$("map-hint").textContent = `Each cell is ${bytes(per)} (${plural(per, "frame")}) of ${bytes(data.memory.frames)}, ` +
		`in rows of ${bytes(per * COLUMNS)} from top to bottom, coloured by the highest of the page tables in it that the recording knows at its end. ` +
		(findings.length ? "Red rings mark pages with a finding." : "No page has a finding.") +
		(repaired.length ? " Amber rings mark pages whose flag was erased at boot, and set again." : "");
	$("legend-ring").hidden = !findings.length;
	$("legend-repaired").hidden = !repaired.length;
	$("map-box").style.aspectRatio = `${COLUMNS} / ${Math.max(rows, 16)}`;
	const chart = new Chart($("map"), {
		data: {
			datasets: [{
				type: "scatter", label: "findings", data: marked, pointStyle: "circle",
				radius, hoverRadius: radius + 2, borderWidth: radius / 2, clip: false,
				borderColor: marked.map((m) => m.tint), backgroundColor: marked.map((m) => m.tint + "44"),
			}, {
				type: "matrix", label: "tables", data: cells, borderWidth: 0,
				width: size("width", COLUMNS), height: size("height", rows),
				backgroundColor: ({ raw }) => raw ? cellColor(raw.c, raw.total) : "",
			}],
		},
		options: {
			animation: false, maintainAspectRatio: false,
			layout: { padding: 8 },
			scales: { x: { ...axis, type: "linear", max: COLUMNS - 0.5 },
				y: { ...axis, type: "linear", display: true, max: rows - 0.5, reverse: true,
				     afterBuildTicks: (y) => {
					     const step = Math.ceil(rows / 8);
					     y.ticks = Array.from({ length: Math.ceil(rows / step) }, (_, i) => ({ value: i * step }));
				     },
				     ticks: { color: color("quiet"), autoSkip: false,
					      callback: (row) => bytes(row * COLUMNS * per) } } },
			plugins: { legend: { display: false }, tooltip: {
				callbacks: {
					title: ([item]) => `frames from 0x${(item.raw.index * per).toString(16)}`,
					label: (item) => item.raw.c ? `${plural(item.raw.total, "page table")}` : "page with a finding",
				} } },
			onClick: (event, items, c) => {
				const x = Math.round(c.scales.x.getValueForPixel(event.x)), y = Math.round(c.scales.y.getValueForPixel(event.y));
				if (items.length)
					chooseCell(c.data.datasets[items[0].datasetIndex].data[items[0].index].index);
				else if (x >= 0 && x < COLUMNS && y >= 0 && y < rows)
					chooseCell(y * COLUMNS + x);
			},
		},
		plugins: [{
			id: "ground",
			beforeDatasetsDraw: ({ ctx, chartArea: a }) => {
				ctx.fillStyle = color("free");
				ctx.fillRect(a.left, a.top, a.width, a.height);
			},
			// The chosen page is named where it lies.
			afterDatasetsDraw: (c) => {
				const { ctx, chartArea: a } = c, i = marked.findIndex((m) => m.index === chosen.index);
				const ring = i >= 0 && c.getDatasetMeta(0).data[i];
				if (!ring)
					return;
				const right = ring.x < a.left + a.width * 0.7;
				ctx.font = "600 14px ui-monospace, 'DejaVu Sans Mono', monospace";
				ctx.textAlign = right ? "left" : "right";
				ctx.textBaseline = "middle";
				ctx.fillStyle = marked[i].tint;
				ctx.fillText(chosen.pfn, ring.x + (right ? 20 : -20), ring.y);
			},
		}],
	});
	drawMap.choose = (f) => {
		chosen.pfn = f.pfn;
		chosen.index = cellOf(f);
		chart.data.datasets[0].radius = marked.map((m) => m.index === chosen.index ? 14 : radius);
		chart.update("none");
	};
	charts.push(chart);
}

// The others

function options(x, y, more = {}) {
	const text = { color: color("quiet") }, grid = { color: color("line") };
	return {
		animation: false, maintainAspectRatio: false, responsive: true,
		interaction: { mode: "index", intersect: false },
		scales: { x: { ticks: text, grid, title: { ...text, display: !!x, text: x }, ...more.x },
			y: { ticks: text, grid, beginAtZero: true, title: { ...text, display: !!y, text: y }, ...more.y } },
		plugins: { legend: { labels: { color: color("ink"), boxWidth: 14 } }, ...more.plugins },
	};
}

function drawRates() {
	const r = data.rates, scale = 1e9 / r.slice_ns;
	const group = Math.max(1, Math.ceil(r.pins.length / 240));
	const series = (name) => {
		const points = [];
		for (let i = 0; i < r[name].length; i += group)
			points.push({ x: (r.t - begin + i * r.slice_ns) / 1e9,
				y: r[name].slice(i, i + group).reduce((a, b) => a + b, 0) * scale / group });
		return points;
	};
	const line = (label, name, tint) => ({ label, data: series(name), borderColor: color(tint), backgroundColor: faint(tint),
		borderWidth: 2, pointRadius: 0, stepped: true });
	const datasets = [line("pins", "pins", "accent"), line("unpins", "unpins", "l3"), line("tables allocated", "allocs", "l2")];
	if (data.counts.dropped)
		datasets.unshift({ ...line("records dropped", "dropped", "doubt"), fill: true });
	if (findings.length)
		datasets.unshift({ label: "findings", type: "scatter", pointStyle: "triangle", radius: 8, hoverRadius: 10,
			backgroundColor: color("bad"), borderColor: color("bad"),
			data: findings.map((f) => ({ x: (f.t - begin) / 1e9, y: 0, f })) });
	$("rates-hint").textContent = `Operations per second, in slices of ${duration(r.slice_ns * group)}.` +
		(findings.length ? " Red triangles are findings." : "");
	charts.push(new Chart($("rates"), {
		type: "line", data: { datasets },
		options: { ...options("seconds since the recording began", "per second", { x: { type: "linear", min: 0, max: (data.recording.end_ns - begin) / 1e9 } }),
			onClick: (event, items, c) => {
				const hit = c.getElementsAtEventForMode(event, "nearest", { intersect: true }, true)
					.find((i) => c.data.datasets[i.datasetIndex].label === "findings");
				if (hit)
					choose(c.data.datasets[hit.datasetIndex].data[hit.index].f);
			} },
	}));
}

function drawLatency() {
	const l = data.latency;
	if (!l.count) {
		$("latency-hint").textContent = "No flush was seen to its end.";
		return;
	}
	$("latency-hint").textContent = `Half of ${plural(l.count, "flush").replace("flushs", "flushes")} within ${duration(l.p50_ns)}, 99 % within ` +
		`${duration(l.p99_ns)}, the longest ${duration(l.max_ns)}.`;
	charts.push(new Chart($("latency"), {
		type: "bar",
		data: { labels: l.buckets.map(([end]) => "≤ " + duration(end)),
			datasets: [{ label: "flushes", data: l.buckets.map(([, n]) => n), backgroundColor: color("accent") }] },
		options: options("", "flushes", { plugins: { legend: { display: false } } }),
	}));
}

function drawPrograms() {
	const top = data.programs.slice(0, 8);
	$("programs-hint").textContent = data.programs.length ? "By operations that Xen carried out for them." : "No program did anything.";
	$("programs-table").replaceChildren(table(
		["program", "#processes", "#trees", "#pins", "#unpins", "#refused", "#tables allocated", "#released", "#in flushes"],
		data.programs.map((p) => [p.comm, number(p.processes), number(p.trees), number(p.pins), number(p.unpins),
			number(p.failed), number(p.allocs), number(p.releases), duration(p.flush_ns)])));
	if (!top.length)
		return;
	const bar = (label, name, tint) => ({ label, data: top.map((p) => p[name]), backgroundColor: color(tint) });
	charts.push(new Chart($("programs"), {
		type: "bar",
		data: { labels: top.map((p) => p.comm), datasets: [bar("pins", "pins", "accent"), bar("unpins", "unpins", "l3"), bar("refused", "failed", "bad")] },
		options: { ...options("operations", "", { x: { stacked: true, beginAtZero: true }, y: { stacked: true } }), indexAxis: "y" },
	}));
}

// The boot: its stages as bars over time

function bootStages() {
	const b = data.boot, stages = [];
	const add = (name, t, ns, tint) => {
		if (t !== null && ns !== null)
			stages.push({ name, from: t, to: t + ns, tint });
	};
	const times = (b.erased ?? []).map((e) => e.t);
	add("hand-over", b.handover_t, b.handover_ns, "accent");
	if (times.length)
		add(plural(times.length, "flag") + " erased", least(times), most(times) - least(times), "bad");
	add("after-bootmem hook" + (repaired.length ? ": set again" : ""), b.hook.t, b.hook.ns, repaired.length ? "good" : "l4");
	for (const n of b.nodes)
		add(`deferred init, node ${n.node}`, n.t, n.ns, "l2");
	return stages;
}

const MODES = {
	hook: "by the after-bootmem hook, as upstream does",
	early: "early, as before 4.17 (xenpin.pinned=early)",
	repair: "early, as before 4.17, and again by the hook where it was erased (xenpin.pinned=repair)",
};

function showBoot() {
	const b = data.boot, known = (n, text) => n === null ? "not known" : text;
	if (!b)
		return;
	$("boot").hidden = false;
	const erased = b.erased ?? [], unrepaired = erased.filter((e) => !e.repaired).length;
	const counts = (of) => [...new Set(erased.map(of))].map((k) => `${number(erased.filter((e) => of(e) === k).length)} ${k}`).join(", ");
	$("boot-table").replaceChildren(table(["", "~"], [
		["flags erased", known(b.erased, erased.length ? `${number(erased.length)} (${counts((e) => "L" + e.level)}) ${PLACES[erased[0].where]}; ` +
			(unrepaired ? `${number(unrepaired)} of them not set again` : "all set again") : "none")],
		["PagePinned was set", known(b.pinned, MODES[b.pinned])],
		["whole boot", known(b.boot_ns, duration(b.boot_ns))],
		["hand-over", known(b.handover_ns, `${duration(b.handover_ns)}, ${plural(b.handover_pages, "page")}, ${number(b.deferred_pages)} of them deferred`)],
		["after-bootmem hook", known(b.hook.ns, `${duration(b.hook.ns)}, set ${plural(b.hook.set, "flag")}; then ${plural(b.hook.marked, "page table")} carry it`)],
		...b.nodes.map((n) => [`deferred init, node ${n.node}`,
			known(n.ns, `${duration(n.ns)}, ${plural(n.pages, "page")} from pfn ${n.first_pfn} on, ${n.threads > 1 ? "at most " : ""}${plural(n.threads, "thread")}`)]),
		["deferral", known(b.saved_ns, Math.abs(b.saved_ns) < b.saved_error_ns ? "saved or cost less than this boot can tell" :
			`${b.saved_ns < 0 ? "saved nothing, it cost" : "saved"} about ${duration(Math.abs(b.saved_ns))}, give or take ${duration(b.saved_error_ns)}`)],
		...b.incomplete.map((sentence) => ["incomplete", sentence]),
	]));
}

function drawBoot() {
	if (!data.boot)
		return;
	const stages = bootStages(), first = Math.min(...stages.map((s) => s.from));
	const ms = (t) => (t - first) / 1e6;
	$("boot-chart").parentElement.hidden = !stages.length;
	charts.push(new Chart($("boot-chart"), {
		type: "bar",
		data: { labels: stages.map((s) => s.name),
			datasets: [{ data: stages.map((s) => [ms(s.from), ms(s.to)]), minBarLength: 3,
				     backgroundColor: stages.map((s) => color(s.tint)) }] },
		options: { ...options("ms since the hand-over began", "", {
			plugins: { legend: { display: false }, tooltip: { callbacks: {
				label: (item) => duration(stages[item.dataIndex].to - stages[item.dataIndex].from),
			} } } }), indexAxis: "y" },
	}));
}
