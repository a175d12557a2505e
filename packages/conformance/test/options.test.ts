/**
 * Law 6: over all public functions and classes, what is no object of options, an option that there is not, an option of another kind and
 * an argument more than there are is refused by an ErmineError, never by a raw TypeError, and never ignored.
 */
import * as core from "@ermine/core";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import * as trainers from "@ermine/trainer";
import { describe, expect, test } from "vitest";
import { ownDefinitions } from "../src/index.js";
import { law, refused, type Instance } from "./law.js";

core.useBackend(reference());
const { activations, losses } = ownDefinitions();
const { adam, dataset, mse, schedules, sgd, Trainer } = { ...core, ...trainers };

type Args = readonly unknown[];
type Options = Readonly<Record<string, unknown>>;
/** A call: the arguments before the options, and options that are enough. `none`: there are no options, the arguments are all. */
interface Call {
  readonly run: (...args: Args) => unknown;
  readonly before: Args;
  readonly enough?: Options;
  readonly none?: true;
  /** What stands for options too. */
  readonly also?: readonly string[];
}

const x = () => core.tensor([[0.1, 0.2]]);
const image = () => core.ones([1, 2, 4, 4]);
const column = { data: new Float32Array(4), shape: [4, 1] };
const data = () => dataset({ inputs: { data: new Float32Array(8), shape: [4, 2] }, targets: column });
const trainer = () => new Trainer({ model: new nn.Linear(2, 1), loss: mse, optimizer: sgd(), backend: reference() });
const indices = () => core.tensor([0], { dtype: "int32" });
const encoder = () => new nn.TransformerEncoderLayer(4, 2);
const decoder = () => new nn.TransformerDecoderLayer(4, 2);

type Given = readonly [before: Args, enough?: Options, also?: readonly string[]];
const functionsOf = (space: object): Readonly<Record<string, (...args: Args) => unknown>> => space as never;
const withOptions: Readonly<Record<string, Given>> = {
  ...Object.fromEntries(
    ["sum", "prod", "max", "min", "amax", "amin", "any", "all", "argMax", "argMin", "mean", "variance", "std", "norm"].map(
      (name): [string, Given] => [name, [[x()]]],
    ),
  ),
  logSumExp: [[x()]],
  sort: [[x()]],
  argSort: [[x()]],
  topK: [[x(), 1]],
  allClose: [[x(), x()]],
  matmul: [[x(), core.ones([2, 2])]],
  tensor: [[[1, 2]]],
  scalar: [[1]],
  full: [[[2], 1]],
  zeros: [[[2]]],
  ones: [[[2]]],
  arange: [[0, 4, 1]],
  unfold: [[image(), 2]],
  fold: [[core.ones([1, 1, 4, 4]), [3, 3], 2]],
  convolution: [[image(), core.ones([1, 2, 2, 2]), undefined]],
  convolutionTranspose: [[image(), core.ones([2, 1, 2, 2]), undefined]],
  maxPool: [[image(), 2]],
  maxPoolIndices: [[image(), 2]],
  avgPool: [[image(), 2]],
  lpPool: [[image(), 2, 2]],
  scaledDotProductAttention: [[x(), x(), x()]],
  sinusoidalPositions: [[3, 2]],
  rotary: [[x()]],
  layerNorm: [[x(), 2]],
  rmsNorm: [[x(), 2]],
  groupNorm: [[x(), 1]],
  pad: [
    [
      x(),
      [
        [0, 0],
        [0, 0],
      ],
    ],
    {},
    ["a number"],
  ],
  compile: [[() => 1]],
  kaimingUniform: [[]],
  kaimingNormal: [[]],
};
const withoutOptions: Readonly<Record<string, Args>> = {
  resize: [image(), { size: 2 }, 2],
  reshape: [x(), [2]],
  flatten: [x(), 0, 1],
  squeeze: [x(), 0],
  expandDims: [x(), 0],
  permute: [x(), [1, 0]],
  transpose: [x(), 0, 1],
  broadcastTo: [x(), [2, 2]],
  slice: [x(), [0, 0], [1, 1], [1, 1]],
  flip: [x(), 0],
  concat: [[x(), x()], 0],
  stack: [[x(), x()], 0],
  split: [x(), 1, 1],
  tile: [x(), [1, 2]],
  cumsum: [x(), 0],
  linspace: [0, 1, 3],
  eye: [2, 2],
  oneHot: [indices(), 2],
  gather: [x(), 1, core.tensor([[0]], { dtype: "int32" })],
  indexSelect: [x(), 1, indices()],
  sequenceMask: [indices(), 2],
  sequenceMean: [x(), indices()],
  sequenceMax: [x(), indices()],
  sequenceLast: [x(), indices()],
  arrayEqual: [x(), x()],
  adaptiveAvgPool: [image(), [2, 2]],
  adaptiveMaxPool: [image(), [2, 2]],
  adaptiveMaxPoolIndices: [image(), [2, 2]],
  valueAndGrad: [() => core.scalar(1), x()],
  grad: [(t: core.Tensor) => core.sum(t)],
  jacobian: [(t: core.Tensor) => t, x()],
  uniform: [[2], 0, 1],
  normal: [[2], 0, 1],
  randint: [[2], 0, 3],
  permutation: [3],
};
const sizes: Readonly<Record<string, Args>> = {
  Linear: [2, 1],
  Bilinear: [2, 1, 1],
  ...Object.fromEntries([1, 2, 3].flatMap((n) => [`Conv${n}d`, `ConvTranspose${n}d`].map((name) => [name, [1, 2, 3]]))),
  ...Object.fromEntries([1, 2, 3].flatMap((n) => [`MaxPool${n}d`, `AvgPool${n}d`].map((name) => [name, [2]]))),
  ...Object.fromEntries([1, 2, 3].flatMap((n) => [`BatchNorm${n}d`, `InstanceNorm${n}d`].map((name) => [name, [3]]))),
  ...Object.fromEntries(
    [1, 2, 3].flatMap((n): [string, Args][] => [
      [`LPPool${n}d`, [2, 2]],
      [`AdaptiveMaxPool${n}d`, [2]],
    ]),
  ),
  GroupNorm: [1, 2],
  LayerNorm: [3],
  RMSNorm: [3],
  LocalResponseNorm: [3],
  Embedding: [3, 2],
  RNN: [2, 3],
  LSTM: [2, 3],
  GRU: [2, 3],
  RNNCell: [2, 3],
  LSTMCell: [2, 3],
  GRUCell: [2, 3],
  MultiHeadAttention: [4, 2],
  SinusoidalPositions: [4],
  TransformerEncoderLayer: [4, 2],
  TransformerDecoderLayer: [4, 2],
  TransformerEncoder: [encoder, 1],
  TransformerDecoder: [decoder, 1],
  PReLU: [],
};
const plainLayers: Readonly<Record<string, Args>> = {
  LearnedPositions: [5, 4],
  ...Object.fromEntries(
    ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"].map((name) => [name, [0.5]]),
  ),
  ...Object.fromEntries(
    [1, 2, 3].flatMap((n) =>
      ["ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad", "AdaptiveAvgPool"].map((name) => [`${name}${n}d`, [1]]),
    ),
  ),
  ...Object.fromEntries([1, 2, 3].map((n) => [`ConstantPad${n}d`, [1, 0]])),
  Flatten: [1, -1],
  Unflatten: [1, [1, 2]],
  PixelShuffle: [2],
  PixelUnshuffle: [2],
  Residual: [new nn.Linear(2, 2), new nn.Linear(2, 2)],
};
const ofActivations = Object.keys(nn).filter(
  (name) =>
    /^(Identity|.*LU6?|Threshold|Mish|.*Softmin|.*[Ss]oftmax|.*shrink|.*[Ss]igmoid|.*tanh|Tanh|Soft(plus|sign)|Hardswish|GELU)$/.test(
      name,
    ) && name !== "PReLU",
);
const ofLosses = Object.keys(nn).filter((name) => name.endsWith("Loss"));

const optimizers = "sgd rmsprop adam adamw sparseAdam adagrad adadelta adamax nadam radam asgd rprop lion lamb adafactor muon";
const metrics =
  "accuracy topKAccuracy logLoss precision recall f1 rocAuc averagePrecision meanSquaredError meanAbsoluteError r2 calibrationError";
const links =
  "scaleByAdam scaleByRms scaleByRss scaleByAdadelta scaleByAdamax scaleByNadam scaleByRadam scaleByBelief scaleByLion scaleByFactoredRms orthogonalize";
const ofTrainer: Readonly<Record<string, Given>> = {
  ...Object.fromEntries(`${optimizers} ${metrics} ${links}`.split(" ").map((name): [string, Given] => [name, [[]]])),
  applyMomentum: [[0.9]],
  ema: [[0.9]],
  addDecayedWeights: [[0.1]],
  exponentialAverage: [[adam()]],
  stochasticAverage: [[adam()]],
  lookahead: [[adam()]],
  l1Penalty: [[0.1]],
  l2Penalty: [[0.1]],
  elasticNet: [[0.1, 0.5]],
  progressBar: [[]],
  earlyStopping: [[], { monitor: "loss" }],
};
const ofSchedules: Readonly<Record<string, Given>> = {
  step: [[0.1], { stepSize: 2 }],
  multiStep: [[0.1], { milestones: [2] }],
  exponential: [[0.1], { gamma: 0.9 }],
  linear: [[0.1]],
  constant: [[0.1]],
  polynomial: [[0.1]],
  cosine: [[0.1], { totalSteps: 4 }],
  cosineWarmRestarts: [[0.1], { firstCycleSteps: 4 }],
  warmupCosine: [[0.1], { warmupSteps: 2, totalSteps: 4 }],
  warmup: [[0.1], { steps: 2 }],
  oneCycle: [[0.1], { totalSteps: 4 }],
  cyclic: [[0.1], { maxLearningRate: 0.2 }],
  reduceOnPlateau: [[0.1]],
};

const construct =
  (name: string) =>
  (...args: Args): unknown =>
    new (nn as unknown as Record<string, new (...args: Args) => unknown>)[name]!(...args);
const table = (run: (name: string) => (...args: Args) => unknown, entries: Readonly<Record<string, Given>>): [string, Call][] =>
  Object.entries(entries).map(([name, [before, enough, also]]) => [
    name,
    { run: run(name), before, ...(enough === undefined ? {} : { enough }), ...(also === undefined ? {} : { also }) },
  ]);
const none = (run: (name: string) => (...args: Args) => unknown, entries: Readonly<Record<string, Args>>): [string, Call][] =>
  Object.entries(entries).map(([name, before]) => [name, { run: run(name), before, none: true }]);
const from = (space: object) => (name: string) => functionsOf(space)[name]!;
const nothing = (names: readonly string[]): Readonly<Record<string, Given>> =>
  Object.fromEntries(names.map((name) => [name, [[]]]));

const calls: readonly [string, Call][] = [
  ...table(from(core), withOptions),
  ...none(from(core), withoutOptions),
  ...activations.map((f): [string, Call] => [f.activationName, { run: f as never, before: [x()] }]),
  ...losses.map((f): [string, Call] => [`${f.lossName}.with`, { run: (o) => f.with(o as never), before: [], none: true }]),
  ...table(construct, Object.fromEntries(Object.entries(sizes).map(([name, before]) => [name, [before]]))),
  ...table(construct, nothing([...ofActivations, ...ofLosses])),
  ...table(construct, { Upsample: [[], { size: 2 }] }),
  ...none(construct, plainLayers),
  ...table(from(trainers), ofTrainer),
  ...table(from(schedules), ofSchedules),
  [
    "Trainer",
    {
      run: (...args) => new Trainer(...(args as [never])),
      before: [],
      enough: { model: new nn.Linear(2, 1), loss: mse, optimizer: sgd(), backend: reference() },
    },
  ],
  ["fit", { run: (...args) => trainer().fit(...(args as [never, never])), before: [data()], enough: { epochs: 1 } }],
  ["evaluate", { run: (...args) => trainer().evaluate(...(args as [never])), before: [data()] }],
  ["predict", { run: (...args) => trainer().predict(...(args as [never])), before: [data()] }],
  ["plan", { run: (...args) => trainer().plan(...(args as [never])), before: [data()] }],
  ["profile", { run: (...args) => trainer().profile(...(args as [never])), before: [data()] }],
  ["dataset", { run: (...args) => dataset(...(args as [never])), before: [], enough: { inputs: column } }],
  ["loadStateDict", { run: (o) => new nn.Linear(2, 1).loadStateDict({}, o as never), before: [], enough: { strict: false } }],
  ["summary", { run: (...args) => nn.summary(...(args as [never])), before: [new nn.Linear(2, 1)] }],
  ["reference", { run: (o) => reference(o as never), before: [] }],
];
/** Methods that take no more than one argument here. */
const ofOne = ["loadStateDict", "reference", "summary"];

const wrong: Readonly<Record<string, unknown>> = {
  "an unknown name": { nonsense: 1 },
  "a number": 7.5,
  "a string": "mean",
  "a boolean": true,
  "an array": [1],
  null: null,
  "a function": () => 1,
  "a tensor": core.ones([2]),
  "a typed array": new Float32Array(0),
  "a Map": new Map(),
};
const instances: Instance[] = [];
for (const [name, { run, before, enough = {}, none: all, also = [] }] of calls) {
  const add = (what: string, ...args: Args): void =>
    void instances.push({ name: `${name}: ${what}`, check: async () => void (await refused(() => run(...args))) });
  if (!name.endsWith(".with") && !ofOne.includes(name))
    add("an argument more", ...before, ...(all === true ? [] : [enough]), "more");
  if (all === true && !name.endsWith(".with")) continue;
  for (const [what, options] of Object.entries(wrong)) if (!also.includes(what)) add(what, ...before, options);
}
law("options are known or refused", "never", instances, []);

/** Takes nothing else: names it has are read from the refusal of one that it has not. */
async function namesOf({ run, before }: Call): Promise<readonly string[]> {
  const { message } = await refused(() => run(...before, { "~ ~ ~ ~ ~ ~ ~ ~": 1 }));
  const [, list = ""] = message.split("It has: ");
  return list
    .slice(0, -1)
    .split(", ")
    .filter((name) => name !== "" && name !== "none");
}
/** A function is what it may be, and an object too. */
const open = ["loadStateDict: rename"];
/** Options that any text fits. */
const texts = ["compile: name", "earlyStopping: monitor", "reduceOnPlateau: monitor"];
describe("an option of another kind is refused", () => {
  test.each(calls.filter(([, call]) => call.none !== true))("%s", async (name, call) => {
    for (const option of await namesOf(call)) {
      if (open.includes(`${name}: ${option}`)) continue;
      const outcome = async (value: unknown): Promise<"taken" | "refused"> => {
        try {
          await call.run(...call.before, { ...call.enough, [option]: value });
          return "taken";
        } catch (error) {
          expect(error, `${option}: ${String(error)}`).toBeInstanceOf(core.ErmineError);
          return "refused";
        }
      };
      const outcomes = [await outcome(() => 1), await outcome({ wrong: 1 }), await outcome(new Date(0))];
      if (!texts.includes(`${name}: ${option}`)) expect(await outcome("nonsense"), option).toBe("refused");
      expect(outcomes, option).toContain("refused");
    }
  });
});

describe("options that are enough are taken", () => {
  test.each(calls)("%s", async (_, { run, before, enough, none: all }) => {
    await run(...before, ...(all === true ? [] : [enough ?? {}]));
  });
});

describe("none is forgotten", () => {
  const listed = new Set(calls.map(([name]) => name));
  test("every layer is in the list", () => {
    const others = [
      "Module",
      "Parameter",
      "Sequential",
      "activationModule",
      "lossModule",
      "initializeParameters",
      "withFeatures",
    ];
    expect(Object.keys(nn).filter((name) => !listed.has(name) && !others.includes(name))).toEqual([]);
  });
  test("functions of tensors alone, which go to map and reduce, take what these add", () => {
    expect([x(), x()].map(core.neg as never)).toHaveLength(2);
    expect([x(), x()].reduce(core.add as never)).toBeInstanceOf(core.Tensor);
  });
  test("every schedule is in the list", () => {
    const others = ["perEpoch", "rateAt", "sequence"];
    expect(Object.keys(schedules).filter((name) => !listed.has(name) && !others.includes(name))).toEqual([]);
  });
});
