/**
 * Law 6: of everything that an entry exports, and in every place of its arguments, what does not belong there is refused by an ErmineError: never a
 * raw error, never ignored.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import "@ermine/core/fluent";
import * as core from "@ermine/core";
import * as backends from "@ermine/core/backend";
import * as catalog from "@ermine/core/catalog";
import * as define from "@ermine/core/define";
import * as nn from "@ermine/core/nn";
import * as referenceEntry from "@ermine/core/reference";
import * as data from "@ermine/data";
import * as canvas from "@ermine/data/canvas";
import * as csv from "@ermine/data/csv";
import * as imageFiles from "@ermine/data/images";
import * as nodeFiles from "@ermine/data/node";
import * as npyFiles from "@ermine/data/npy";
import * as parquet from "@ermine/data/parquet";
import * as formats from "@ermine/formats";
import * as npz from "@ermine/formats/npz";
import * as preprocessing from "@ermine/preprocessing";
import * as trainers from "@ermine/trainer";
import * as trainerCatalog from "@ermine/trainer/catalog";
import * as checkpoints from "@ermine/trainer/checkpoint";
import * as checkpointStorage from "@ermine/trainer/checkpoint/browser";
import * as checkpointFiles from "@ermine/trainer/checkpoint/node";
import * as workers from "@ermine/trainer/worker";
import { describe, expect, test } from "vitest";
import * as kit from "../src/index.js";
import { testPackageArguments, type ArgumentTable, type CallSpec, type PackageManifest } from "../src/laws/arguments.js";
import * as ofBackends from "./arguments/backend.js";
import * as ofKit from "./arguments/conformance.js";
import * as ofCore from "./arguments/core.js";
import * as ofDefine from "./arguments/define.js";
import * as ofLayers from "./arguments/layers.js";
import * as ofFiles from "./arguments/files.js";
import * as ofTraining from "./arguments/training.js";
import { call, fn, only, options, text } from "./arguments/slots.js";

/** Methods take what follows the tensor; `where` and `concat` say themselves which place it has. */
const fluent = Object.fromEntries(
  Object.entries(ofCore.rows).flatMap(([name, row]): [string, CallSpec][] => {
    const [receiver, ...rest] = row.arguments;
    if (receiver === undefined || !(name in core.Tensor.prototype) || name === "grad") return [];
    const ofTensor = name === "where" || name === "concat" ? core.ones([1, 2]) : (receiver.right() as core.Tensor);
    const run = (...args: readonly unknown[]): unknown =>
      (ofTensor as unknown as Record<string, CallSpec["run"]>)[name]!(...args);
    const args = name === "where" ? [row.arguments[0]!, row.arguments[2]!] : name === "concat" ? [receiver, ...rest] : rest;
    return [[name, { run, arguments: args, ...(row.more === "any" ? { more: "any" } : {}) }]];
  }),
);

/** Classes that are exported for their types. */
const exportedForTypes = (names: string, how: string): Readonly<Record<string, string>> =>
  Object.fromEntries(names.split(" ").map((name) => [name, `is made ${how}`]));

const entries: Readonly<Record<string, ArgumentTable>> = {
  "@ermine/core": { exports: core, rows: ofCore.rows, without: ofCore.without, methods: ofCore.methods },
  "@ermine/core/define": { exports: define, rows: ofDefine.rows, without: ofDefine.without },
  "@ermine/core/backend": {
    exports: backends,
    rows: ofBackends.rows,
    methods: ofBackends.methods,
    without: ofBackends.without,
  },
  "@ermine/core/nn": {
    exports: nn,
    rows: ofLayers.rows,
    methods: ofLayers.methods,
    without: { Module: "an abstract class", ...exportedForTypes("LoRA", "by lora") },
  },
  "@ermine/core/fluent": { exports: {}, rows: {}, methods: fluent },
  "@ermine/core/catalog": {
    exports: catalog,
    rows: { findActivation: call(catalog.findActivation, text("relu")), findLoss: call(catalog.findLoss, text("mse")) },
  },
  "@ermine/trainer": { exports: trainers, rows: ofTraining.rows, methods: ofTraining.methods },
  "@ermine/trainer/catalog": { exports: trainerCatalog, rows: ofTraining.ofCatalog },
  "@ermine/trainer/checkpoint": { exports: checkpoints, rows: ofTraining.ofCheckpoints },
  "@ermine/trainer/checkpoint/browser": { exports: checkpointStorage, rows: ofTraining.ofStorage },
  "@ermine/trainer/checkpoint/node": { exports: checkpointFiles, rows: ofTraining.ofFiles },
  "@ermine/trainer/worker": {
    exports: workers,
    rows: ofTraining.ofWorkers,
    without: { serveTraining: "works in a worker alone: the trainer's tests of workers call it" },
  },
  "@ermine/formats": {
    exports: formats,
    rows: ofFiles.ofFormats,
    without: exportedForTypes("NpyArray Safetensors SafetensorsTensor", "by reading a file"),
  },
  "@ermine/formats/npz": { exports: npz, rows: ofFiles.ofNpz },
  "@ermine/preprocessing": {
    exports: preprocessing,
    rows: ofFiles.ofPreprocessing,
    without: exportedForTypes("FittedColumns FittedImages TablePreprocessing TargetClasses", "by functions of the same name"),
  },
  "@ermine/data": {
    exports: data,
    rows: ofFiles.ofData,
    methods: ofFiles.methods,
    without: exportedForTypes("ItemContext Sequence Stream Table", "by functions of the same name"),
  },
  "@ermine/data/csv": { exports: csv, rows: ofFiles.ofCsv },
  "@ermine/data/images": { exports: imageFiles, rows: ofFiles.ofImages },
  "@ermine/data/canvas": {
    exports: canvas,
    rows: {},
    without: { decodeImage: "works in a browser alone: the tests of environments call it there" },
  },
  "@ermine/data/npy": { exports: npyFiles, rows: ofFiles.ofNpy, without: exportedForTypes("NpyFile", "by openNpy") },
  "@ermine/data/parquet": {
    exports: parquet,
    rows: ofFiles.ofParquet,
    without: exportedForTypes("ParquetFile", "by openParquet"),
  },
  "@ermine/data/node": { exports: nodeFiles, rows: ofFiles.ofFiles },
  "@ermine/conformance": { exports: kit, rows: ofKit.rows, without: ofKit.without },
  "@ermine/core/reference": {
    exports: referenceEntry,
    rows: {
      reference: call(referenceEntry.reference, options()),
      checkGradients: call(
        referenceEntry.checkGradients,
        fn(core.neg),
        only(() => [core.ones([2])]),
        options(),
      ),
    },
  },
};

const manifestOf = (folder: string): PackageManifest =>
  JSON.parse(readFileSync(join(packages, folder, "package.json"), "utf8")) as PackageManifest;
const ofPackage = (name: string): Readonly<Record<string, ArgumentTable>> =>
  Object.fromEntries(Object.entries(entries).filter(([entry]) => entry === name || entry.startsWith(`${name}/`)));

const packages = join(import.meta.dirname, "../..");
const testedHere = ["core", "trainer", "formats", "preprocessing", "data", "conformance"];
for (const folder of testedHere) {
  const manifest = manifestOf(folder);
  testPackageArguments(manifest, ofPackage(manifest.name), { describe, it: test });
}

test("every other package tries its own arguments", () => {
  const published = readdirSync(packages).filter((folder) => !("private" in manifestOf(folder)));
  const without = published.filter((folder) => {
    const file = join(packages, folder, "test/arguments.test.ts");
    return !testedHere.includes(folder) && !(existsSync(file) && readFileSync(file, "utf8").includes("testPackageArguments("));
  });
  expect(published.length).toBeGreaterThan(testedHere.length);
  expect(without).toEqual([]);
});
test("no table is of another package", () => {
  const names = testedHere.map((folder) => manifestOf(folder).name);
  expect(Object.keys(entries).filter((entry) => !names.some((name) => entry === name || entry.startsWith(`${name}/`)))).toEqual(
    [],
  );
});

test.each<[string, CallSpec["run"], string]>([
  ["an entry without a table", () => ({ yours: { exports: {}, rows: {} } }), "no table: yours/part"],
  [
    "a function without a row",
    () => ({ yours: { exports: { twice: core.neg }, rows: {} }, "yours/part": { exports: {}, rows: {} } }),
    "no row, and no reason to have none: twice",
  ],
  [
    "a row of nothing",
    () => ({ yours: { exports: {}, rows: { twice: call(core.neg) } }, "yours/part": { exports: {}, rows: {} } }),
    "no export of that name: twice",
  ],
])("testPackageArguments finds %s", async (_, tables, message) => {
  const faults: string[] = [];
  const running: Promise<unknown>[] = [];
  const it = (name: string, run: () => Promise<void>) =>
    name === "twice" ? undefined : running.push(run().catch((error: Error) => faults.push(error.message)));
  const manifest = { name: "yours", exports: { ".": "./index.js", "./part": { default: "./part.js" }, "./data/*": "./data/*" } };
  testPackageArguments(manifest, tables() as never, { describe: (_name: string, body: () => void) => body(), it });
  await Promise.all(running);
  expect(faults).toEqual([message]);
});
test("testPackageArguments refuses the table of an entry that there is not", () => {
  const manifest = { name: "yours", exports: { ".": "./index.js" } };
  const table = { exports: {}, rows: {} };
  expect(() => testPackageArguments(manifest, { "yours/part": table }, { describe, it: test })).toThrow(
    /no option "yours\/part"/,
  );
});

test("every layer's forward has a row", () => expect(ofLayers.withoutForward).toEqual([]));
test("every method of fluent has a row", () => {
  const tensorMethods = ["backward", "dispose"];
  const methods = Object.entries(Object.getOwnPropertyDescriptors(core.Tensor.prototype)).flatMap(([name, { value, writable }]) =>
    typeof value === "function" && writable === true && name in core && !tensorMethods.includes(name) ? [name] : [],
  );
  expect(methods.length).toBeGreaterThan(60);
  expect(methods.filter((name) => !(name in fluent))).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  ["nothing", undefined, /runLaws takes its options as an object, got undefined/],
  ["a backend", referenceEntry.reference(), /runLaws has no option/],
  ["no backend", {}, /runLaws needs backend/],
  ["a promise of one", { backend: Promise.resolve(referenceEntry.reference()) }, /got a promise \(await it first\)/],
  ["a misspelt option", { backend: referenceEntry.reference(), definition: {} }, /Did you mean "definitions"/],
  ["definitions of nothing", { backend: referenceEntry.reference(), definitions: {} }, /runLaws: definitions needs activations/],
])("runLaws refuses %s", async (_, options, message) => {
  await expect(kit.runLaws(options as never)).rejects.toThrow(message);
});
