// Makes a component of quoter.js: `node build.mjs COMPONENT`. The component carries a JavaScript
// engine (QuickJS), cut off from every interface that a task may not have: what is left of WASI in
// the engine traps.

import { readFile, writeFile } from "node:fs/promises";

import { componentize } from "componentize-qjs";

const [target] = process.argv.slice(2);
if (target === undefined) {
  throw new Error("usage: node build.mjs COMPONENT");
}
const { component } = await componentize({
  witPath: "../../crates/chaos-sandbox/wit",
  world: "strategy",
  jsSource: await readFile("quoter.js", "utf8"),
  jsPath: "quoter.js",
  moduleRoot: ".",
  stubWasi: true,
  optSize: true,
  sync: true,
});
await writeFile(target, component);
