/** Which files may import which; `scripts/dependencies.mjs` counts what breaks it. Type-only imports count. */

/** The layers of core: each imports from itself and from those before it (ARCHITECTURE.md says what each is). */
const layers = ["types", "ir", "dispatch", "ops", "random", "activations", "functional", "autograd", "control", "losses", "nn"];

/** Rooms next to the layers, which no layer imports, and the last layer that each builds on. */
const rooms = { backend: "ir", graph: "ops", fluent: "activations", reference: "autograd" };

const core = "^packages/core/src";

/** Nothing in `from` (a folder of core) imports what is above the layer `top`, or from a room that is not its own. */
const within = (from, top) => ({
  name: `core-${from}`,
  severity: "error",
  from: { path: `${core}/${from}/` },
  to: { path: `${core}/`, pathNot: `${core}/(${[...layers.slice(0, layers.indexOf(top) + 1), from].join("|")})/` },
});

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    ...layers.map((layer) => within(layer, layer)),
    ...Object.entries(rooms).map(([room, top]) => within(room, top)),
    {
      name: "core-gradients",
      comment: "Rules of gradients are for autograd alone, so that a program that only predicts carries none.",
      severity: "error",
      from: { path: `${core}/`, pathNot: `${core}/(autograd/|entries/)` },
      to: { path: `${core}/autograd/rules/` },
    },
    {
      name: "trainer-node",
      comment: "Pages have no Node API: files are an entry of their own.",
      severity: "error",
      from: { path: "^packages/trainer/src/", pathNot: "^packages/trainer/src/checkpoint/(files/|node.ts$)" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "trainer-checkpoints",
      comment: "A program with files carries nothing of browsers, and a page nothing of files.",
      severity: "error",
      from: { path: "^packages/trainer/src/", pathNot: "^packages/trainer/src/checkpoint/(files/|slots/|node.ts$|browser.ts$)" },
      to: { path: "^packages/trainer/src/checkpoint/(files|slots)/" },
    },
    {
      name: "trainer-slots",
      severity: "error",
      from: { path: "^packages/trainer/src/checkpoint/slots/" },
      to: { path: "^packages/trainer/src/checkpoint/files/" },
    },
    {
      name: "trainer-files",
      severity: "error",
      from: { path: "^packages/trainer/src/checkpoint/files/" },
      to: { path: "^packages/trainer/src/checkpoint/slots/" },
    },
    {
      name: "data-node",
      comment: "Pages have no Node API: what reads the disk is an entry of its own.",
      severity: "error",
      from: { path: "^packages/(data|preprocessing)/src/", pathNot: "^packages/data/src/(node|images/folder).ts$" },
      to: { dependencyTypes: ["core"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules|/dist/" },
    exclude: { path: "node_modules|/dist/|/\\.programs/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "default"] },
  },
};
