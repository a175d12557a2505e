/** Recurrent layers: one loop over the steps, three cells. */
import { sigmoid } from "../activations/sigmoid.js";
import { relu } from "../activations/relu.js";
import { checkOptions, ErmineError } from "../errors.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { zeros } from "../ops/creation.js";
import { linear } from "../ops/linear.js";
import { concat, expandDims, sliceAxis, split, squeeze, stack, transpose } from "../ops/shape.js";
import { tanh } from "../ops/unary.js";
import { initialize, uniformInit } from "../random/initializers.js";
import { formatShape, sameSize } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { Dropout } from "./dropout.js";
import { checkSize } from "./linear.js";
import { Module } from "./module.js";

export interface RecurrentOptions {
  /** Layers on top of each other. Default 1. */
  readonly numLayers?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** (N, T, features) in and out; false: (T, N, features). Default true; PyTorch's is false. */
  readonly batchFirst?: boolean;
  /** Between layers, in training. Default 0. */
  readonly dropout?: number;
  /** A second pass from the end, its output beside the first's. Default false. */
  readonly bidirectional?: boolean;
}

/** What goes from step to step: h, for an LSTM h and c; each (layers · directions, N, hiddenSize). */
export type RecurrentState = readonly Tensor[];

type Weights = Readonly<Record<"input" | "hidden", (x: Tensor) => Tensor>>;

/** One step: from the input's part of the gates and the state to the next state, whose first is the output. */
type Cell = (gates: Tensor, state: RecurrentState, weights: Weights) => RecurrentState;

abstract class Recurrent extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly #name: string;
  readonly #options: Required<RecurrentOptions>;
  readonly #cell: Cell;
  readonly #stateCount: number;
  readonly #dropout: Dropout;

  constructor(
    name: string,
    sizes: { inputSize: number; hiddenSize: number; gates: number; states: number },
    options: RecurrentOptions,
    cell: Cell,
  ) {
    super();
    checkOptions(name, options, ["numLayers", "bias", "batchFirst", "dropout", "bidirectional"]);
    const { numLayers = 1, bias = true, batchFirst = true, dropout = 0, bidirectional = false } = options;
    const { inputSize, hiddenSize, gates, states } = sizes;
    for (const [key, size] of Object.entries({ inputSize, hiddenSize, numLayers })) checkSize(name, key, size);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.#name = name;
    this.#options = { numLayers, bias, batchFirst, dropout, bidirectional };
    this.#cell = cell;
    this.#stateCount = states;
    this.#dropout = new Dropout(dropout);
    // U(±1/√hiddenSize) for all, PyTorch's names: weight_ih_l0, bias_hh_l1_reverse.
    const bound = 1 / Math.sqrt(hiddenSize);
    const start = (label: string, shape: readonly number[]): Parameter =>
      new Parameter(initialize(uniformInit(-bound, bound), shape, label));
    const own = this as unknown as Record<string, Parameter>;
    for (let layer = 0; layer < numLayers; layer++) {
      const width = layer === 0 ? inputSize : hiddenSize * this.#directions;
      for (const suffix of this.#suffixes(layer)) {
        own[`weight_ih_${suffix}`] = start("weight_ih", [gates * hiddenSize, width]);
        own[`weight_hh_${suffix}`] = start("weight_hh", [gates * hiddenSize, hiddenSize]);
        if (!bias) continue;
        own[`bias_ih_${suffix}`] = start("bias_ih", [gates * hiddenSize]);
        own[`bias_hh_${suffix}`] = start("bias_hh", [gates * hiddenSize]);
      }
    }
  }

  get #directions(): number {
    return this.#options.bidirectional ? 2 : 1;
  }

  #suffixes(layer: number): string[] {
    return this.#options.bidirectional ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`];
  }

  #weights(suffix: string): Weights {
    const own = this as unknown as Record<string, Parameter | undefined>;
    const part = (kind: string) => (x: Tensor) =>
      linear(x, own[`weight_${kind}_${suffix}`]!.value, own[`bias_${kind}_${suffix}`]?.value);
    return { input: part("ih"), hidden: part("hh") };
  }

  /** The outputs of the last layer at every step. (`run` gives the last state too.) */
  forward(x: Tensor, initial?: RecurrentState): Tensor {
    return this.run(x, initial).output;
  }

  /** Outputs of every step, and the state after the last. x (N, T, inputSize), or (T, inputSize) for one sequence. */
  run(x: Tensor, initial?: RecurrentState): { output: Tensor; state: RecurrentState } {
    if ((x.rank !== 3 && x.rank !== 2) || !sameSize(x.shape[x.rank - 1]!, this.inputSize)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${this.#name} takes sequences of ${this.inputSize} numbers a step, (N, T, ${this.inputSize}), got ${formatShape(x.shape)}.`,
      );
    }
    const single = x.rank === 2;
    const time = single ? 0 : this.#options.batchFirst ? 1 : 0;
    const steps = x.shape[time];
    if (typeof steps !== "number") {
      throw new ErmineError("ERMINE_SHAPE", `${this.#name} needs a known number of steps, got ${formatShape(x.shape)}.`);
    }
    const batched = single ? expandDims(x, 1) : this.#options.batchFirst ? transpose(x, 0, 1) : x;
    const given = single ? initial?.map((t) => expandDims(t, 1)) : initial;
    const { outputs, state } = this.#layers(batched, steps, given);
    const output = stack(outputs, 0);
    if (single) return { output: squeeze(output, 1), state: state.map((t) => squeeze(t, 1)) };
    return { output: this.#options.batchFirst ? transpose(output, 0, 1) : output, state };
  }

  #layers(x: Tensor, steps: number, initial: RecurrentState | undefined): { outputs: Tensor[]; state: RecurrentState } {
    const last: RecurrentState[] = [];
    let layerInput = x;
    let outputs: Tensor[] = [];
    for (let layer = 0; layer < this.#options.numLayers; layer++) {
      const directions = this.#suffixes(layer).map((suffix, direction) => {
        const place = layer * this.#directions + direction;
        const start = Array.from({ length: this.#stateCount }, (_, i) =>
          initial === undefined ? zeros([x.shape[1]!, this.hiddenSize]) : squeeze(sliceAxis(initial[i]!, 0, place, 1), 0),
        );
        return this.#direction(layerInput, steps, this.#weights(suffix), start, direction === 1);
      });
      last.push(...directions.map(({ state }) => state));
      outputs = Array.from({ length: steps }, (_, t) => {
        const sides = directions.map((side) => side.outputs[t]!);
        return sides.length === 1 ? sides[0]! : concat(sides, -1);
      });
      if (layer === this.#options.numLayers - 1) break;
      const between = stack(outputs, 0);
      this.#dropout.training = this.training;
      layerInput = this.#options.dropout > 0 ? this.#dropout.forward(between) : between;
    }
    const state = Array.from({ length: this.#stateCount }, (_, i) =>
      stack(
        last.map((states) => states[i]!),
        0,
      ),
    );
    return { outputs, state };
  }

  /** One pass: the input's part of all gates at once, then step by step. */
  #direction(x: Tensor, steps: number, weights: Weights, start: RecurrentState, backward: boolean) {
    const gates = weights.input(x);
    const outputs: Tensor[] = [];
    let state = start;
    for (let i = 0; i < steps; i++) {
      const t = backward ? steps - 1 - i : i;
      state = this.#cell(squeeze(sliceAxis(gates, 0, t, 1), 0), state, weights);
      outputs[t] = state[0]!;
    }
    return { outputs, state };
  }

  override describe(): string {
    return `${this.#name} ${this.inputSize} → ${this.hiddenSize * this.#directions}${this.#options.numLayers > 1 ? `, ${this.#options.numLayers} layers` : ""}`;
  }
}

/** h ← tanh(W x + b + U h + c), or relu. Source: Elman 1990. */
export class RNN extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions & { nonlinearity?: "tanh" | "relu" } = {}) {
    const { nonlinearity = "tanh", ...rest } = options;
    if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
      throw new ErmineError("ERMINE_OPTION", `RNN: nonlinearity is "tanh" or "relu", got "${String(nonlinearity)}".`);
    }
    const f = nonlinearity === "tanh" ? tanh : relu;
    super("RNN", { inputSize, hiddenSize, gates: 1, states: 1 }, rest, (x, [h], { hidden }) => [f(add(x, hidden(h!)))]);
  }
}

/** i, f, o = σ(…), g = tanh(…); c ← f·c + i·g; h ← o·tanh(c). Gates in PyTorch's order i, f, g, o. Source: Hochreiter and Schmidhuber 1997. */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super("LSTM", { inputSize, hiddenSize, gates: 4, states: 2 }, options, (x, [h, c], { hidden }) => {
      const [i, f, g, o] = split(add(x, hidden(h!)), [hiddenSize, hiddenSize, hiddenSize, hiddenSize], -1);
      const next = add(mul(sigmoid(f!), c!), mul(sigmoid(i!), tanh(g!)));
      return [mul(sigmoid(o!), tanh(next)), next];
    });
  }
}

/** r, z = σ(…); n = tanh(W x + b + r·(U h + c)); h ← (1 − z)·n + z·h. Gates in PyTorch's order r, z, n. Source: Cho et al. 2014. */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super("GRU", { inputSize, hiddenSize, gates: 3, states: 1 }, options, (x, [h], { hidden }) => {
      const sizes = [hiddenSize, hiddenSize, hiddenSize];
      const [xr, xz, xn] = split(x, sizes, -1);
      const [hr, hz, hn] = split(hidden(h!), sizes, -1);
      const z = sigmoid(add(xz!, hz!));
      const n = tanh(add(xn!, mul(sigmoid(add(xr!, hr!)), hn!)));
      return [add(mul(sub(1, z), n), mul(z, h!))];
    });
  }
}
