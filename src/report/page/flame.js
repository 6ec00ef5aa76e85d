// SPDX-License-Identifier: GPL-2.0-only
// Kernel stacks as a flame graph of buttons, the outermost function at the top: so a keyboard and a
// screen reader enter it as they do the rest of the page.

const NARROWEST = 0.002;	// of the graph's width: what is less has no box
const flame = { of: "operations", buttons: new Map() };
const flameNode = (name, outer) => ({ name, outer, depth: outer ? outer.depth + 1 : 0, inner: new Map(), operations: 0, waited_ns: 0 });

function flameTree() {
	const root = flameNode("all stacks", null);
	for (const s of data.stacks) {
		let node = root;
		for (const name of [s.comm || "(no name)", ...s.frames]) {
			if (!node.inner.has(name))
				node.inner.set(name, flameNode(name, node));
			node = node.inner.get(name);
		}
		for (; node; node = node.outer) {
			node.operations += s.operations;
			node.waited_ns += s.waited_ns;
		}
	}
	return root;
}

const share = (part, all) => all ? `${+(100 * part / all).toPrecision(3)} %` : "none";

function flameText(node) {
	const all = data.stack_totals.all;
	return `${node.name}: ${plural(node.operations, "operation")} (${share(node.operations, all.operations)}), ` +
		`${duration(node.waited_ns)} waited for Xen (${share(node.waited_ns, all.waited_ns)})`;
}

function flameButton(node) {
	const text = flameText(node), kind = node.depth === 1 ? "program" : /^_*xen/.test(node.name) ? "xen" : "";
	const button = make("button", { type: "button", className: kind, tabIndex: -1, title: text, ariaLabel: text }, node.name);
	button.addEventListener("click", () => zoomFlame(node));
	button.addEventListener("focus", () => enterFlame(node));
	button.addEventListener("mouseenter", () => $("flame-about").textContent = text);
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

const besides = (node, step, row = [...flame.buttons.keys()].filter((n) => n.depth === node.depth)) => row[row.indexOf(node) + step];

const FLAME_KEYS = {
	ArrowUp: (node) => node.outer,
	ArrowDown: (node) => innerOf(node).find((n) => flame.buttons.has(n)),
	ArrowLeft: (node) => besides(node, -1),
	ArrowRight: (node) => besides(node, 1),
};

function flameKey(event) {
	if (event.key === "Escape" && flame.zoomed.outer)
		zoomFlame(flame.zoomed.outer);
	if (FLAME_KEYS[event.key]) {
		event.preventDefault();
		flame.buttons.get(FLAME_KEYS[event.key](flame.at))?.focus();
	}
}

// What the boxes do not show.
function flameGaps() {
	const { all, without, beyond, stacks } = data.stack_totals, missing = stacks - data.stacks.length;
	return [
		without.batches && `${share(without.operations, all.operations)} of the operations were recorded without a stack.`,
		missing && `${plural(missing, "stack")} of few operations are left out: --format folded has them.`,
		beyond.batches && `${share(beyond.operations, all.operations)} of the operations had more stacks than are told apart.`,
		all.unweighed && `How long ${number(all.unweighed)} of ${number(all.batches)} batches waited was not seen.`,
	].filter(Boolean);
}

function showFlame() {
	$("stacks").hidden = false;
	$("flame-of").parentElement.hidden = !data.stack_totals.all.waited_ns;
	$("flame-hint").append(" ", flameGaps().join(" "));
	flame.zoomed = flameTree();
	$("flame").addEventListener("keydown", flameKey);
	$("flame-of").addEventListener("change", (event) => {
		flame.of = event.target.value;
		drawFlame();
	});
	drawFlame();
}
