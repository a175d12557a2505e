/** What the page shows between two updates: the network's answer over the picture, each unit's response, losses, gradients, and what layers do on the training data. */
import { div, mul, scope, sigmoid, softmax, sum, tensor, valueAndGrad, type Tensor } from "@ermine/core";
import { totalNormalizer } from "@ermine/core/define";
import type { Samples } from "../../../src/experiments/dataSets.js";
import type { Network } from "./network.js";
import { targetsOf, type Run } from "./run.js";

/** Half the width of the picture in the data's coordinates. */
export const extent = 1.25;

/** Points of the picture's grid: side × side for classes, `side` along the line for values. */
export const gridSide = (task: Samples["task"]): number => (task === "classes" ? 64 : 128);

/** How a hidden layer behaves over the training data. */
export interface LayerBehaviour {
  /** Units whose derivative is 0 for every sample: they never learn again. */
  readonly dead: number;
  /** Units whose derivative is below 0.03 for nine of ten samples, and not dead. */
  readonly saturated: number;
  readonly units: number;
}

/** Between two updates. */
export interface Inspection {
  readonly update: number;
  readonly losses: { readonly training: number; readonly validation: number };
  /** The share of right classes; undefined for values. */
  readonly accuracy: { readonly training: number; readonly validation: number } | undefined;
  /** The norm of the training loss's gradient in each layer, weight and bias together. */
  readonly gradientNorms: readonly number[];
  readonly layers: readonly LayerBehaviour[];
}

/** Values over the grid, for drawing. */
export interface Picture {
  readonly side: number;
  readonly task: Samples["task"];
  /** Of each hidden layer, (grid, width). */
  readonly responses: readonly { readonly values: Float32Array; readonly width: number }[];
  /** Probabilities of the classes (grid, classes), or the value (grid, 1). */
  readonly outputs: Float32Array;
  readonly classes: number;
  /** Of each layer, (outputs, inputs). */
  readonly weights: readonly { readonly values: Float32Array; readonly outputs: number; readonly inputs: number }[];
}

interface Traversed {
  readonly sums: Tensor[];
  readonly responses: Tensor[];
  readonly outputs: Tensor;
}

/** Dropout does nothing here. */
function traverse({ hidden, last, head }: Network, x: Tensor): Traversed {
  const [sums, responses]: [Tensor[], Tensor[]] = [[], []];
  let values = x;
  for (const { linear, activation } of hidden) {
    const z = linear.forward(values);
    values = activation.forward(z);
    sums.push(z);
    responses.push(values);
  }
  const outputs = last.forward(values);
  return { sums, responses, outputs: head?.forward(outputs) ?? outputs };
}

/** As in evaluation; the mode that it is in comes back. */
function evaluating<T>({ model }: Network, fn: () => T): T {
  const { training } = model;
  model.eval();
  try {
    return scope(fn);
  } finally {
    if (training) model.train();
  }
}

const inputsOf = ({ inputs, targets }: Samples): Tensor =>
  tensor(inputs, { shape: [targets.length, inputs.length / targets.length] });

/** The points of the grid, row by row from the upper left corner. */
function gridInputs(task: Samples["task"]): Tensor {
  const side = gridSide(task);
  const at = (i: number): number => ((i + 0.5) / side) * 2 * extent - extent;
  if (task === "values")
    return tensor(
      Float32Array.from({ length: side }, (_, i) => at(i)),
      { shape: [side, 1] },
    );
  const data = new Float32Array(2 * side * side);
  for (let i = 0; i < side * side; i++) data.set([at(i % side), -at(Math.floor(i / side))], 2 * i);
  return tensor(data, { shape: [side * side, 2] });
}

/** What each class has of 1. */
function sharesOf({ loss, network }: Run, outputs: Tensor): Float32Array {
  if (loss.task === "values") return Float32Array.from(outputs.dataSync());
  const classes = outputs.shape[1] as number;
  const areShares = loss.name === "squaredError" || network.head !== undefined;
  const shares = (areShares ? outputs : loss.target === "labels" ? sigmoid(outputs) : softmax(outputs)).dataSync();
  const result = Float32Array.from(shares, (share) => Math.min(1, Math.max(0, share)));
  for (let row = 0; row < result.length; row += classes) {
    const total = result.subarray(row, row + classes).reduce((a, b) => a + b, 0);
    for (let k = 0; k < classes; k++) result[row + k] = total > 0 ? result[row + k]! / total : 1 / classes;
  }
  return result;
}

/** The network over the whole picture. */
export function picture(run: Run): Picture {
  const { network, training } = run;
  return evaluating(network, () => {
    const { responses, outputs } = traverse(network, gridInputs(training.task));
    return {
      side: gridSide(training.task),
      task: training.task,
      responses: responses.map((values) => ({ values: Float32Array.from(values.dataSync()), width: values.shape[1] as number })),
      outputs: sharesOf(run, outputs),
      classes: training.classes,
      weights: [...network.hidden.map(({ linear }) => linear), network.last].map(({ weight, outFeatures, inFeatures }) => ({
        values: Float32Array.from(weight.value.dataSync()),
        outputs: outFeatures,
        inputs: inFeatures,
      })),
    };
  });
}

/** The largest of each row. */
function winners(values: ArrayLike<number>, classes: number): number[] {
  return Array.from({ length: values.length / classes }, (_, row) => {
    let best = 0;
    for (let k = 1; k < classes; k++) if (values[row * classes + k]! > values[row * classes + best]!) best = k;
    return best;
  });
}

function targetTensor(samples: Samples, { loss }: Run): Tensor {
  const { data, shape } = targetsOf(samples, loss.target);
  return tensor(data, { shape });
}

function lossOf(run: Run, samples: Samples, outputs: Tensor): Tensor {
  const elements = run.loss.loss.elements([outputs, targetTensor(samples, run)]);
  return div(sum(elements.value), totalNormalizer(elements));
}

function shareRight({ targets, classes }: Samples, outputs: Tensor): number {
  return winners(outputs.dataSync(), classes).reduce((right, k, i) => right + (k === targets[i] ? 1 : 0), 0) / targets.length;
}

function behaviourOf({ activation }: Network["hidden"][number], z: Tensor): LayerBehaviour {
  const units = z.shape[1] as number;
  const { grads } = valueAndGrad(() => sum(activation.forward(z)), z);
  const slopes = grads.dataSync();
  const samples = slopes.length / units;
  let [dead, saturated] = [0, 0];
  for (let unit = 0; unit < units; unit++) {
    let [zero, flat] = [0, 0];
    for (let i = unit; i < slopes.length; i += units) {
      if (slopes[i] === 0) zero++;
      if (Math.abs(slopes[i]!) < 0.03) flat++;
    }
    if (zero === samples) dead++;
    else if (flat >= 0.9 * samples) saturated++;
  }
  return { dead, saturated, units };
}

/** Losses, accuracies, gradients and layers, over all of the data. */
export function inspect(run: Run): Inspection {
  const { network, training, validation } = run;
  return evaluating(network, () => {
    const x = inputsOf(training);
    const places = [...network.hidden.map(({ linear }) => linear), network.last];
    const sources = places.map(({ weight, bias }) => [weight, bias!] as const);
    const { value, grads } = valueAndGrad(() => lossOf(run, training, traverse(network, x).outputs), sources);
    const gradientNorms = grads.map(([weight, bias]) => {
      const squares = (g: Tensor): number => sum(mul(g, g)).item() as number;
      return Math.sqrt(squares(weight) + squares(bias));
    });
    const [seen, held] = [traverse(network, x), traverse(network, inputsOf(validation))];
    return {
      update: run.update,
      losses: { training: value.item() as number, validation: lossOf(run, validation, held.outputs).item() as number },
      accuracy:
        training.task === "values"
          ? undefined
          : { training: shareRight(training, seen.outputs), validation: shareRight(validation, held.outputs) },
      gradientNorms,
      layers: network.hidden.map((layer, i) => behaviourOf(layer, seen.sums[i]!)),
    };
  });
}
