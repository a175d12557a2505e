/** The rows of the accuracy table: each activation and loss with the points it is measured at, as golden/generate/accuracy.py has them. */
import * as e from "@ermine/core";
import { mul, tensor, type Tensor, asLogProbabilities, asProbabilities } from "@ermine/core";
import { positives, reals, signs, uniform, units, whole } from "./points.js";

/** A row of the table: a function, and the points at which it is measured. */
export interface AccuracyRow {
  /** The activation or loss, with its options. */
  readonly name: string;
  /** Which of the two it is. */
  readonly kind: "activation" | "loss";
  /** On the host. */
  inputs(): readonly Tensor[];
  /** One value for each element or row. */
  run(...inputs: readonly Tensor[]): Tensor;
  /** The inputs whose gradients are measured, by position. */
  readonly sources: readonly number[];
}

type Run = (...inputs: readonly Tensor[]) => Tensor;

const column = (data: Float32Array): Tensor => tensor(data);
const matrix = (data: Float32Array | Int32Array, ...shape: number[]): Tensor =>
  tensor(data, { shape, dtype: data instanceof Int32Array ? "int32" : "float32" });

/** All points once with each target. */
const both = (points: Float32Array, ...targets: number[]) => [
  column(Float32Array.from(targets.flatMap(() => [...points]))),
  column(Float32Array.from(targets.flatMap((target) => Array<number>(points.length).fill(target)))),
];

const activation = (name: string, run: Run, inputs: () => readonly Tensor[] = () => [column(reals)]): AccuracyRow => ({
  name,
  kind: "activation",
  inputs,
  run,
  sources: [0],
});

const loss = (name: string, inputs: () => readonly Tensor[], run: Run, sources: readonly number[] = [0]): AccuracyRow => ({
  name,
  kind: "loss",
  inputs,
  run,
  sources,
});

const [n, k] = [256, 10];
const none = { reduction: "none" } as const;
const scores = (): Tensor => matrix(uniform(2, n * k, -8, 8), n, k);
const labels = (): Tensor => matrix(Float32Array.from(whole(3, n * k, 2)), n, k);
const classes = (): Tensor => matrix(whole(4, n, k), n);
const classWeight = (): Tensor => column(uniform(5, k, 0.1, 2));
const features = (seed: number) => (): Tensor => matrix(uniform(seed, n * k, -2, 2), n, k);

/** log softmax over the last axis in double precision, rounded to float32. */
function logSoftmaxRows(data: Float32Array, width: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += width) {
    const values = data.subarray(row, row + width);
    const top = Math.max(...values);
    const sum = Math.log(values.reduce((total, x) => total + Math.exp(x - top), 0));
    values.forEach((x, i) => (result[row + i] = x - top - sum));
  }
  return result;
}

/** No column's gradient is 0 because those of all columns are one. */
const weighted = (t: Tensor): Tensor => mul(t, column(Float32Array.from({ length: k }, (_, i) => i + 1)));

const like =
  (value: number) =>
  (t: Tensor): Tensor =>
    e.fullLike(t, value);
const zeros = like(0);

/** All rows: every activation and loss, with their inputs. */
export const accuracyRows: readonly AccuracyRow[] = [
  activation("relu", (x) => e.relu(x!)),
  activation("leakyRelu", (x) => e.leakyRelu(x!)),
  activation("prelu", (x) => e.prelu(x!, tensor([0.25]))),
  activation("rrelu", (x) => e.rrelu(x!)),
  activation("relu6", (x) => e.relu6(x!)),
  activation("threshold", (x) => e.threshold(x!, { threshold: 0.5, value: -2 })),
  activation("hardTanh", (x) => e.hardTanh(x!)),
  activation("softshrink", (x) => e.softshrink(x!)),
  activation("hardshrink", (x) => e.hardshrink(x!)),
  activation("hardSigmoid", (x) => e.hardSigmoid(x!)),
  activation("hardSwish", (x) => e.hardSwish(x!)),
  activation("selu", (x) => e.selu(x!)),
  activation("celu", (x) => e.celu(x!, { alpha: 2 })),
  activation("elu", (x) => e.elu(x!)),
  activation("softplus", (x) => e.softplus(x!)),
  activation("softplus beta 2", (x) => e.softplus(x!, { beta: 2 })),
  activation("sigmoid", (x) => e.sigmoid(x!)),
  activation("logSigmoid", (x) => e.logSigmoid(x!)),
  activation("silu", (x) => e.silu(x!)),
  activation("mish", (x) => e.mish(x!)),
  activation("gelu", (x) => e.gelu(x!)),
  activation("gelu tanh", (x) => e.gelu(x!, { approximate: "tanh" })),
  activation("tanh", (x) => e.tanh(x!)),
  activation("tanhshrink", (x) => e.tanhshrink(x!)),
  activation("softsign", (x) => e.softsign(x!)),
  activation(
    "glu",
    (x) => e.glu(x!),
    () => [scores()],
  ),
  activation(
    "softmax",
    (x) => weighted(e.softmax(x!)),
    () => [scores()],
  ),
  activation(
    "softmin",
    (x) => weighted(e.softmin(x!)),
    () => [scores()],
  ),
  activation(
    "logSoftmax",
    (x) => weighted(e.logSoftmax(x!)),
    () => [scores()],
  ),

  loss(
    "mse",
    () => [column(reals)],
    (x) => e.mse(x!, zeros(x!), none),
  ),
  loss(
    "l1",
    () => [column(reals)],
    (x) => e.l1(x!, zeros(x!), none),
  ),
  loss(
    "huber",
    () => [column(reals)],
    (x) => e.huber(x!, zeros(x!), { delta: 0.7, ...none }),
  ),
  loss(
    "smoothL1",
    () => [column(reals)],
    (x) => e.smoothL1(x!, zeros(x!), { beta: 0.7, ...none }),
  ),
  loss(
    "logCosh",
    () => [column(reals)],
    (x) => e.logCosh(x!, zeros(x!), none),
  ),
  loss(
    "bceWithLogits",
    () => both(reals, 0, 1),
    (z, y) => e.bceWithLogits(z!, y!, none),
  ),
  loss(
    "bceWithLogits soft",
    () => both(reals, 0.25),
    (z, y) => e.bceWithLogits(z!, y!, none),
  ),
  loss(
    "bce",
    () => both(units, 0, 1),
    (p, y) => e.bce(asProbabilities(p!), y!, none),
  ),
  loss(
    "softMargin",
    () => both(reals, -1, 1),
    (x, y) => e.softMargin(x!, y!, none),
  ),
  loss(
    "hingeEmbedding",
    () => both(reals, -1, 1),
    (x, y) => e.hingeEmbedding(x!, y!, { margin: 1.5, ...none }),
  ),
  loss(
    "marginRanking",
    () => both(reals, -1, 1),
    (x, y) => e.marginRanking(x!, zeros(x!), y!, { margin: 0.3, ...none }),
  ),
  loss(
    "poissonNll",
    () =>
      both(
        reals.filter((x) => Math.abs(x) <= 88.7),
        2,
      ),
    (x, y) => e.poissonNll(x!, y!, none),
  ),
  loss(
    "poissonNll rates",
    () => both(positives, 2),
    (x, y) => e.poissonNll(x!, y!, { logInput: false, ...none }),
  ),
  loss(
    "gaussianNll",
    () => both(reals, 0.5),
    (x, y) => e.gaussianNll(x!, y!, like(1.5)(x!), none),
  ),
  loss(
    "gaussianNll variance",
    () =>
      both(
        positives.filter((v) => v > 1e-6),
        0.5,
      ),
    (v, y) => e.gaussianNll(y!, like(-0.25)(y!), v!, none),
  ),
  loss(
    "klDiv",
    () =>
      both(
        positives.map((x) => -x),
        0.3,
      ),
    (x, y) => e.klDiv(asLogProbabilities(x!), y!, none),
  ),
  loss(
    "klDiv log",
    () =>
      both(
        positives.map((x) => -x),
        -1.25,
      ),
    (x, y) => e.klDiv(asLogProbabilities(x!), y!, { logTarget: true, ...none }),
  ),
  loss(
    "focal",
    () => both(reals, 0, 1),
    (z, y) => e.focal(z!, y!, none),
  ),
  loss(
    "crossEntropy",
    () => [scores(), classes()],
    (z, y) => e.crossEntropy(z!, y!, none),
  ),
  loss(
    "crossEntropy weighted",
    () => [scores(), classes()],
    (z, y) => e.crossEntropy(z!, y!, { weight: classWeight(), labelSmoothing: 0.1, ...none }),
  ),
  loss(
    "crossEntropy probabilities",
    () => [scores(), matrix(uniform(6, n * k, 0, 0.2), n, k)],
    (z, y) => e.crossEntropy(z!, y!, none),
  ),
  loss(
    "nll",
    () => [matrix(logSoftmaxRows(uniform(2, n * k, -8, 8), k), n, k), classes()],
    (x, y) => e.nll(asLogProbabilities(x!), y!, { weight: classWeight(), ...none }),
  ),
  loss(
    "focal classes",
    () => [scores(), classes()],
    (z, y) => e.focal(z!, y!, none),
  ),
  loss(
    "multiMargin",
    () => [scores(), classes()],
    (z, y) => e.multiMargin(z!, y!, { p: 2, ...none }),
  ),
  loss(
    "multiLabelMargin",
    () => [
      scores(),
      matrix(
        whole(7, n * k, 11).map((i) => i - 1),
        n,
        k,
      ),
    ],
    (z, y) => e.multiLabelMargin(z!, y!, none),
  ),
  loss(
    "multiLabelSoftMargin",
    () => [scores(), labels()],
    (z, y) => e.multiLabelSoftMargin(z!, y!, none),
  ),
  loss(
    "cosineEmbedding",
    () => [features(10)(), features(8)(), column(signs(11, n))],
    (a, b, y) => e.cosineEmbedding(a!, b!, y!, { margin: 0.1, ...none }),
    [0, 1],
  ),
  loss(
    "tripletMargin",
    () => [features(10)(), features(8)(), features(9)()],
    (a, b, c) => e.tripletMargin(a!, b!, c!, none),
    [0, 1, 2],
  ),
  loss(
    "dice",
    () => [matrix(uniform(12, n * k, 0, 1), n, k), labels()],
    (p, y) => e.dice(asProbabilities(p!), y!, none),
  ),
  loss(
    "ctc",
    () => [
      matrix(logSoftmaxRows(uniform(13, 12 * 16 * 6, -4, 4), 6), 12, 16, 6),
      matrix(
        whole(14, 16 * 4, 5).map((i) => i + 1),
        16,
        4,
      ),
      matrix(
        whole(15, 16, 3).map((i) => i + 10),
        16,
      ),
      matrix(
        whole(16, 16, 4).map((i) => i + 1),
        16,
      ),
    ],
    (x, y, inputs, lengths) => e.ctc(asLogProbabilities(x!), y!, inputs!, lengths!, none),
  ),
];
