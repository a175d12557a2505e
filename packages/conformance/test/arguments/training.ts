/** A call of every function, class and method of `@ermine/trainer`, its catalog and its checkpoints. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import * as trainers from "@ermine/trainer";
import * as catalog from "@ermine/trainer/catalog";
import * as checkpoints from "@ermine/trainer/checkpoint";
import * as stored from "@ermine/trainer/checkpoint/browser";
import * as files from "@ermine/trainer/checkpoint/node";
import * as workers from "@ermine/trainer/worker";
import type { CallSpec } from "../../src/laws/arguments.js";
import { aTensor, call, fn, integer, list, number, only, optional, options, text, variadic } from "./slots.js";

type Rows = Readonly<Record<string, CallSpec>>;
type Any = (...args: readonly unknown[]) => unknown;
const { adam, dataset, mse, schedules, sgd, Trainer } = { ...core, ...trainers };
const of = (name: string): unknown => (trainers as unknown as Readonly<Record<string, unknown>>)[name];
const each = (names: string, make: (f: unknown) => CallSpec): Rows =>
  Object.fromEntries(names.split(" ").map((name) => [name, make(of(name))]));

const column = () => ({ data: new Float32Array(4), shape: [4, 1] });
const data = () => dataset({ inputs: { data: new Float32Array(8), shape: [4, 2] }, targets: column() });
const backend = reference();
const settings = () => ({ model: new Linear(2, 1), loss: mse, optimizer: sgd(), backend });
const trainer = () => new Trainer(settings());
const link = () => trainers.scaleBySign();
const gradients = () => [core.ones([2])];
const probabilities = () => Float32Array.of(0.2, 0.8);
const batch = () => ({ data: Float32Array.of(0.2, 0.8), shape: [2] });
const labels = () => ({ data: Int32Array.of(0, 1), shape: [2] });

const optimizers = "sgd rmsprop adam adamw sparseAdam adagrad adadelta adamax nadam radam asgd rprop lion lamb adafactor muon";
const metrics =
  "accuracy topKAccuracy logLoss precision recall f1 rocAuc averagePrecision meanSquaredError meanAbsoluteError r2 calibrationError";
const linksOfOptions =
  "scaleByAdam scaleByRms scaleByRss scaleByAdadelta scaleByAdamax scaleByNadam scaleByRadam scaleByBelief scaleByLion scaleByFactoredRms " +
  "scaleByRprop orthogonalize";

export const rows: Rows = {
  ...each(`${optimizers} ${metrics} ${linksOfOptions}`, (f) => call(f, options())),
  ...each("centralize normalizeByGlobalNorm scaleBySign scaleByTrustRatio", (f) => call(f)),
  ...each("applyMomentum ema", (f) => call(f, number(0.9), options())),
  addDecayedWeights: call(trainers.addDecayedWeights, number(0.1), options()),
  adaptiveClip: call(trainers.adaptiveClip, optional(number(0.1)), optional(number(1e-3))),
  addNoise: call(trainers.addNoise, optional(number(0.1)), optional(number(0.5))),
  averageWeights: call(
    trainers.averageWeights,
    fn(() => 0.5),
  ),
  clipByBlockRms: call(trainers.clipByBlockRms, number(1)),
  clipByGlobalNorm: call(trainers.clipByGlobalNorm, number(1), optional(number(2))),
  clipByValue: call(trainers.clipByValue, number(1)),
  scale: call(trainers.scale, number(1)),
  scaleByLearningRate: call(trainers.scaleByLearningRate, number(0.1)),
  scaleByParameterRms: call(trainers.scaleByParameterRms, optional(number(1e-3))),
  scaleBySchedule: call(
    trainers.scaleBySchedule,
    only(() => schedules.constant(0.1)),
  ),
  perParameter: call(trainers.perParameter, options({ name: "own", update: (u: unknown) => [u] }, "name", "slots")),
  masked: call(
    trainers.masked,
    only(link),
    fn(() => true),
  ),
  chain: variadic(trainers.chain, only(link)),
  undecayedBiasesAndNorms: call(
    trainers.undecayedBiasesAndNorms,
    fn(() => adam()),
    number(0.1),
  ),
  ...each("exponentialAverage stochasticAverage lookahead", (f) =>
    call(
      f,
      only(() => adam()),
      options(),
    ),
  ),
  ...each("l1Penalty l2Penalty", (f) => call(f, number(0.1), options())),
  elasticNet: call(trainers.elasticNet, number(0.1), optional(number(0.5)), options()),
  clipGradNorm: call(
    trainers.clipGradNorm,
    only(gradients),
    number(1, "a float32 tensor", "an int32 tensor", "a bool tensor"),
    optional(number(2)),
  ),
  clipGradValue: call(trainers.clipGradValue, only(gradients), number(1)),
  globalNorm: call(trainers.globalNorm, only(gradients), optional(number(2))),
  scalarAt: call(
    trainers.scalarAt,
    aTensor(() => core.ones([2])),
    integer(0),
  ),
  defineMetric: call(
    trainers.defineMetric,
    options({ name: "own", better: "lower", sums: 1, count: () => [1], compute: () => 1 }, "name"),
  ),
  unweighted: call(
    trainers.unweighted,
    only(() => trainers.accuracy()),
  ),
  defineOptimizer: call(
    trainers.defineOptimizer,
    options(
      { name: "own", defaults: { learningRate: 0.1, weightDecay: 0, maximize: false }, links: () => [link()] },
      "name",
      "op",
      "average",
      "momentum",
    ),
  ),
  weightedSum: call(
    trainers.weightedSum,
    only(() => [{ name: "a", loss: mse }]),
  ),
  progressBar: call(trainers.progressBar, options()),
  earlyStopping: call(trainers.earlyStopping, options({ monitor: "loss" }, "monitor")),
  dataset: call(
    trainers.dataset,
    options(() => ({ inputs: column() })),
  ),
  Dataset: call((...args: [never]) => new trainers.Dataset(...args), only(data)),
  ShuffleBuffer: call(
    (...args: [never, never]) => new trainers.ShuffleBuffer(...args),
    integer(2),
    only(() => core.hashKey(1, "a")),
  ),
  split: call(trainers.split, only(data), number(0.5), optional(integer(1))),
  stream: call(
    trainers.stream,
    fn(() => [], "an array", "an array of numbers", "a Map", "a typed array"),
    options(),
  ),
  batchFeeds: call(
    trainers.batchFeeds,
    only(() => [...data().batches({ batchSize: 2, epoch: 0, seed: 1 })][0]),
  ),
  bestThreshold: call(
    trainers.bestThreshold,
    list(probabilities, "a typed array"),
    list(() => Int32Array.of(0, 1), "a typed array"),
    optional(fn(() => 1)),
  ),
  classificationReport: call(trainers.classificationReport, only(batch), only(labels), options()),
  confusionMatrix: call(trainers.confusionMatrix, only(batch), only(labels), integer(2)),
  backendTable: call(trainers.backendTable, only([])),
  Trainer: call((...args: [never]) => new Trainer(...args), options(settings, "model", "loss", "optimizer", "backend")),
};

const ofSchedule = (name: keyof typeof schedules, enough?: object): [string, CallSpec] => [
  `schedules.${name}`,
  call(schedules[name] as Any, number(0.1), options(enough, ...(name === "reduceOnPlateau" ? ["monitor"] : []))),
];
const method = (name: string, ...args: CallSpec["arguments"]): [string, CallSpec] => [
  `Trainer.${name}`,
  call((...given: readonly unknown[]) => (trainer() as unknown as Readonly<Record<string, Any>>)[name]!(...given), ...args),
];
export const methods: Rows = Object.fromEntries([
  ofSchedule("step", { stepSize: 2 }),
  ofSchedule("multiStep", { milestones: [2] }),
  ofSchedule("exponential", { gamma: 0.9 }),
  ofSchedule("linear"),
  ofSchedule("constant"),
  ofSchedule("polynomial"),
  ofSchedule("cosine"),
  ofSchedule("cosineWarmRestarts", { firstCycleSteps: 4 }),
  ofSchedule("warmupCosine", { warmupSteps: 2, totalSteps: 4 }),
  ofSchedule("oneCycle"),
  ofSchedule("cyclic", { maxLearningRate: 0.2 }),
  ofSchedule("reduceOnPlateau"),
  ["schedules.warmup", call(schedules.warmup, number(0.1), options({ steps: 2 }))],
  [
    "schedules.perEpoch",
    call(
      schedules.perEpoch,
      only(() => schedules.constant(0.1)),
    ),
  ],
  [
    "schedules.rateAt",
    call(
      schedules.rateAt,
      only(() => schedules.constant(0.1), "a whole number", "a negative number", "a fraction", "NaN"),
      only({ step: 0, epoch: 0 }),
    ),
  ],
  [
    "schedules.sequence",
    call(
      schedules.sequence,
      only(() => [schedules.constant(0.1), schedules.constant(0.2)]),
      list([2]),
    ),
  ],
  method("fit", only(data), options({ epochs: 1 })),
  method("evaluate", only(data), options()),
  method(
    "predict",
    only(data, "an array of numbers", "a typed array", "a float32 tensor", "an int32 tensor", "a bool tensor"),
    options(),
  ),
  method("plan", only(data), options()),
  method("profile", only(data), options()),
  method("rateNow", number(0.1)),
  [
    "Trainer.withAveragedWeights",
    call(
      async (...args: [never]) => {
        const averaging = new Trainer({ ...settings(), optimizer: trainers.exponentialAverage(sgd()) });
        await averaging.fit(data(), { epochs: 1 });
        return averaging.withAveragedWeights(...args);
      },
      fn(() => 1),
    ),
  ],
  method("snapshot"),
  method(
    "restore",
    only(() => trainer().snapshot()),
  ),
  method("dispose"),
  ["Dataset.select", call((...args: [never]) => data().select(...args), list([0], "a typed array", "an int32 tensor"))],
  ["Dataset.batches", call((...args: [never]) => data().batches(...args), options({ batchSize: 2, epoch: 0, seed: 1 }, "from"))],
  ["Dataset.namedColumns", call((...args: []) => data().namedColumns(...args))],
  ["Dataset.checkFinite", call((...args: []) => data().checkFinite(...args))],
]);

const silent = { postMessage: () => undefined, terminate: () => undefined, addEventListener: () => undefined };
export const ofWorkers: Rows = {
  trainInWorker: call(
    workers.trainInWorker,
    fn(() => silent),
    options(undefined, "input"),
  ),
};

export const ofCatalog: Rows = {
  find: call(
    catalog.find,
    text("metric"),
    only(() => catalog.metrics),
    text("accuracy"),
  ),
};

/** A folder with the checkpoint of an epoch. */
async function keptFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "ermine-arguments-"));
  await trainer().fit(data(), { epochs: 1, callbacks: [files.checkpoint({ folder })] });
  return folder;
}
let checkpointFolder: Promise<string> | undefined;

async function bytes(): Promise<Uint8Array> {
  const { parts } = await checkpoints.encodeCheckpoint(await trainer().snapshot());
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export const ofCheckpoints: Rows = {
  encodeCheckpoint: call(
    checkpoints.encodeCheckpoint,
    only(() => trainer().snapshot()),
  ),
  decodeCheckpoint: call(checkpoints.decodeCheckpoint, only(bytes)),
  modelState: call(
    checkpoints.modelState,
    only(() => trainer().snapshot()),
  ),
  verifyResume: call(checkpoints.verifyResume, only(trainer), only(data), integer(1), options()),
};

export const ofFiles: Rows = {
  checkpoint: call(files.checkpoint, options({ folder: "unused" }, "folder")),
  nodeFileSystem: call(files.nodeFileSystem),
  readCheckpoint: call(
    files.readCheckpoint,
    text(() => (checkpointFolder ??= keptFolder())),
    options(undefined, "fileName"),
  ),
};

/** A storage of a browser, in memory. */
function memory(): stored.CheckpointStorage {
  const slots = new Map<string, Uint8Array>();
  return {
    read: async (run, slot) => slots.get(`${run}/${slot}`),
    async write(run, slot, header, body) {
      slots.set(`${run}/${slot}`, Uint8Array.from([...header, ...body]));
    },
    remove: async () => slots.clear(),
    runs: async () => [...new Set([...slots.keys()].map((key) => key.split("/")[0]!))],
  };
}
const storage = memory();
let isKept: Promise<string> | undefined;
async function keptRun(): Promise<string> {
  await trainer().fit(data(), { epochs: 1, callbacks: [stored.checkpoint({ run: "kept", storage })] });
  return "kept";
}

export const ofStorage: Rows = {
  checkpoint: call(stored.checkpoint, options({ run: "unused", storage }, "run")),
  readCheckpoint: call(
    stored.readCheckpoint,
    text(() => (isKept ??= keptRun())),
    options({ storage }, "storage"),
  ),
  removeCheckpoints: call(stored.removeCheckpoints, text("unused"), options({ storage }, "storage")),
  listRuns: call(stored.listRuns, options({ storage }, "storage")),
};
