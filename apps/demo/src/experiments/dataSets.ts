/** The playground's data sets, drawn from a seed with the same bits in every browser: core's random numbers and portable mathematics. */
import { hashKey, manualSeed, normal, shuffledIndices, uniform } from "@ermine/core";
import { portableMath } from "@ermine/core/define";

const { sin, cos } = portableMath;

/** Samples in the plane with a class each, or over a line with a value each. */
export interface Samples {
  readonly task: "classes" | "values";
  /** Row by row: (x, y) for classes, (x) for values. */
  readonly inputs: Float32Array;
  /** Class indices, or values. */
  readonly targets: Float32Array;
  /** How many classes there are; 1 for values. */
  readonly classes: number;
}

/** A point that somebody drew or pasted: its place, and its class. */
export interface OwnPoint {
  readonly x: number;
  readonly y: number;
  readonly label: number;
}

/** What a data set is drawn with. */
export interface DrawOptions {
  readonly samples: number;
  /** The standard deviation of what is added to each coordinate. */
  readonly noise: number;
  /** The share of values that are wrong by a lot; for values alone. */
  readonly outliers: number;
  readonly seed: number;
  /** The points of the data set "custom". */
  readonly points: readonly OwnPoint[];
}

/** Random numbers for one sample: u and v uniform in [0, 1), a and b standard normal. */
interface Draw {
  readonly u: number;
  readonly v: number;
  readonly a: number;
  readonly b: number;
}

type Placed = readonly [x: number, y: number, target: number];

interface Definition {
  readonly title: string;
  readonly task: Samples["task"];
  readonly classes: number;
  /** The i-th of n samples. */
  place(i: number, n: number, draw: Draw, options: DrawOptions): Placed;
}

const board = (cells: number, { u, v, a, b }: Draw, noise: number): Placed => {
  const [x, y] = [2 * u - 1, 2 * v - 1];
  const cell = Math.floor(((x + 1) * cells) / 2) + Math.floor(((y + 1) * cells) / 2);
  return [x + (noise * a) / 2, y + (noise * b) / 2, cell % 2];
};

const definitions = {
  moons: {
    title: "Moons",
    task: "classes",
    classes: 2,
    place(i, _, { u, a, b }, { noise }) {
      const label = i % 2;
      const [c, s] = [cos(Math.PI * u), sin(Math.PI * u)];
      const [x, y] = label === 0 ? [c - 0.5, s - 0.25] : [0.5 - c, 0.25 - s];
      return [x / 1.6 + noise * a * 0.6, y / 1.1 + noise * b * 0.6, label];
    },
  },
  circles: {
    title: "Circles",
    task: "classes",
    classes: 2,
    place(i, _, { u, a, b }, { noise }) {
      const label = i % 2;
      const radius = label === 0 ? 0.9 : 0.4;
      const turn = 2 * Math.PI * u;
      return [radius * cos(turn) + noise * a * 0.6, radius * sin(turn) + noise * b * 0.6, label];
    },
  },
  spirals: {
    title: "Spirals",
    task: "classes",
    classes: 2,
    place(i, n, { a, b }, { noise }) {
      const label = i % 2;
      const along = (i - label) / n;
      const turn = 1.75 * 2 * Math.PI * along + Math.PI * label;
      const radius = 0.06 + 0.92 * along;
      return [radius * sin(turn) + noise * a * 0.25, radius * cos(turn) + noise * b * 0.25, label];
    },
  },
  blobs: {
    title: "Blobs",
    task: "classes",
    classes: 3,
    place(i, _, { a, b }, { noise }) {
      const label = i % 3;
      const turn = (2 * Math.PI * label) / 3 + Math.PI / 2;
      const spread = 0.1 + noise;
      return [0.62 * cos(turn) + spread * a, 0.62 * sin(turn) + spread * b, label];
    },
  },
  checkerboard: {
    title: "Squares",
    task: "classes",
    classes: 2,
    place: (_, __, draw, { noise }) => board(4, draw, noise),
  },
  xor: { title: "Xor", task: "classes", classes: 2, place: (_, __, draw, { noise }) => board(2, draw, noise) },
  curve: {
    title: "Curve",
    task: "values",
    classes: 1,
    place(_, __, { u, v, a, b }, { noise, outliers }) {
      const x = 2 * u - 1;
      const wrong = v < outliers ? 1.1 + 0.3 * b : 0;
      return [x, 0, 0.6 * sin(3.5 * x) + 0.2 * x + noise * a + wrong];
    },
  },
} as const satisfies Record<string, Definition>;

/** A data set that is drawn from a seed. */
export type DrawnDataSet = keyof typeof definitions;

/** Names of all data sets: those that are drawn, and the user's own points. */
export const dataSets: readonly { readonly name: DrawnDataSet | "custom"; readonly title: string }[] = [
  ...Object.entries(definitions).map(([name, { title }]) => ({ name: name as DrawnDataSet, title })),
  { name: "custom", title: "Your own" },
];

/** What kind of question a data set asks. */
export const taskOf = (name: DrawnDataSet | "custom"): Samples["task"] =>
  name === "custom" ? "classes" : definitions[name].task;

/** The samples of a data set; those of one seed are the same everywhere. */
export function drawSamples(name: DrawnDataSet | "custom", options: DrawOptions): Samples {
  if (name === "custom") return ownSamples(options.points);
  const { task, classes, place }: Definition = definitions[name];
  const count = options.samples;
  manualSeed(options.seed);
  const flat = uniform([2 * count]).dataSync();
  const bell = normal([2 * count]).dataSync();
  const width = task === "classes" ? 2 : 1;
  const [inputs, targets] = [new Float32Array(width * count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const draw = { u: flat[2 * i]!, v: flat[2 * i + 1]!, a: bell[2 * i]!, b: bell[2 * i + 1]! };
    const [x, y, target] = place(i, count, draw, options);
    inputs.set(width === 2 ? [x, y] : [x], width * i);
    targets[i] = target;
  }
  return { task, inputs, targets, classes };
}

function ownSamples(points: readonly OwnPoint[]): Samples {
  return {
    task: "classes",
    inputs: Float32Array.from(points.flatMap(({ x, y }) => [x, y])),
    targets: Float32Array.from(points, ({ label }) => label),
    classes: Math.max(2, ...points.map(({ label }) => label + 1)),
  };
}

/** Seven of ten samples to train on, the others to validate with, chosen by the seed. */
export function splitSamples(
  { task, inputs, targets, classes }: Samples,
  seed: number,
): { training: Samples; validation: Samples } {
  const width = inputs.length / targets.length;
  const order = shuffledIndices(targets.length, hashKey(seed, "playground split"));
  const cut = Math.max(1, Math.round(targets.length * 0.7));
  const take = (rows: Int32Array): Samples => ({
    task,
    classes,
    inputs: Float32Array.from(
      { length: rows.length * width },
      (_, at) => inputs[rows[Math.floor(at / width)]! * width + (at % width)]!,
    ),
    targets: Float32Array.from(rows, (row) => targets[row]!),
  });
  return { training: take(order.subarray(0, cut)), validation: take(order.subarray(cut)) };
}
