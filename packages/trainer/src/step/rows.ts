/**
 * Tables in which was only looked up: their gradients are rows. Norms, limits and the commit condition look at these alone, and so does the step of an
 * optimizer that moves no other row, or of a lazy group. For all others the rows are set into zeros, which a backend need not make.
 */
import {
  ErmineError,
  indexSelect,
  isRowGradient,
  mul,
  pow,
  setRows,
  sumRows,
  zeros,
  type RowGradient,
  type Tensor,
} from "@ermine/core";
import type { Graph, GraphVariable } from "@ermine/core/backend";
import type { NormType } from "../optimizers/clip.js";
import type { Optimizer } from "../optimizers/optimizer.js";
import { movesLookedUpRowsAlone, type GroupState } from "./optimizerState.js";

/** A row gradient whose rows of one index are summed: each stands as often as the index does, and counts for `share` each time. */
export interface SummedRows extends RowGradient {
  readonly share: Tensor;
}

export const summed = ({ indices, rows, size }: RowGradient): SummedRows => {
  const { sums, share } = sumRows(indices, rows, size);
  return { indices, rows: sums, size, share };
};

export const isRows = (gradient: Tensor | SummedRows): gradient is SummedRows => isRowGradient(gradient);

/** A tensor with the gradient's norm. */
export const normOf = (gradient: Tensor | SummedRows, normType: NormType): Tensor =>
  !isRows(gradient) ? gradient : normType === Infinity ? gradient.rows : mul(gradient.rows, pow(gradient.share, 1 / normType));

/** The gradient of the whole table. */
export const wholeGradient = ({ indices, rows, size }: SummedRows): Tensor =>
  setRows(zeros([size, rows.shape[1] as number]), indices, rows);

/** Is a step on the looked-up rows what is meant, or the same as one on the whole table? */
export const stepsOnRows = ({ optimizer, lazy }: GroupState): boolean => lazy || optimizer.rows !== undefined;

/** The gradient with its numbers changed one by one. */
export const mapGradient = (gradient: Tensor | SummedRows, fn: (g: Tensor) => Tensor): Tensor | SummedRows =>
  isRows(gradient) ? { ...gradient, rows: fn(gradient.rows) } : fn(gradient);

export interface Place {
  readonly p: Tensor;
  readonly slots: readonly Tensor[];
  readonly name: string;
}

/** The optimizer's step on those rows: the table and what is kept beside it, with the other rows as they are. */
export function stepOnRows(
  optimizer: Optimizer,
  { p, slots, name }: Place,
  { indices, rows }: SummedRows,
  scalars: Tensor,
): { readonly p: Tensor; readonly slots: readonly Tensor[] } {
  const lookedUpTensors = [p, ...slots].map((table) => indexSelect(table, 0, indices));
  const stepped = optimizer.update(
    { parameters: [lookedUpTensors[0]!], slots: [lookedUpTensors.slice(1)], names: [name] },
    [rows],
    scalars,
  );
  return {
    p: setRows(p, indices, stepped.parameters[0]!),
    slots: slots.map((table, i) => setRows(table, indices, stepped.slots[0]![i]!)),
  };
}

/** @throws ErmineError ERMINE_OPTION for a step on rows alone, of a parameter whose gradient is no rows */
export function requireRows(group: GroupState, parameter: string): void {
  if (!movesLookedUpRowsAlone(group)) return;
  const { name, rows } = group.optimizer;
  const [what, lazy] = rows === "only" ? [name, ""] : ["A lazy group", ", lazy: true"];
  throw new ErmineError(
    "ERMINE_OPTION",
    `${what} is for tables that are only looked up in, without a penalty; ${parameter} is used otherwise. Put it into another group: ` +
      `[{ parameters: (name) => name === "embedding.weight", optimizer: ${name}()${lazy} }, { parameters: () => true, optimizer: adamw() }].`,
  );
}

/** Elements of a table from which on a notice is given. */
const large = 2 ** 20;

/** The parameters that ops of the graphs look up in by index. */
function lookedUp(graphs: readonly Graph[]): Set<GraphVariable> {
  const tables = new Set<GraphVariable>();
  for (const { nodes } of graphs)
    for (const node of nodes) {
      if (node.kind !== "op" || node.op.lookup === undefined) continue;
      for (const value of node.inputs)
        if (value?.node.kind === "variable" && value.node.variable.role === "parameter") tables.add(value.node.variable);
    }
  return tables;
}

/** Notices about large tables whose optimizer updates every row at every step. @param graphs those of an update */
export function noticesOfTables(graphs: readonly Graph[], groups: readonly GroupState[]): string[] {
  const tables = lookedUp(graphs);
  return groups.flatMap((group) =>
    group.parameters.flatMap((parameter, i) => {
      const size = parameter.shape.reduce((a, b) => a * b, 1);
      if (stepsOnRows(group) || size < large || !tables.has(parameter)) return [];
      return [
        `ermine: ${group.names[i]} (${parameter.shape.join(" × ")}) is updated whole at each step: ${group.optimizer.name} moves rows that were not ` +
          "looked up too. A lazy group touches only those that were, as sgd without momentum and weightDecay and adagrad without weightDecay do of themselves: " +
          `{ parameters: (name) => name === "${group.names[i]}", optimizer: …, lazy: true }.`,
      ];
    }),
  );
}
