/** Recurrent layers: one loop over the steps of a cell, for sequences of one length or of several. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { scan } from "../control/scan.js";
import { less } from "../ops/comparison.js";
import { iota, zeros } from "../ops/creation.js";
import { linear } from "../ops/linear.js";
import { concat, stack } from "../ops/concat.js";
import { expandDims, squeeze, transpose } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { where } from "../ops/where.js";
import { formatShape, sameShape, sameSize, type Shape, type Size } from "../types/dim.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import type { Parameter } from "../dispatch/variable.js";
import { Dropout } from "./dropout.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";
import {
  cellWeights,
  checkCell,
  gruCell,
  gruCellResetBefore,
  lstmCell,
  rnnCell,
  type CellDefinition,
  type CellWeights,
  type Nonlinearity,
  type RecurrentState,
} from "./cellDefinitions.js";
import { checkNonlinearity, checkState, recurrentParameter } from "./recurrentCells.js";
import { checkLengths } from "../functional/lengths.js";
import { checkSize } from "./size.js";

/** The options of `RNN`, `LSTM` and `GRU`. */
export interface RecurrentOptions {
  /** Layers on top of each other. Default 1. */
  readonly numLayers?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** (N, T, features) in and out; false: (T, N, features). Default true; PyTorch's is false. */
  readonly batchFirst?: boolean;
  /** Between layers, in training. Default 0. */
  readonly dropout?: number;
  /** A second pass from the end, its output next to the first's. Default false. */
  readonly bidirectional?: boolean;
}

const names = {
  numLayers: "integer",
  bias: "boolean",
  batchFirst: "boolean",
  dropout: "number",
  bidirectional: "boolean",
} as const;

const projectedNames = { ...names, projSize: "integer" } as const;

/** The output of every step, and the state after the last. */
export interface RecurrentResult {
  /** (N, T, directions · size) with batchFirst. */
  readonly output: Tensor;
  /** h, for an LSTM h and c; each (layers · directions, N, size). */
  readonly state: RecurrentState;
}

/** The initial state of the sequences, and their lengths. */
export interface SequenceOptions {
  /** The state before the first step: h, for an LSTM h and c, each (layers · directions, N, size), without N for one sequence. Default zeros. */
  readonly state?: RecurrentState;
  /**
   * int32 (N): how many steps of each sequence count, 0 … T. The state is that of each one's own end, the direction from the end begins there, and outputs are 0
   * after it. Default: all steps.
   */
  readonly lengths?: Tensor;
}

/** The option of layers whose cell has a projection. */
interface ProjectionOption {
  /** The size of the projection of the hidden state; 0: none. Default 0. */
  readonly projSize?: number;
}

abstract class RecurrentModule extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly #cell: CellDefinition;
  readonly #options: Required<RecurrentOptions>;
  /** Size of the output, which a projection makes less than `hiddenSize`. */
  readonly #outputSize: number;
  readonly dropout: Dropout;

  constructor(cell: CellDefinition, inputSize: number, hiddenSize: number, options: RecurrentOptions & ProjectionOption) {
    super();
    const { name, gates } = cell;
    const kinds: Partial<typeof projectedNames> = cell.projection ? projectedNames : names;
    checkOptions(name, options, kinds as typeof projectedNames, [inputSize, hiddenSize]);
    const { numLayers = 1, bias = true, batchFirst = true, dropout = 0, bidirectional = false, projSize = 0 } = options;
    for (const [key, size] of Object.entries({ inputSize, hiddenSize, numLayers })) checkSize(name, key, size);
    checkSize(name, "projSize", projSize, 0);
    if (projSize >= hiddenSize) {
      throw new ErmineError("ERMINE_OPTION", `${name}: projSize ${projSize} must be less than hiddenSize ${hiddenSize}.`);
    }
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.#cell = cell;
    this.#options = { numLayers, bias, batchFirst, dropout, bidirectional };
    this.#outputSize = projSize > 0 ? projSize : hiddenSize;
    this.dropout = new Dropout(dropout);
    // PyTorch's names: weight_ih_l0, bias_hh_l1_reverse.
    const start = (label: string, shape: readonly number[]): Parameter => recurrentParameter(label, shape, hiddenSize);
    const parameters = this as unknown as Record<string, Parameter>;
    for (let layer = 0; layer < numLayers; layer++) {
      const width = layer === 0 ? inputSize : this.#outputSize * this.#directions;
      for (const suffix of this.#suffixes(layer)) {
        parameters[`weight_ih_${suffix}`] = start("weight_ih", [gates * hiddenSize, width]);
        parameters[`weight_hh_${suffix}`] = start("weight_hh", [gates * hiddenSize, this.#outputSize]);
        if (bias) {
          parameters[`bias_ih_${suffix}`] = start("bias_ih", [gates * hiddenSize]);
          parameters[`bias_hh_${suffix}`] = start("bias_hh", [gates * hiddenSize]);
        }
        if (projSize > 0) parameters[`weight_hr_${suffix}`] = start("weight_hr", [projSize, hiddenSize]);
      }
    }
  }

  get #name(): string {
    return this.#cell.name;
  }

  get #directions(): number {
    return this.#options.bidirectional ? 2 : 1;
  }

  /** The size of each state: h and c of an LSTM with a projection differ. */
  get #stateSizes(): readonly number[] {
    return Array.from({ length: this.#cell.states ?? 1 }, (_, i) => (i === 0 ? this.#outputSize : this.hiddenSize));
  }

  #suffixes(layer: number): string[] {
    return this.#options.bidirectional ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`];
  }

  #weights(suffix: string): CellWeights & { readonly input: (x: Tensor) => Tensor } {
    const parameters = this as unknown as Record<string, Parameter | undefined>;
    const value = (name: string): Tensor | undefined => parameters[`${name}_${suffix}`]?.value;
    const projection = value("weight_hr");
    return {
      input: (x) => linear(x, value("weight_ih")!, value("bias_ih")),
      ...cellWeights(this.#cell, value("weight_hh")!, value("bias_hh"), projection && ((h) => linear(h, projection))),
    };
  }

  /** The outputs of the last layer at every step. (`run` gives the last state too.) */
  forward(x: Tensor, options?: RecurrentState | SequenceOptions): Tensor {
    return this.run(x, options).output;
  }

  /**
   * Outputs of every step, and the state after the last. x (N, T, inputSize), or (T, inputSize) for one sequence.
   *
   * @param options the state before the first step, or what is said of the sequences
   */
  run(x: Tensor, options?: RecurrentState | SequenceOptions): RecurrentResult {
    checkTensor("forward", x);
    const { state: initial, lengths } = this.#sequenceOptions(options);
    if ((x.rank !== 3 && x.rank !== 2) || !sameSize(x.shape[x.rank - 1]!, this.inputSize)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${this.#name} takes sequences of ${this.inputSize} numbers a step, (N, T, ${this.inputSize}), got ${formatShape(x.shape)}.`,
      );
    }
    const single = x.rank === 2;
    const time = single ? 0 : this.#options.batchFirst ? 1 : 0;
    const steps = x.shape[time]!;
    if (steps === 0) {
      throw new ErmineError("ERMINE_SHAPE", `${this.#name} needs at least one step, got ${formatShape(x.shape)}.`);
    }
    const batched = single ? expandDims(x, 1) : this.#options.batchFirst ? transpose(x, 0, 1) : x;
    const initialState = single ? initial?.map((t) => expandDims(t, 1)) : initial;
    if (initialState !== undefined) this.#checkState(initialState, batched.shape);
    if (lengths !== undefined) checkLengths(this.#name, lengths, single ? undefined : batched.shape[1]!, steps);
    const { output, state } = this.#layers(batched, lengths && counting(steps, lengths), initialState);
    if (single) return { output: squeeze(output, 1), state: state.map((t) => squeeze(t, 1)) };
    return { output: this.#options.batchFirst ? transpose(output, 0, 1) : output, state };
  }

  #sequenceOptions(options: RecurrentState | SequenceOptions | undefined): SequenceOptions {
    const isState = options === undefined || Array.isArray(options) || options instanceof Tensor || "dtype" in options;
    if (!isState) checkOptions(this.#name, options as SequenceOptions, { state: "any", lengths: "tensor" }, ["x"]);
    const sequenceOptions = (isState ? { state: options } : options) as SequenceOptions;
    checkState(this.#name, "run", sequenceOptions.state, this.#cell.states ?? 1);
    return sequenceOptions;
  }

  #checkState(initialState: RecurrentState, [, batch]: Shape): void {
    const places = this.#options.numLayers * this.#directions;
    const expected = this.#stateSizes.map((size): Shape => [places, batch!, size]);
    if (initialState.length === expected.length && initialState.every((t, i) => sameShape(t.shape, expected[i]!))) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${this.#name}: the initial state is ${initialState.map((t) => formatShape(t.shape)).join(", ")} and should be ${expected.map(formatShape).join(", ")}.`,
    );
  }

  /** @param counts bool (T, N, 1): which steps count; undefined: all */
  #layers(x: Tensor, counts: Tensor | undefined, initial: RecurrentState | undefined): RecurrentResult {
    const last: RecurrentState[] = [];
    // Steps after a sequence's end may hold anything, also values without a gradient.
    let output = counts === undefined ? floatInput(x) : where(counts, floatInput(x), 0);
    for (let layer = 0; layer < this.#options.numLayers; layer++) {
      if (layer > 0) output = this.dropout.forward(output);
      const directions = this.#suffixes(layer).map((suffix, direction) => {
        const place = layer * this.#directions + direction;
        const start = this.#stateSizes.map((size, i) =>
          initial === undefined ? zeros([x.shape[1]!, size]) : squeeze(sliceAxis(initial[i]!, 0, place, 1), 0),
        );
        return this.#direction(output, counts, suffix, start, direction === 1);
      });
      last.push(...directions.map(({ state }) => state));
      const sides = directions.map((side) => side.output);
      output = sides.length === 1 ? sides[0]! : concat(sides, -1);
    }
    const state = this.#stateSizes.map((_, i) =>
      stack(
        last.map((states) => states[i]!),
        0,
      ),
    );
    return { output, state };
  }

  /** One pass: the input's part of all gates at once, then step by step. */
  #direction(x: Tensor, counts: Tensor | undefined, suffix: string, start: RecurrentState, reverse: boolean): RecurrentResult {
    const weights = this.#weights(suffix);
    const step = (
      before: RecurrentState,
      { gates, count }: { readonly gates: Tensor; readonly count: Tensor | undefined },
    ): [RecurrentState, Tensor] => {
      const after = this.#cell.step(gates, before, weights);
      if (count === undefined) return [after, after[0]!];
      return [after.map((t, i) => where(count, t, before[i]!)), where(count, after[0]!, 0)];
    };
    const [state, output] = scan(step, start, { gates: weights.input(x), count: counts }, { reverse });
    return { output, state };
  }

  override describe(): string {
    return `${this.#name} ${this.inputSize} → ${this.#outputSize * this.#directions}${this.#options.numLayers > 1 ? `, ${this.#options.numLayers} layers` : ""}`;
  }
}

/** bool (T, N, 1): is the step one of the sequence's? */
const counting = (steps: Size, lengths: Tensor): Tensor =>
  expandDims(less(expandDims(iota(steps), 1), expandDims(lengths, 0)), 2);

/**
 * Layers of a cell that `defineRecurrentCell` has made, over sequences.
 *
 * @example
 * new Recurrent(mgu, 4, 8, { bidirectional: true }).forward(normal([2, 5, 4])).shape; // => [2, 5, 16]
 */
export class Recurrent extends RecurrentModule {
  constructor(cell: CellDefinition, inputSize: number, hiddenSize: number, options: RecurrentOptions & ProjectionOption = {}) {
    checkArguments("Recurrent", arguments, 4);
    checkCell("Recurrent", cell);
    super(cell, inputSize, hiddenSize, options);
  }
}

/**
 * h ← tanh(W x + b + U h + c), or relu. Source: Elman 1990.
 *
 * @example
 * new RNN(4, 8).forward(normal([5, 2, 4])).shape; // => [5, 2, 8]
 */
export class RNN extends RecurrentModule {
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & {
      /** "tanh" or "relu". Default "tanh". */
      nonlinearity?: Nonlinearity;
    } = {},
  ) {
    checkArguments("RNN", arguments, 3);
    checkOptions("RNN", options, { ...names, nonlinearity: "string" }, [inputSize, hiddenSize]);
    const { nonlinearity = "tanh", ...rest } = options;
    checkNonlinearity("RNN", nonlinearity);
    super(rnnCell(nonlinearity), inputSize, hiddenSize, rest);
  }
}

/**
 * i, f, o = σ(…), g = tanh(…); c ← f·c + i·g; h ← o·tanh(c). Gates in PyTorch's order i, f, g, o. Source: Hochreiter and Schmidhuber 1997.
 *
 * @param options.projSize h is projected to this size, less than hiddenSize (Sak et al. 2014); 0, the default: it is not
 * @example
 * new LSTM(4, 8, { batchFirst: true }).forward(normal([2, 5, 4])).shape; // => [2, 5, 8]
 */
export class LSTM extends RecurrentModule {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions & ProjectionOption = {}) {
    checkArguments("LSTM", arguments, 3);
    super(lstmCell, inputSize, hiddenSize, options);
  }
}

/**
 * r, z = σ(…); n = tanh(W x + b + r·(U h + c)); h ← (1 − z)·n + z·h. Gates in PyTorch's order r, z, n. Source: Cho et al. 2014.
 *
 * @param options.resetAfter true, the default: n as above, PyTorch's; false: n = tanh(W x + b + U (r·h) + c), as in the paper and in TensorFlow.js
 * @example
 * new GRU(4, 8).forward(normal([5, 2, 4])).shape; // => [5, 2, 8]
 */
export class GRU extends RecurrentModule {
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & {
      /** r is applied after the product with U, as PyTorch does; false: before it, as Cho et al. and TensorFlow.js. Default true. */
      resetAfter?: boolean;
    } = {},
  ) {
    checkArguments("GRU", arguments, 3);
    checkOptions("GRU", options, { ...names, resetAfter: "boolean" }, [inputSize, hiddenSize]);
    const { resetAfter = true, ...rest } = options;
    super(resetAfter ? gruCell : gruCellResetBefore, inputSize, hiddenSize, rest);
  }
}
