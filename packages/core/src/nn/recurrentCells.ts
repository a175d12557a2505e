/** Modules of one step of a recurrent network. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { zeros } from "../ops/creation.js";
import { linear } from "../ops/linear.js";
import { expandDims, squeeze } from "../ops/shape.js";
import { initialize, uniformInit } from "../random/initializers.js";
import { formatShape, sameSize } from "../types/dim.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import {
  cellWeights,
  checkCell,
  gruCell,
  gruCellResetBefore,
  lstmCell,
  rnnCell,
  type CellDefinition,
  type Nonlinearity,
  type RecurrentState,
} from "./cellDefinitions.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

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
abstract class CellModule extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly weight_ih: Parameter;
  readonly weight_hh: Parameter;
  readonly bias_ih: Parameter | undefined;
  readonly bias_hh: Parameter | undefined;
  readonly #cell: CellDefinition;

  constructor(cell: CellDefinition, inputSize: number, hiddenSize: number, bias = true) {
    super();
    for (const [key, size] of Object.entries({ inputSize, hiddenSize })) checkSize(`${cell.name}Cell`, key, size);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const rows = cell.gates * hiddenSize;
    const start = (label: string, shape: readonly number[]): Parameter => recurrentParameter(label, shape, hiddenSize);
    this.weight_ih = start("weight_ih", [rows, inputSize]);
    this.weight_hh = start("weight_hh", [rows, hiddenSize]);
    this.bias_ih = bias ? start("bias_ih", [rows]) : undefined;
    this.bias_hh = bias ? start("bias_hh", [rows]) : undefined;
    this.#cell = cell;
  }

  get #name(): string {
    return `${this.#cell.name}Cell`;
  }

  /** The state after x (N, inputSize), or (inputSize); `state` (N, H) each, default zeros. */
  protected next(x: Tensor, state: RecurrentState | undefined): RecurrentState {
    checkTensor("forward", x);
    const { states = 1 } = this.#cell;
    if (states > 1) checkState(this.#name, "forward", state, states);
    else for (const t of state ?? []) checkTensor(this.#name, t);
    const wrong = (x.rank !== 1 && x.rank !== 2) || !sameSize(x.shape[x.rank - 1]!, this.inputSize);
    const misfit = state?.find((t) => t.rank !== x.rank || !sameSize(t.shape[t.rank - 1]!, this.hiddenSize));
    if (wrong || misfit !== undefined || (state !== undefined && state.length !== states)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `takes x (N, ${this.inputSize}) and ${states} of (N, ${this.hiddenSize}), all with N or without, got ` +
          `${[x, ...(state ?? [])].map((t) => formatShape(t.shape)).join(", ")}.`,
      );
    }
    const single = x.rank === 1;
    const rows = single ? expandDims(x, 0) : x;
    const from =
      state?.map((t) => (single ? expandDims(t, 0) : t)) ??
      Array.from({ length: states }, () => zeros([rows.shape[0]!, this.hiddenSize]));
    const weights = cellWeights(this.#cell, this.weight_hh.value, this.bias_hh?.value);
    const after = this.#cell.step(linear(floatInput(rows), this.weight_ih.value, this.bias_ih?.value), from, weights);
    return single ? after.map((t) => squeeze(t, 0)) : after;
  }

  override describe(): string {
    return `${this.#name} ${this.inputSize} → ${this.hiddenSize}`;
  }
}

/**
 * One step of a cell that `defineRecurrentCell` has made: x (N, inputSize), the state's tensors (N, hiddenSize) → the next state; also without a batch.
 *
 * @example
 * const cell = new RecurrentCell(mgu, 4, 8);
 * const [h] = cell.forward(normal([2, 4]));
 * cell.forward(normal([2, 4]), [h])[0].shape; // => [2, 8]
 */
export class RecurrentCell extends CellModule {
  constructor(
    cell: CellDefinition,
    inputSize: number,
    hiddenSize: number,
    options: {
      /** Add biases. Default true. */
      bias?: boolean;
    } = {},
  ) {
    checkArguments("RecurrentCell", arguments, 4);
    checkCell("RecurrentCell", cell);
    checkOptions("RecurrentCell", options, { bias: "boolean" }, ["cell", inputSize, hiddenSize]);
    super(cell, inputSize, hiddenSize, options.bias);
  }

  /** The next state; `state`: the one before, default zeros. */
  forward(x: Tensor, state?: RecurrentState): RecurrentState {
    return this.next(x, state);
  }
}

/**
 * One step of an Elman network: x (N, inputSize), h (N, hiddenSize) → the next h; also without a batch.
 *
 * @example
 * new RNNCell(4, 8).forward(normal([2, 4])).shape; // => [2, 8]
 */
export class RNNCell extends CellModule {
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
    super(rnnCell(nonlinearity), inputSize, hiddenSize, bias);
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
export class LSTMCell extends CellModule {
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
    super(lstmCell, inputSize, hiddenSize, options.bias);
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
export class GRUCell extends CellModule {
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
    super(resetAfter ? gruCell : gruCellResetBefore, inputSize, hiddenSize, bias);
  }

  forward(x: Tensor, h?: Tensor): Tensor {
    return this.next(x, h === undefined ? undefined : [h])[0]!;
  }
}
