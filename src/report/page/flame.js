// SPDX-License-Identifier: GPL-2.0-only
// Kernel stacks as a flame graph of buttons, the outermost function at the top: so a keyboard and a
// screen reader enter it as they do the rest of the page.

const NARROWEST = 0.002;	// of the graph's width: what is less has no box
const flame = { of: "operations", buttons: new Map() };

function addStack(root, s) {
	let at = root;
	const add = (node) => {
		node.operations += s.operations;
		node.waited_ns += s.waited_ns;
	};
	add(root);
	for (const name of [s.comm || "(no name)", ...s.frames]) {
		if (!at.inner.has(name))
			at.inner.set(name, { name, outer: at, depth: at.depth + 1, inner: new Map(), operations: 0, waited_ns: 0 });
		at = at.inner.get(name);
		add(at);
	}
}

function flameTree() {
	const root = { name: "all stacks", outer: null, depth: 0, inner: new Map(), operations: 0, waited_ns: 0 };
	for (const s of data.stacks)
		addStack(root, s);
	return root;
}

const share = (part, all) => all ? `${+(100 * part / all).toPrecision(3)} %` : "none";

function flameText(node) {
	const all = data.stack_totals.all;
	return `${node.name}: ${plural(node.operations, "operation")} (${share(node.operations, all.operations)}), ` +
		`${duration(node.waited_ns)} waited for Xen (${share(node.waited_ns, all.waited_ns)})`;
}

function flameButton(node) {
	const kind = node.depth === 1 ? "program" : /^_*xen/.test(node.name) ? "xen" : "";
	const button = make("button", { type: "button", className: kind, tabIndex: -1, title: flameText(node) }, node.name);
	button.setAttribute("aria-label", flameText(node));
	button.addEventListener("click", () => zoomFlame(node));
	button.addEventListener("focus", () => enterFlame(node));
	button.addEventListener("mouseenter", () => $("flame-about").textContent = flameText(node));
	flame.buttons.set(node, button);
	return button;
}

const innerOf = (node) => [...node.inner.values()].sort((a, b) => b[flame.of] - a[flame.of]);

function flameBox(node) {
	const inner = innerOf(node).filter((n) => n[flame.of] > NARROWEST * flame.zoomed[flame.of]).map((n) => {
		const box = flameBox(n);
		box.style.width = `${100 * n[flame.of] / node[flame.of]}%`;
		return box;
	});
	return make("div", {}, flameButton(node), make("div", { className: "inner" }, ...inner));
}

// The one box that Tab comes to.
function enterFlame(node) {
	for (const [n, button] of flame.buttons)
		button.tabIndex = n === node ? 0 : -1;
	flame.at = node;
	$("flame-about").textContent = flameText(node);
}

// What is around the chosen box stands above it, as wide as the graph.
function drawFlame() {
	const around = [];
	for (let node = flame.zoomed.outer; node; node = node.outer)
		around.unshift(node);
	flame.buttons.clear();
	$("flame").replaceChildren(...around.map(flameButton), flameBox(flame.zoomed));
	enterFlame(flame.zoomed);
}

function zoomFlame(node) {
	flame.zoomed = node;
	drawFlame();
	flame.buttons.get(node).focus();
}

function besides(node, step) {
	const row = [...flame.buttons.keys()].filter((n) => n.depth === node.depth);
	return row[row.indexOf(node) + step];
}

const FLAME_KEYS = {
	ArrowUp: (node) => node.outer,
	ArrowDown: (node) => innerOf(node).find((n) => flame.buttons.has(n)),
	ArrowLeft: (node) => besides(node, -1),
	ArrowRight: (node) => besides(node, 1),
};

function flameKey(event) {
	if (event.key === "Escape" && flame.zoomed.outer)
		zoomFlame(flame.zoomed.outer);
	if (!FLAME_KEYS[event.key])
		return;
	event.preventDefault();
	flame.buttons.get(FLAME_KEYS[event.key](flame.at))?.focus();
}

function showFlame() {
	const { all, without, beyond, stacks } = data.stack_totals, missing = stacks - data.stacks.length;
	if (!data.stacks.length)
		return;
	$("stacks").hidden = false;
	$("flame-of").parentElement.hidden = !all.waited_ns;
	$("flame-hint").textContent = "Each box is a function, below it those that it called, as wide as their part. " +
		"Choose a box to see it larger; with the arrow keys, Enter, and Escape to go back." +
		(without.batches ? ` ${share(without.operations, all.operations)} of the operations were recorded without a stack.` : "") +
		(missing ? ` ${plural(missing, "stack")} of few operations are left out: --format folded has them.` : "") +
		(beyond.batches ? ` ${share(beyond.operations, all.operations)} of the operations had stacks too many to tell apart.` : "") +
		(all.unweighed ? ` How long ${number(all.unweighed)} of ${plural(all.batches, "batch").replace("batchs", "batches")} waited was not seen.` : "");
	flame.zoomed = flameTree();
	$("flame").addEventListener("keydown", flameKey);
	$("flame-of").addEventListener("change", (event) => {
		flame.of = event.target.value;
		drawFlame();
	});
	drawFlame();
}
