/** Conditionals in graphs: an op that is one of two graphs, whichever a scalar says. */
import type { Storage } from "../types/storage.js";
import { checkCall, isNode, isOp } from "./arguments.js";
import type { KernelInput } from "./contract.js";
import type { Graph, Node, OpNode, Value } from "./graph.js";
import type { Interpreter } from "./loop.js";
import type { Op } from "./op.js";

/** Two graphs over the same inputs, with outputs of the same types. */
export interface Conditional {
  /** What runs where the condition is true, and where it is false. Their feeds are the op's inputs after the first. They have no variables and no updates. */
  readonly branches: Branches;
}

/** Where the condition is true, and where it is false. */
export type Branches = readonly [whenTrue: Graph, whenFalse: Graph];

/**
 * The op of one conditional: its first input is the condition, a bool scalar, the others are the feeds of both branches; its outputs are the branches'.
 * Made by `cond`, an object for each call: it has no name by which another could find it, and no attributes.
 */
export interface ConditionalOp extends Op {
  /** What it runs. */
  readonly conditional: Conditional;
  /**
   * The same conditional with other branches, which compute the same: bound to sizes, lowered for a backend, or without what nobody reads.
   *
   * @throws ErmineError ERMINE_UNSUPPORTED where the host would have to feed a branch
   */
  with(branches: Branches): ConditionalOp;
  /** Its call without the outputs that nobody reads, and without the inputs that neither branch reads then; undefined: all are. */
  smaller(node: ConditionalNode, live: ReadonlySet<Value>): SmallerConditional | undefined;
  /**
   * Runs it where graphs are interpreted: its outputs, which are the caller's. Of a backend that answers at once only the branch that is taken runs; of others both
   * do, and the outputs are selected.
   */
  interpret(interpreter: Interpreter, inputs: readonly KernelInput[], outputs: readonly Value[]): readonly Storage[];
}

/** A call of a conditional without what nobody reads. */
export interface SmallerConditional {
  /** The conditional with smaller branches. */
  readonly op: ConditionalOp;
  /** What it is given: those of the call that a branch still reads. */
  readonly inputs: OpNode["inputs"];
  /** Those of the call's outputs that are read. */
  readonly outputs: readonly Value[];
}

/** A conditional in a graph. */
export interface ConditionalNode extends OpNode {
  /** The conditional. */
  readonly op: ConditionalOp;
}

/** The conditional that an op is; undefined where it is none. */
export function conditionalOf(op: Op): Conditional | undefined {
  if (arguments.length > 1 || !isOp(op)) checkCall("conditionalOf(op)", arguments);
  return (op as Partial<ConditionalOp>).conditional;
}

/** Is the node a conditional? */
export function isConditional(node: Node): node is ConditionalNode {
  if (arguments.length > 1 || !isNode(node)) checkCall("isConditional(node)", arguments);
  return node.kind === "op" && conditionalOf(node.op) !== undefined;
}
