/** How an op of core's becomes nodes. */
import type { Op } from "@ermine/core/define";
import type { GraphBuilder, Operand } from "../builder.js";

/** A call of an op that is being written. */
export interface Call<A = Readonly<Record<string, unknown>>> {
  /** Where the nodes go. */
  readonly builder: GraphBuilder;
  /** The inputs in call order; undefined where an optional one is left out. */
  readonly inputs: readonly (Operand | undefined)[];
  /** What the results are. */
  readonly outputs: readonly Omit<Operand, "name">[];
  /** Which of the results anything reads. */
  readonly used: readonly boolean[];
  /** What the op is told. */
  readonly attributes: A;
}

/** Adds the nodes of a call and gives the names of its outputs; undefined where the operators of the set do not have this call. */
export type Writer<A = Readonly<Record<string, unknown>>> = (call: Call<A>) => readonly string[] | undefined;

/** An op and what writes it. */
export type Entry = readonly [op: Op, write: Writer];

/** An entry whose attributes are those of its op. */
export const entry = <A extends Readonly<Record<string, unknown>>>(op: Op<A>, write: Writer<A>): Entry => [
  op as unknown as Op,
  write as unknown as Writer,
];

/** Every op of the list becomes one node of the operator, with the inputs as they are. */
export const same = (operators: readonly (readonly [op: object, opType: string])[]): readonly Entry[] =>
  operators.map(([op, opType]) => [
    op as Op,
    ({ builder, inputs }) => [
      builder.node(
        opType,
        inputs.map((input) => input?.name ?? ""),
      ),
    ],
  ]);
