/** Curves of definitions, computed by the definitions themselves: values by their functions, derivatives by core's gradients. */
import { mul, prelu, scope, sum, tensor, valueAndGrad, type Activation, type Loss, type Tensor } from "@ermine/core";
import type { Draw } from "@ermine/core/define";
import { withDomain } from "@ermine/core/define";
import type { ActivationEntry } from "@ermine/core/catalog";

/** Options of a definition, by name. */
export type Values = Readonly<Record<string, number | string | boolean>>;

/** A function and its derivatives over x. */
export interface Curve {
  readonly x: readonly number[];
  readonly value: readonly number[];
  readonly slope: readonly number[];
  readonly bend: readonly number[];
}

export const spread = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

/** The weight of prelu where nobody says another: what its module starts from. */
export const preluWeight = 0.25;

/** Does it work along an axis? Then its curve is that of the first of two elements, the other being 0. */
export const isAlongAxis = ({ activation }: ActivationEntry): boolean =>
  "defaults" in activation && "axis" in activation.defaults;

function applied({ activation }: ActivationEntry, x: Tensor, values: Values): Tensor {
  if ("defaults" in activation) return (activation as Activation)(x, values);
  return prelu(x, tensor([(values["weight"] as number | undefined) ?? preluWeight]));
}

/**
 * @throws ErmineError ERMINE_OPTION where the definition refuses a value
 */
export function activationCurve(entry: ActivationEntry, values: Values, x: readonly number[]): Curve {
  return scope(() => {
    const columns = isAlongAxis(entry) ? 2 : 1;
    const points = tensor(
      Float64Array.from({ length: x.length * columns }, (_, i) => (i % columns === 0 ? x[i / columns]! : 0)),
      { shape: [x.length, columns] },
    );
    // Of the first element alone, with respect to it: the mask takes the others out.
    const first = (t: Tensor): number[] => {
      const [data, width] = [t.dataSync(), t.shape[1] as number];
      return x.map((_, row) => data[row * width]!);
    };
    const mask = (width: number): Tensor =>
      tensor(
        Float64Array.from({ length: x.length * width }, (_, i) => (i % width === 0 ? 1 : 0)),
        { shape: [x.length, width] },
      );
    const value = applied(entry, points, values);
    const total = (): Tensor => masked(applied(entry, points, values), mask(value.shape[1] as number));
    const slopes = valueAndGrad(total, points).grads;
    const bends = valueAndGrad(() => masked(valueAndGrad(total, points).grads, mask(columns)), points).grads;
    return { x, value: first(value), slope: first(slopes), bend: first(bends) };
  });
}

/** A loss over what the model says of one element, for some targets. */
export interface LossCurves {
  readonly x: readonly number[];
  /** What x is. */
  readonly axis: string;
  readonly lines: readonly { readonly name: string; readonly value: readonly number[]; readonly slope: readonly number[] }[];
}

type Kind = "real" | "positive" | "probabilities" | "logProbabilities" | "labels" | "signs" | "integers";

/** Which x there are for what kind of prediction, and what they are called. */
const axes: Readonly<Record<Kind, { readonly low: number; readonly high: number; readonly title: string }>> = {
  real: { low: -4, high: 4, title: "prediction" },
  positive: { low: 0.05, high: 4, title: "prediction, above 0" },
  probabilities: { low: 0.005, high: 0.995, title: "predicted probability" },
  logProbabilities: { low: -5, high: -0.01, title: "predicted log probability" },
  labels: { low: 0, high: 1, title: "prediction" },
  signs: { low: -1, high: 1, title: "prediction" },
  integers: { low: 0, high: 1, title: "prediction" },
};

/** For each kind of target the two that are compared. */
const targetNames: Readonly<Record<Kind, readonly [string, string]>> = {
  real: ["target 0", "target 1"],
  positive: ["target 1", "target 2"],
  probabilities: ["target 0.8", "target 0.2"],
  logProbabilities: ["target log 0.8", "target log 0.2"],
  labels: ["target 1", "target 0"],
  signs: ["target 1", "target −1"],
  integers: ["of its class", "of another class"],
};

/** Makes the inputs of a sample, and remembers of which kind each is. */
function drawing(variant: 0 | 1): { readonly draw: Draw; readonly kinds: Map<Tensor, Kind> } {
  const kinds = new Map<Tensor, Kind>();
  const inputOf = (kind: Kind, shape: readonly number[], valueAt: (i: number) => number, dtype?: "int32"): Tensor<never> => {
    const length = shape.reduce((a, b) => a * b, 1);
    const data = Array.from({ length }, (_, i) => valueAt(i));
    const t = tensor(dtype === undefined ? Float64Array.from(data) : Int32Array.from(data), { shape });
    const marked = kind === "probabilities" || kind === "logProbabilities" ? withDomain(t, kind) : t;
    kinds.set(marked, kind);
    return marked as Tensor<never>;
  };
  const share = variant === 0 ? 0.8 : 0.2;
  const draw: Draw = {
    real: (shape) => inputOf("real", shape, (i) => (i === 0 ? variant : 0)),
    positive: (shape) => inputOf("positive", shape, () => 1 + variant),
    probabilities: (shape) =>
      inputOf("probabilities", shape, (i) => (i === 0 ? share : (1 - share) / Math.max(1, shape.reduce((a, b) => a * b, 1) - 1))),
    logProbabilities: (shape) => inputOf("logProbabilities", shape, (i) => Math.log(i === 0 ? share : (1 - share) / 2)),
    labels: (shape) => inputOf("labels", shape, (i) => (i === 0 ? 1 - variant : 0)),
    signs: (shape) => inputOf("signs", shape, () => 1 - 2 * variant),
    integers: (shape, low, high) =>
      inputOf("integers", shape, (i) => (i === 0 ? (variant === 0 ? Math.max(0, low) : high) : low), "int32"),
  };
  return { draw, kinds };
}

/** What predictions rest at that do not move: away from each other and from 0, so that none is a vector without a direction. */
const restingAt = (input: number): number => (input % 2 === 0 ? -0.5 : 0.5);

const shapeOf = (t: Tensor): readonly number[] => t.shape as readonly number[];

const filled = (t: Tensor, value: number): Tensor =>
  tensor(new Float64Array(t.size as number).fill(value), { shape: shapeOf(t) });

/** The same with another first element. */
function withFirst(t: Tensor, value: number): Tensor {
  const data = Float64Array.from(t.dataSync());
  data[0] = value;
  const plain = tensor(data, { shape: shapeOf(t) });
  return t.domain === "real" ? plain : withDomain(plain, t.domain);
}

/** The first element, as a scalar. */
const first = (t: Tensor): Tensor => sum(mul(t, withFirst(filled(t, 0), 1)));

/**
 * The loss of one sample by the first element of its prediction, for two targets where they differ.
 *
 * @param sample which of the definition's samples: what kind of target
 * @throws ErmineError ERMINE_OPTION where the definition refuses a value
 */
export function lossCurves(loss: Loss, sample: string, values: Values, count = 81): LossCurves {
  let axis: (typeof axes)[Kind] = axes.real;
  let x: number[] = [];
  const lines = ([0, 1] as const).map((variant) => {
    const { draw, kinds } = drawing(variant);
    return scope(() => {
      const { inputs, options = {} } = loss.samples[sample]!(1, draw);
      const moved = loss.inputs.findIndex(({ role }) => role === "prediction");
      const kind = kinds.get(inputs[moved]!) ?? "real";
      axis = axes[kind];
      x = spread(axis.low, axis.high, count);
      const target = loss.inputs.findIndex(({ role }) => role === "target");
      // Of several predictions directions and distances are compared.
      const isPair = loss.inputs.filter(({ role }) => role === "prediction").length > 1;
      const settled = inputs.map((input, i) =>
        i !== moved && loss.inputs[i]!.role === "prediction" && kinds.get(input) === "real" ? filled(input, restingAt(i)) : input,
      );
      const [value, slope]: [number[], number[]] = [[], []];
      for (const at of x) {
        const prediction = withFirst(kind === "real" ? filled(settled[moved]!, isPair ? 0.5 : 0) : settled[moved]!, at);
        const all = settled.map((input, i) => (i === moved ? prediction : input));
        const result = valueAndGrad(() => {
          const elements = loss.elements(all, { ...options, ...values }).value;
          // Element by element the others count for nothing here; else there is one value for all.
          return elements.size === prediction.size ? first(elements) : sum(elements);
        }, prediction);
        value.push(result.value.item() as number);
        slope.push(result.grads.dataSync()[0]!);
      }
      return { name: target < 0 ? "" : targetNames[kinds.get(inputs[target]!) ?? "real"][variant], value, slope };
    });
  });
  const differ = lines[0]!.value.some((value, i) => value !== lines[1]!.value[i]);
  return { x, axis: axis.title, lines: differ ? lines : lines.slice(0, 1) };
}

/** Σ of what the mask leaves. */
const masked = (t: Tensor, mask: Tensor): Tensor => sum(mul(t, mask));
