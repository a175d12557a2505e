/** A call of every function of `@ermine/core/backend`. */
import * as core from "@ermine/core";
import * as backends from "@ermine/core/backend";
import * as define from "@ermine/core/define";
import { reference } from "@ermine/core/reference";
import { allThings, type ArgumentSpec, type CallSpec, type Thing } from "../../src/laws/arguments.js";
import { anything, aTensor, call, fn, integer, mapped, only, optional, options, text, x } from "./slots.js";

const backend = reference();
const type = { shape: [2], dtype: "float32", domain: "real" } as const;
const variable = new core.Variable(core.ones([2]), { name: "weight" });

const doubled = define.defineOp({
  name: "doubled",
  inputs: [{ name: "x" }],
  infer: ([t]) => [t!],
  decompose: ([t]) => [core.mul(t!, 2)],
});

/** A loop over a feed, and a variable. */
const { graph } = backends.traceEntry("sums", (trace) => {
  const rows = trace.feed("rows", { ...type, shape: [3, 2] });
  const [total] = core.scan((sum: core.Tensor, row: core.Tensor) => [core.add(sum, row), sum], core.zeros([2]), rows);
  return core.add(total, trace.readVariable(variable));
});
const loop = graph.nodes.find(backends.isLoop)!;
/** Of one feed and no loop. */
const { graph: negated } = backends.traceEntry("negated", (trace) => core.neg(trace.feed("x", type)));
const module = backends.graphModule({ negated });

const aBackend = only(() => backend);
const aGraph = only(() => graph);
const aModule = only(() => module);
const aFunction = (value: (...args: never[]) => unknown) => fn(value);
const noObjects: readonly Thing[] = [
  "null",
  "a boolean",
  "a string",
  "a whole number",
  "a negative number",
  "a fraction",
  "NaN",
  "a bigint",
  "a symbol",
  "a function",
];
/** Whatever is an object: what a storage is only its backend knows. */
const aStorage = only(() => ({}), ...allThings.filter((name) => !noObjects.includes(name)));

export const rows: Readonly<Record<string, CallSpec>> = {
  loadChunk: call(
    backends.loadChunk,
    text("plans"),
    fn(async () => 1),
  ),
  finalizationRegistry: call(
    backends.finalizationRegistry,
    aFunction(() => undefined),
  ),
  compactElements: call(
    backends.compactElements,
    only(() => Uint8Array.of(1), "a typed array"),
    options({ where: "inputs", dtype: "float32" }, "where", "holder", "end"),
  ),
  allocate: call(backends.allocate, text("float32"), integer(2)),
  bindKernels: mapped(
    backends.bindKernels,
    only(() => ({ ...doubled })),
  ),
  bindKernelAs: call(
    backends.bindKernelAs,
    only(() => ({ ...doubled })),
    fn(() => "doubled of a test"),
  ),
  ...Object.fromEntries(
    (["kernelName", "gradientOpFor", "gradientRuleOf", "loopOf", "conditionalOf", "subgraphsOf"] as const).map((name) => [
      name,
      mapped(
        backends[name],
        only(() => doubled),
      ),
    ]),
  ),
  ...Object.fromEntries(
    (["isLoop", "isConditional"] as const).map((name) => [
      name,
      mapped(
        backends[name],
        only(() => loop),
      ),
    ]),
  ),
  ...Object.fromEntries(
    (["nodesWithin", "eliminateDead", "fedLookups", "peakBytes"] as const).map((name) => [name, mapped(backends[name], aGraph)]),
  ),
  mapSubgraphs: call(
    backends.mapSubgraphs,
    only(() => loop.op),
    fn((body: unknown) => body),
  ),
  StoredVariable: call(
    (...args: readonly unknown[]) => new backends.StoredVariable(...(args as [never, never])),
    aBackend,
    only(() => type),
    aStorage,
  ),
  traceEntry: call(
    backends.traceEntry,
    text("negated"),
    fn(() => 1),
  ),
  graphModule: mapped(
    backends.graphModule,
    only(() => ({ graph })),
  ),
  ...Object.fromEntries(
    (["compileModule", "compileDetached"] as const).map((name) => [
      name,
      call(
        (...args: readonly unknown[]) => {
          backends[name](...(args as [never, never])).dispose();
        },
        aBackend,
        aModule,
      ),
    ]),
  ),
  interpret: call(
    backends.interpret,
    aBackend,
    aModule,
    only(() => []),
  ),
  placements: call(backends.placements, aGraph, aBackend),
  lowerModule: call(backends.lowerModule, aModule, aBackend),
  specialize: call(
    backends.specialize,
    aGraph,
    only(() => ({ N: 2 }), "an object"),
  ),
  withNodes: call(
    backends.withNodes,
    aGraph,
    only(() => graph.nodes),
    fn((value: unknown) => value),
  ),
  mapOps: call(
    backends.mapOps,
    aGraph,
    fn(() => ({})),
  ),
  bindFeeds: call(
    backends.bindFeeds,
    text("negated"),
    only(() => negated),
    only(() => ({ x: { shape: [2], value: Float32Array.of(1, 2) } })),
  ),
  isFeedSource: mapped(backends.isFeedSource, anything({ copyInto: () => undefined })),
  unmetRequirement: call(
    backends.unmetRequirement,
    aGraph,
    only(() => ({ N: 2 }), "an object"),
  ),
  requirementPlace: mapped(
    backends.requirementPlace,
    only(() => ({ what: "BatchNorm1d 4", path: "encoder.1", count: core })),
  ),
  attributesKey: mapped(
    backends.attributesKey,
    only(() => ({ axis: 1 }), "an object"),
  ),
  currentPath: call(backends.currentPath),
  currentTrace: call(backends.currentTrace),
  observeOps: call(
    backends.observeOps,
    fn(() => undefined),
    fn(() => 1),
  ),
  withoutTrace: mapped(
    backends.withoutTrace,
    fn(() => 1),
  ),
  Trace: call((...args: readonly unknown[]) => new backends.Trace(...(args as [never])), optional(aBackend)),
};

/** A method, called on a new trace; in the place of a tensor of the trace's own stands a constant. */
const ofTrace = (name: string, ...args: readonly ArgumentSpec[]): Readonly<Record<string, CallSpec>> => {
  const run = (...received: readonly unknown[]): unknown => {
    const trace = new backends.Trace();
    return (trace as unknown as Readonly<Record<string, CallSpec["run"]>>)[name]!(...received);
  };
  return { [`Trace.${name}`]: args.length === 1 ? mapped(run, ...args) : call(run, ...args) };
};

export const methods: Readonly<Record<string, CallSpec>> = {
  ...ofTrace(
    "run",
    fn(() => 1),
  ),
  ...ofTrace(
    "checked",
    fn(() => undefined),
    fn(() => 1),
  ),
  ...ofTrace(
    "feed",
    text("x"),
    only(() => type),
  ),
  ...ofTrace("valueOf", aTensor(x)),
  ...ofTrace(
    "readVariable",
    only(() => variable),
  ),
  ...ofTrace(
    "writeVariable",
    only(() => variable),
    aTensor(x),
  ),
  ...ofTrace(
    "isWritten",
    only(() => variable),
  ),
  ...ofTrace(
    "requireValues",
    aTensor(x),
    fn(() => undefined),
  ),
  ...ofTrace("commitIf", aTensor(x)),
  ...ofTrace(
    "finish",
    only(() => [x()]),
  ),
};

export const without: Readonly<Record<string, string>> = { checkBackend: "is a check itself" };
