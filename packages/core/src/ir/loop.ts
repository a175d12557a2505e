/** Loops in graphs: an op whose steps are a graph of their own. */
import type { Size } from "../types/dim.js";
import type { Storage } from "../types/storage.js";
import { checkCall, isNode, isOp } from "./arguments.js";
import type { Backend, KernelInput } from "./contract.js";
import type { FeedNode, Graph, Node, OpNode, Value } from "./graph.js";
import type { Op } from "./op.js";

/** A graph that runs once for each step of its sequences. */
export interface Loop {
  /**
   * One step. Its feeds are, in this order, what goes from step to step (`carried` of them), the step's elements of each sequence (`sequences`), and
   * what stays the same in all steps. Its outputs are what goes on to the next step, then what is stacked. It has no variables and no updates.
   */
  readonly body: Graph;
  /** How many values go from step to step. */
  readonly carried: number;
  /** How many inputs are sequences: their first axis is the steps. */
  readonly sequences: number;
  /** How many steps. */
  readonly length: Size;
  /** Is the last step of the sequences the first that runs? Stacked outputs stay where their step is in the sequences. */
  readonly reverse: boolean;
}

/**
 * The op of one loop: inputs as the body's feeds, sequences with all their steps; outputs as the body's, those that are stacked with all steps.
 * Made by `scan`, an object for each call: it has no name by which another could find it, and no attributes.
 */
export interface LoopOp extends Op {
  /** The loop that it runs. */
  readonly loop: Loop;
  /**
   * The same loop with another body, which computes the same: bound to sizes, lowered for a backend, or without what nobody reads.
   *
   * @throws ErmineError ERMINE_UNSUPPORTED where the host would have to feed each step
   */
  with(change: Partial<Pick<Loop, "body" | "length" | "sequences">>): LoopOp;
  /** Runs it step by step where graphs are interpreted: its outputs, which are the caller's. */
  interpret(interpreter: Interpreter, inputs: readonly KernelInput[], outputs: readonly Value[]): readonly Storage[];
}

/** A storage, and whether it is to be released. */
export interface Held {
  readonly storage: Storage;
  readonly owned: boolean;
}

/** Evaluation of a graph node by node. */
export interface Interpreter {
  readonly backend: Backend;
  copy(input: KernelInput): Storage;
  /** Makes storages; where one fails, those before it are released. */
  allOrNone(makers: readonly (() => Storage)[]): Storage[];
  /** The outputs of a graph, each a storage of its own. */
  evaluate(graph: Graph, fed: (node: FeedNode) => Held): readonly Storage[];
}

/** A loop in a graph. */
export interface LoopNode extends OpNode {
  /** The loop. */
  readonly op: LoopOp;
}

/** The loop that an op is; undefined where it is none. */
export function loopOf(op: Op): Loop | undefined {
  if (arguments.length > 1 || !isOp(op)) checkCall("loopOf(op)", arguments);
  return (op as Partial<LoopOp>).loop;
}

/** Is the node a loop? */
export function isLoop(node: Node): node is LoopNode {
  if (arguments.length > 1 || !isNode(node)) checkCall("isLoop(node)", arguments);
  return node.kind === "op" && loopOf(node.op) !== undefined;
}
