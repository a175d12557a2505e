/** One step of each recurrent network, and the steps as layers of their own. */
import { relu } from "../activations/relu.js";
import { sigmoid } from "../activations/sigmoid.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { zeros } from "../ops/creation.js";
import { linear } from "../ops/linear.js";
import { expandDims, squeeze } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { split } from "../ops/concat.js";
import { tanh } from "../ops/unary.js";
import { initialize, uniformInit } from "../random/initializers.js";
import { formatShape, sameSize } from "../types/dim.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** What goes from step to step: h, for an LSTM h and c. */
export type RecurrentState = readonly Tensor[];

/** What a step needs of its weights: the state's part of the gates, and an LSTM's projection of h. */
export interface StepWeights {
  readonly hidden: (h: Tensor) => Tensor;
  /** That part of some gates alone. Made where the weights are, outside of a loop. */
  readonly hiddenGates?: readonly ((h: Tensor) => Tensor)[];
  readonly project?: (h: Tensor) => Tensor;
}

/** From the input's part of the gates and the state to the next state, whose first is the output. */
export type Step = (gates: Tensor, state: RecurrentState, weights: StepWeights) => RecurrentState;

export type Nonlinearity = "tanh" | "relu";

/** h ← tanh(W x + b + U h + c), or relu. */
export const rnnStep =
  (nonlinearity: Nonlinearity): Step =>
  (x, [h], { hidden }) => [(nonlinearity === "tanh" ? tanh : relu)(add(x, hidden(h!)))];

/** i, f, o = σ(…), g = tanh(…); c ← f·c + i·g; h ← o·tanh(c), projected where there is a projection. Gates in PyTorch's order i, f, g, o. */
export const lstmStep: Step = (x, [h, c], { hidden, project }) => {
  const size = (x.shape.at(-1) as number) / 4;
  const parts = split(hidden(h!), size, -1);
  const [i, f, g, o] = split(x, size, -1).map((part, k) => add(part, parts[k]!));
  const next = add(mul(sigmoid(f!), c!), mul(sigmoid(i!), tanh(g!)));
  const output = mul(sigmoid(o!), tanh(next));
  return [project === undefined ? output : project(output), next];
};

/** r, z = σ(…); n = tanh(W x + b + r·(U h + c)); h ← (1 − z)·n + z·h. Gates in PyTorch's order r, z, n. */
export const gruStep: Step = (x, [h], { hidden }) => {
  const size = (x.shape.at(-1) as number) / 3;
  const [xr, xz, xn] = split(x, size, -1);
  const [hr, hz, hn] = split(hidden(h!), size, -1);
  const z = sigmoid(add(xz!, hz!));
  const n = tanh(add(xn!, mul(sigmoid(add(xr!, hr!)), hn!)));
  return [add(mul(sub(1, z), n), mul(z, h!))];
};

/** As `gruStep`, but n = tanh(W x + b + U (r·h) + c): `hiddenGates` are those of r and z, and of n. */
export const gruStepBefore: Step = (x, [h], { hiddenGates }) => {
  const size = (x.shape.at(-1) as number) / 3;
  const [xr, xz, xn] = split(x, size, -1);
  const [hr, hz] = split(hiddenGates![0]!(h!), size, -1);
  const z = sigmoid(add(xz!, hz!));
  const n = tanh(add(xn!, hiddenGates![1]!(mul(sigmoid(add(xr!, hr!)), h!))));
  return [add(mul(sub(1, z), n), mul(z, h!))];
};

/** The state's part of the gates by itself, as `gruStepBefore` takes it: of r and z, and of n. */
export function hiddenGates(weight: Tensor, bias: Tensor | undefined): StepWeights["hiddenGates"] {
  const size = weight.shape[1] as number;
  const part = (from: number, length: number): ((h: Tensor) => Tensor) => {
    const rows = sliceAxis(weight, 0, from, length);
    const added = bias === undefined ? undefined : sliceAxis(bias, 0, from, length);
    return (h) => linear(h, rows, added);
  };
  return [part(0, 2 * size), part(2 * size, size)];
}

/** @internal @throws ErmineError ERMINE_OPTION */
export function checkNonlinearity(where: string, nonlinearity: Nonlinearity): void {
  if (nonlinearity === "tanh" || nonlinearity === "relu") return;
  throw new ErmineError("ERMINE_OPTION", `${where}: nonlinearity is "tanh" or "relu", got ${show(nonlinearity)}.`);
}

/** @internal @throws ErmineError ERMINE_USAGE where a state is no list of tensors */
export function checkState(where: string, method: string, state: unknown, states: number): void {
  if (state === undefined || (Array.isArray(state) && state.every((t) => t instanceof Tensor))) return;
  const list = states === 1 ? "[h]" : "[h, c]";
  throw new ErmineError(
    "ERMINE_USAGE",
    `${where}: the state is a list of tensors, ${list}, got ${show(state)}. Write ${method}(x, ${list}).`,
  );
}

/** @internal U(±1/√hiddenSize), PyTorch's default for every weight and bias here. */
export function recurrentParameter(label: string, shape: readonly number[], hiddenSize: number): Parameter {
  const bound = 1 / Math.sqrt(hiddenSize);
  return new Parameter(initialize(uniformInit(-bound, bound), shape, label));
}

/** weight_ih (gates · H, inputSize), weight_hh (gates · H, H), bias_ih, bias_hh: U(±1/√H). */
abstract class Cell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly weight_ih: Parameter;
  readonly weight_hh: Parameter;
  readonly bias_ih: Parameter | undefined;
  readonly bias_hh: Parameter | undefined;
  readonly #name: string;
  readonly #step: Step;
  readonly #states: number;

  constructor(
    name: string,
    sizes: { inputSize: number; hiddenSize: number; gates: number; states: number },
    bias: boolean,
    step: Step,
  ) {
    super();
    const { inputSize, hiddenSize, gates, states } = sizes;
    for (const [key, size] of Object.entries({ inputSize, hiddenSize })) checkSize(name, key, size);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const start = (label: string, shape: readonly number[]): Parameter => recurrentParameter(label, shape, hiddenSize);
    this.weight_ih = start("weight_ih", [gates * hiddenSize, inputSize]);
    this.weight_hh = start("weight_hh", [gates * hiddenSize, hiddenSize]);
    this.bias_ih = bias ? start("bias_ih", [gates * hiddenSize]) : undefined;
    this.bias_hh = bias ? start("bias_hh", [gates * hiddenSize]) : undefined;
    this.#name = name;
    this.#step = step;
    this.#states = states;
  }

  /** The state after x (N, inputSize), or (inputSize); `state` (N, H) each, default zeros. */
  protected next(x: Tensor, state: RecurrentState | undefined): RecurrentState {
    checkTensor("forward", x);
    if (this.#states > 1) checkState(this.#name, "forward", state, this.#states);
    else for (const t of state ?? []) checkTensor(this.#name, t);
    const wrong = (x.rank !== 1 && x.rank !== 2) || !sameSize(x.shape[x.rank - 1]!, this.inputSize);
    const misfit = state?.find((t) => t.rank !== x.rank || !sameSize(t.shape[t.rank - 1]!, this.hiddenSize));
    if (wrong || misfit !== undefined || (state !== undefined && state.length !== this.#states)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `takes x (N, ${this.inputSize}) and ${this.#states} of (N, ${this.hiddenSize}), all with N or without, got ` +
          `${[x, ...(state ?? [])].map((t) => formatShape(t.shape)).join(", ")}.`,
      );
    }
    const single = x.rank === 1;
    const rows = single ? expandDims(x, 0) : x;
    const from =
      state?.map((t) => (single ? expandDims(t, 0) : t)) ??
      Array.from({ length: this.#states }, () => zeros([rows.shape[0]!, this.hiddenSize]));
    const hidden = (h: Tensor): Tensor => linear(h, this.weight_hh.value, this.bias_hh?.value);
    const weights = {
      hidden,
      ...(this.#step === gruStepBefore ? { hiddenGates: hiddenGates(this.weight_hh.value, this.bias_hh?.value) } : {}),
    };
    const after = this.#step(linear(floatInput(rows), this.weight_ih.value, this.bias_ih?.value), from, weights);
    return single ? after.map((t) => squeeze(t, 0)) : after;
  }

  override describe(): string {
    return `${this.#name} ${this.inputSize} → ${this.hiddenSize}`;
  }
}

/**
 * One step of an Elman network: x (N, inputSize), h (N, hiddenSize) → the next h; also without a batch.
 *
 * @example
 * new RNNCell(4, 8).forward(normal([2, 4])).shape; // => [2, 8]
 */
export class RNNCell extends Cell {
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: {
      /** Add biases. Default true. */
      bias?: boolean;
      /** "tanh" or "relu". Default "tanh". */
      nonlinearity?: Nonlinearity;
    } = {},
  ) {
    checkArguments("RNNCell", arguments, 3);
    checkOptions("RNNCell", options, { bias: "boolean", nonlinearity: "string" }, [inputSize, hiddenSize]);
    const { bias = true, nonlinearity = "tanh" } = options;
    checkNonlinearity("RNNCell", nonlinearity);
    super("RNNCell", { inputSize, hiddenSize, gates: 1, states: 1 }, bias, rnnStep(nonlinearity));
  }

  forward(x: Tensor, h?: Tensor): Tensor {
    return this.next(x, h === undefined ? undefined : [h])[0]!;
  }
}

/**
 * One step of an LSTM: x (N, inputSize), [h, c] each (N, hiddenSize) → the next [h, c]; also without a batch.
 *
 * @example
 * const [h, c] = new LSTMCell(4, 8).forward(normal([2, 4]));
 * h.shape; // => [2, 8]
 * c.shape; // => [2, 8]
 */
export class LSTMCell extends Cell {
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: {
      /** Add biases. Default true. */
      bias?: boolean;
    } = {},
  ) {
    checkArguments("LSTMCell", arguments, 3);
    checkOptions("LSTMCell", options, { bias: "boolean" }, [inputSize, hiddenSize]);
    super("LSTMCell", { inputSize, hiddenSize, gates: 4, states: 2 }, options.bias ?? true, lstmStep);
  }

  forward(x: Tensor, state?: readonly [h: Tensor, c: Tensor]): readonly [h: Tensor, c: Tensor] {
    return this.next(x, state) as readonly [Tensor, Tensor];
  }
}

/**
 * One step of a GRU: x (N, inputSize), h (N, hiddenSize) → the next h; also without a batch.
 *
 * @example
 * new GRUCell(4, 8).forward(normal([2, 4])).shape; // => [2, 8]
 */
export class GRUCell extends Cell {
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: {
      /** Add biases. Default true. */
      bias?: boolean;
      /** r is applied after the product with U, as PyTorch does; false: before it, as Cho et al. and TensorFlow.js. Default true. */
      resetAfter?: boolean;
    } = {},
  ) {
    checkArguments("GRUCell", arguments, 3);
    checkOptions("GRUCell", options, { bias: "boolean", resetAfter: "boolean" }, [inputSize, hiddenSize]);
    const { bias = true, resetAfter = true } = options;
    super("GRUCell", { inputSize, hiddenSize, gates: 3, states: 1 }, bias, resetAfter ? gruStep : gruStepBefore);
  }

  forward(x: Tensor, h?: Tensor): Tensor {
    return this.next(x, h === undefined ? undefined : [h])[0]!;
  }
}
