/** From the rows of a table to a trained model of them. */
import { isMainThread } from "node:worker_threads";
import { manualSeed, tensor, type Backend, type Tensor } from "@ermine/core";
import { sequence, type Table } from "@ermine/data";
import type { Features } from "@ermine/preprocessing";
import { adamw, dataset, earlyStopping, Trainer, type Callback, type Dataset, type History } from "@ermine/trainer";
import { checkpoint } from "@ermine/trainer/checkpoint/node";
import type { Configuration } from "../config/schema.js";
import { binsOf } from "../network/bins.js";
import { LinearPart } from "../network/linearPart.js";
import { TabularNetwork } from "../network/tabularNetwork.js";
import { fitFeatures, inputsOfTable, targetOfTable, type TableFeatures } from "../table/features.js";
import type { Roles } from "../table/roles.js";
import { chooseBackend } from "./backends.js";
import { fitLinear } from "./linearModel.js";
import { memberCrossEntropy, memberSquaredError } from "./loss.js";
import { rowsByFold, rowsByPart, type MemberRows } from "./memberRows.js";
import { keepSimpler } from "./simplerModel.js";
import { timesOf } from "./splits.js";

/** A model of a table, and what it was trained with. */
export interface FittedTable {
  readonly features: TableFeatures;
  readonly network: TabularNetwork;
  /** One linear model of all training rows. */
  readonly linear: LinearPart;
  readonly history: History;
  readonly backend: Backend;
  readonly batchSize: number;
  readonly seconds: number;
}

/** What a fit is told besides its configuration. */
export interface FitContext {
  readonly configuration: Configuration;
  readonly roles: Roles;
  /** Where its checkpoints are kept, and from which it goes on; undefined: nowhere. */
  readonly checkpoints: string | undefined;
  readonly callbacks: readonly Callback[];
  readonly notice: (message: string) => void;
  /** performance.now() at which training ends; Infinity: it may take its time. */
  readonly deadline: number;
}

/** Of large tables fewer members, each of which takes its time. */
const membersFor = (rows: number): number => (rows <= 20_000 ? 5 : rows <= 100_000 ? 3 : 1);

/** About 25 steps an epoch, of 16 to 1,024 rows. */
const batchSizeFor = (rows: number): number => Math.min(1024, Math.max(16, 2 ** Math.round(Math.log2(rows / 25))));

/** Few rows say little about what happens between two quantiles. */
const binsFor = (rows: number): number => (rows < 1000 ? 4 : 8);

/** Most rows that linear models are fitted to: more do not change them. */
const mostLinearRows = 100_000;

/** Trains on these rows. */
export async function fitTable(training: Table, context: FitContext): Promise<FittedTable> {
  const { configuration, roles, checkpoints, callbacks, notice, deadline } = context;
  const { network: settings, optimizer, seed } = configuration;
  const started = performance.now();
  manualSeed(seed);
  const features = fitFeatures(training, roles);
  const inputs = inputsOfTable(features, training);
  const target = targetOfTable(features, training, roles.target);
  const isClasses = roles.task !== "regression";
  const rows = memberRows(training, target, context);
  const { members } = rows;
  const batchSize = configuration.training.batchSize ?? batchSizeFor(training.length);
  const bins =
    features.shape.numbers === 0
      ? []
      : binsOf(inputs[0]!.data, features.shape.numbers, settings.bins ?? binsFor(training.length));
  const network = new TabularNetwork(features.shape, bins, { ...settings, members });
  const loss = isClasses ? memberCrossEntropy : memberSquaredError;
  const datasetOf = (weights: Float32Array): Dataset => memberDataset(inputs, target, weights, members);
  const [trainingRows, validationRows] = [datasetOf(rows.training), datasetOf(rows.validation)];
  const adam = adamw({ learningRate: optimizer.learningRate, weightDecay: optimizer.weightDecay });
  const backend = await chooseBackend(configuration.backend, { model: network, loss, optimizer: adam }, trainingRows, batchSize);
  const linear = await linearModels(features, inputs, target, rows, isClasses, backend);
  network.linear.load(linear, [...Array(members).keys()]);
  const trainer = new Trainer({ model: network, loss, optimizer: adam, backend, seed });
  // Signals are told to the main thread alone.
  const saves =
    checkpoints === undefined
      ? undefined
      : checkpoint({ folder: checkpoints, every: { seconds: 10 }, keep: 1, signals: isMainThread });
  let history: History;
  try {
    history = await trainer.fit(trainingRows, {
      epochs: configuration.training.epochs,
      batchSize,
      validation: validationRows,
      callbacks: [
        earlyStopping({ monitor: "valLoss", patience: configuration.training.patience }),
        until(deadline),
        ...callbacks,
        saves,
      ],
      resume: saves,
      notice,
    });
  } finally {
    trainer.dispose();
  }
  if (await keepSimpler(network, linear, { inputs, target, rows, task: roles.task }, backend))
    notice("On rows that were held out the network is no better than the linear model, whose answers are kept.");
  const alone = new LinearPart(1, features.shape);
  alone.load(linear, [members]);
  return { features, network, linear: alone, history, backend, batchSize, seconds: (performance.now() - started) / 1000 };
}

/** Which member is trained on which rows. */
function memberRows(
  training: Table,
  target: ArrayLike<number>,
  { configuration: { network, seed }, roles }: FitContext,
): MemberRows {
  const count = training.length;
  const wanted = network.members ?? membersFor(count);
  if (roles.time !== null) {
    const times = timesOf(training, roles.time);
    const { validation } = sequence(times).split({ training: 0.85, validation: 0.15 }, { time: (time) => time });
    const first = validation.at(0);
    return rowsByPart(count, wanted, (row) => times[row]! >= first);
  }
  const stratify = roles.task === "regression" ? undefined : (row: number) => target[row]!;
  if (wanted > 1) return rowsByFold(count, Math.min(wanted, count), { seed, stratify });
  const indices = sequence(Int32Array.from({ length: count }, (_, row) => row));
  const parts = indices.split({ training: 0.85, validation: 0.15 }, stratify === undefined ? { seed } : { seed, stratify });
  const held = new Set<number>();
  for (let i = 0; i < parts.validation.length; i++) held.add(parts.validation.at(i) as number);
  return rowsByPart(count, 1, (row) => held.has(row));
}

/** Each value `times` times, one after the other. */
function repeated<T extends Int32Array | Float32Array>(values: T, times: number): T {
  const result = new (values.constructor as new (length: number) => T)(values.length * times);
  for (let i = 0; i < values.length; i++) result.fill(values[i]!, i * times, (i + 1) * times);
  return result;
}

/** The rows that count for some member. */
function memberDataset(
  inputs: readonly Features[],
  target: Int32Array | Float32Array,
  weights: Float32Array,
  members: number,
): Dataset {
  const rows = target.length;
  const all = dataset({
    inputs: inputs.map(({ data, shape, dtype }) => ({ data, shape, dtype })),
    targets: {
      target: { data: repeated(target, members), shape: [rows, members] },
      weight: { data: weights, shape: [rows, members] },
    },
  });
  const counted: number[] = [];
  for (let row = 0; row < rows; row++)
    if (weights.subarray(row * members, (row + 1) * members).some((weight) => weight > 0)) counted.push(row);
  return counted.length === rows ? all : all.select(counted);
}

/** A linear model for each member, and a last one of all rows. */
async function linearModels(
  features: TableFeatures,
  inputs: readonly Features[],
  target: Int32Array | Float32Array,
  rows: MemberRows,
  isClasses: boolean,
  backend: Backend,
): Promise<LinearPart> {
  const { members } = rows;
  const models = members + 1;
  const step = Math.ceil(target.length / mostLinearRows);
  const chosen = Int32Array.from({ length: Math.ceil(target.length / step) }, (_, i) => i * step);
  const countsFor = (row: number, model: number): boolean => model === members || rows.training[row * members + model]! > 0;
  const counts = Array.from({ length: models }, (_, model) =>
    chosen.reduce((sum, row) => sum + (countsFor(row, model) ? 1 : 0), 0),
  );
  const weights = new Float32Array(chosen.length * models);
  chosen.forEach((row, i) => {
    for (let model = 0; model < models; model++) if (countsFor(row, model)) weights[i * models + model] = 1 / counts[model]!;
  });
  const select = <T extends Int32Array | Float32Array>(data: T, width: number): T => {
    if (step === 1) return data;
    const picked = new (data.constructor as new (length: number) => T)(chosen.length * width);
    chosen.forEach((row, i) => picked.set(data.subarray(row * width, (row + 1) * width), i * width));
    return picked;
  };
  const tensors = inputs.map(({ data, shape: [, width], dtype }): Tensor =>
    tensor(select(data, width), { shape: [chosen.length, width], dtype }),
  );
  return fitLinear(
    features.shape,
    {
      inputs: tensors,
      target: tensor(repeated(select(target, 1), models), { shape: [chosen.length, models] }),
      weight: tensor(weights, { shape: [chosen.length, models] }),
      loss: isClasses ? memberCrossEntropy : memberSquaredError,
      // Ridge's α = 1 of squares, and C = 1 of logistic regression.
      decay: counts.map((count) => (isClasses ? 1 : 2) / count),
    },
    backend,
  );
}

/** Ends training when its time is over. */
const until = (deadline: number): Callback => ({
  name: "timeLimit",
  state: () => null,
  onStep: (_, control) => {
    if (performance.now() >= deadline) control.stop("the time limit");
  },
});
