/**
 * Definitions of recurrent cells: one step from a state to the next, and which weights it needs. `Recurrent` and `RecurrentCell` make their
 * parameters of a definition alone.
 */
import { relu } from "../activations/relu.js";
import { sigmoid } from "../activations/sigmoid.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkCopy, copyKey, markCopy, type CopyMark } from "../types/copy.js";
import { checkDefinition, show } from "../types/options.js";
import { gruCellOp, lstmCellOp } from "../functional/recurrent.js";
import { apply, apply1 } from "../ops/apply.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { linear } from "../ops/linear.js";
import { sliceAxis } from "../ops/slice.js";
import { split } from "../ops/concat.js";
import { tanh } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";

/** The tensors that are carried from step to step, (N, hiddenSize) each: h, for an LSTM h and c. */
export type RecurrentState = readonly Tensor[];

/** The weights of one step, as functions. */
export interface CellWeights {
  /** h ↦ U h + c, one function for each entry of the definition's `products`: of those gates, in their order. */
  readonly hidden: readonly ((h: Tensor) => Tensor)[];
  /** The projection of h; h itself where the layer has none. */
  readonly project: (h: Tensor) => Tensor;
}

/** The definition of a recurrent cell. */
export interface CellDefinition {
  /** In messages and descriptions: "GRU". */
  readonly name: string;
  /** Number of gates: weight_ih, weight_hh and the biases have gates · hiddenSize rows. */
  readonly gates: number;
  /** Number of tensors carried from step to step; the first is the output. Default 1. */
  readonly states?: number;
  /**
   * How many gates each product with the state covers; their sum is `gates`. Default `[gates]`, one product for all. A cell whose last gates multiply
   * something other than h has several: [2, 1] for a GRU that resets before the product.
   */
  readonly products?: readonly number[];
  /** True: layers take `projSize`, and the step calls `weights.project` on its output. Default false. */
  readonly projection?: boolean;
  /** From W x + b of all gates, (N, gates · hiddenSize), and the state to the next state. */
  readonly step: (gates: Tensor, state: RecurrentState, weights: CellWeights) => RecurrentState;
}

const kind = "recurrent cell";

const parts = {
  name: "string",
  gates: "integer",
  states: "integer",
  products: "list",
  projection: "boolean",
  step: "function",
} as const;

/**
 * A recurrent cell of one's own, which `Recurrent` runs over sequences and `RecurrentCell` step by step.
 *
 * @throws ErmineError ERMINE_OPTION where a part is missing, or where `products` do not cover the gates
 * @example
 * // A minimal gated unit: f = σ(…), h ← (1 − f)·h + f·tanh(W x + b + U (f·h) + c). Source: Zhou et al. 2016.
 * const mgu = defineRecurrentCell({
 *   name: "MGU",
 *   gates: 2,
 *   products: [1, 1],
 *   step(gates, [h], { hidden: [forget, candidate] }) {
 *     const [xf, xn] = split(gates, (gates.shape[1] as number) / 2, 1);
 *     const f = sigmoid(add(xf, forget(h)));
 *     const n = tanh(add(xn, candidate(mul(f, h))));
 *     return [add(mul(sub(1, f), h), mul(f, n))];
 *   },
 * });
 * new Recurrent(mgu, 4, 8).forward(normal([2, 5, 4])).shape; // => [2, 5, 8]
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineRecurrentCell(definition: CellDefinition): CellDefinition {
  checkArguments("defineRecurrentCell", arguments, 1);
  checkDefinition("defineRecurrentCell", definition, parts, ["name", "gates", "step"]);
  const { name, gates, states = 1, products = [gates] } = definition;
  for (const [key, count] of [["gates", gates] as const, ["states", states] as const]) {
    if (count < 1)
      throw new ErmineError("ERMINE_OPTION", `defineRecurrentCell of ${show(name)}: ${key} must be at least 1, got ${count}.`);
  }
  const covered = products.reduce((sum, count) => sum + (Number.isInteger(count) && count > 0 ? count : NaN), 0);
  if (covered === gates) return markCopy(kind, { ...definition });
  throw new ErmineError(
    "ERMINE_OPTION",
    `defineRecurrentCell of ${show(name)}: products are whole numbers of gates whose sum is gates, ${gates}, got ${show(products)}.`,
  );
}

/** @internal @throws ErmineError ERMINE_USAGE for anything but a definition of this copy of core */
export function checkCell(where: string, cell: CellDefinition): void {
  checkCopy(where, cell);
  if (typeof cell === "object" && cell !== null && (cell as { readonly [copyKey]?: CopyMark })[copyKey]?.kind === kind) return;
  throw new ErmineError(
    "ERMINE_USAGE",
    `${where}: the cell is a definition that defineRecurrentCell returns, got ${show(cell)}.`,
  );
}

/** @internal A step's weights, of those that a module has. Called outside of the loop, which captures the slices. */
export function cellWeights(
  { gates, products = [gates] }: CellDefinition,
  weight: Tensor,
  bias: Tensor | undefined,
  project: CellWeights["project"] = (h) => h,
): CellWeights {
  if (products.length === 1) return { hidden: [(h) => linear(h, weight, bias)], project };
  const size = (weight.shape[0] as number) / gates;
  let first = 0;
  const hidden = products.map((count) => {
    const rows = (t: Tensor): Tensor => sliceAxis(t, 0, first, count * size);
    const [weightRows, biasRows] = [rows(weight), bias && rows(bias)];
    first += count * size;
    return (h: Tensor): Tensor => linear(h, weightRows, biasRows);
  });
  return { hidden, project };
}

export type Nonlinearity = "tanh" | "relu";

/** @internal h ← tanh(W x + b + U h + c), or relu. */
export const rnnCell = (nonlinearity: Nonlinearity): CellDefinition => ({
  name: "RNN",
  gates: 1,
  step: (x, [h], { hidden: [hidden] }) => [(nonlinearity === "tanh" ? tanh : relu)(add(x, hidden!(h!)))],
});

/** @internal i, f, o = σ(…), g = tanh(…); c ← f·c + i·g; h ← o·tanh(c), projected where there is a projection. Gates in PyTorch's order i, f, g, o. */
export const lstmCell: CellDefinition = {
  name: "LSTM",
  gates: 4,
  states: 2,
  projection: true,
  step(x, [h, c], { hidden: [hidden], project }) {
    const [output, next] = apply(lstmCellOp, [x, hidden!(h!), c], {});
    return [project(output!), next!];
  },
};

/** @internal r, z = σ(…); n = tanh(W x + b + r·(U h + c)); h ← (1 − z)·n + z·h. Gates in PyTorch's order r, z, n. */
export const gruCell: CellDefinition = {
  name: "GRU",
  gates: 3,
  step: (x, [h], { hidden: [hidden] }) => [apply1(gruCellOp, [x, hidden!(h!), h], {})],
};

/** @internal As `gruCell`, but n = tanh(W x + b + U (r·h) + c): the reset gate is applied before the product. */
export const gruCellResetBefore: CellDefinition = {
  name: "GRU",
  gates: 3,
  products: [2, 1],
  step(x, [h], { hidden: [resetAndUpdate, candidate] }) {
    const size = (x.shape.at(-1) as number) / 3;
    const [xr, xz, xn] = split(x, size, -1);
    const [hr, hz] = split(resetAndUpdate!(h!), size, -1);
    const z = sigmoid(add(xz!, hz!));
    const n = tanh(add(xn!, candidate!(mul(sigmoid(add(xr!, hr!)), h!))));
    return [add(mul(sub(1, z), n), mul(z, h!))];
  },
};
