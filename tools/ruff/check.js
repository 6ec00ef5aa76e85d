// SPDX-License-Identifier: GPL-2.0-only
// ruff on files: the first argument is its settings as JSON, and each finding is a line of stdout.
const fs = require("fs");
const { PositionEncoding, Workspace } = require("@astral-sh/ruff-wasm-nodejs");

const [settings, ...files] = process.argv.slice(2);
const workspace = new Workspace(JSON.parse(settings), PositionEncoding.Utf32);
for (const file of files)
	for (const found of workspace.check(fs.readFileSync(file, "utf8")))
		console.log(`${file}:${found.start_location.row}: ${found.code} ${found.message}`);
