/** Where everything of one entry at one batch size is: what `plan` gives. */
import type { Graph, GraphVariable, Node, OpNode, Value } from "@ermine/core/backend";
import type { Packing } from "../lower/operand.js";
import type { Check } from "./phases.js";

export interface Plan {
  /** Ops in the order that they run; those from `committed` on run only where the step is accepted. */
  readonly order: readonly OpNode[];
  readonly committed: number;
  /** Byte offsets into the arena, and its size. */
  readonly offsets: ReadonlyMap<Value, number>;
  readonly bytes: number;
  /** The value whose place this one has: a reshaped one is what it was made of. */
  root(value: Value): Value;
  /** Values that are written straight into their variable's own block. */
  readonly direct: ReadonlyMap<Value, GraphVariable>;
  /** Updates that are copied into their variable at the end. */
  readonly copied: readonly { readonly variable: GraphVariable; readonly value: Value }[];
  /** Old values that are wanted when their variable has a new one, with their offset into the arena: copied there before all else. */
  readonly saved: ReadonlyMap<Value, number>;
  /** Indices that ops of the committed part look up, and none before it has checked. */
  readonly checks: readonly Check[];
  /** Of each loop, where its steps keep what they compute. */
  readonly loops: ReadonlyMap<Node, LoopPlan>;
  /** Of each conditional, where its branches do. */
  readonly conditionals: ReadonlyMap<Node, ConditionalPlan>;
  /** Values whose place is tied to that of others (`Track`). */
  readonly tied: ReadonlySet<Value>;
  /** Does anyone read it? */
  used(value: Value): boolean;
}

/** Where the values of a loop's step are: the same for all steps. */
export interface LoopPlan {
  /** The byte offset into the arena. */
  readonly from: number;
  /** The parts of the batch that go through the steps by themselves; mostly one. */
  readonly parts: readonly LoopPart[];
  /** Of what goes from step to step, where it is stacked: the next step reads it where this one has written it. undefined: it is not. */
  readonly tracks: readonly (Track | undefined)[];
}

/** Some rows of a loop's batch, or all. */
export interface LoopPart {
  /** The first row. */
  readonly row: number;
  /** One step of them. */
  readonly body: Graph;
  /** Its plan, whose offsets count from `room`, a byte offset from the loop's `from`. */
  readonly step: Plan;
  readonly room: number;
  /** Byte offsets from the loop's `from` of what goes from step to step, and of room for it while its places are exchanged. */
  readonly carried: readonly number[];
  readonly exchanged: readonly number[];
  /** Operands packed before the first step, by the op that reads them: those of the first part are those of all. */
  readonly packed: ReadonlyMap<Node, Packed>;
}

/** Where the values of a conditional's branches are. Both have the same room, for one of them runs. */
export interface ConditionalPlan {
  /** Their plans, whose offsets count from `from`. */
  readonly branches: readonly Plan[];
  /** The byte offset into the arena. */
  readonly from: number;
}

/**
 * A value that goes from step to step and is stacked, before or after each step or both: one stack with a row more than there are steps, which are the two
 * stacks, a row apart.
 */
export interface Track {
  /** The loop's outputs that are the value before each step, and after it; −1: it is not stacked so. */
  readonly before: number;
  readonly after: number;
  /** The byte offset into the arena of the first row. */
  readonly from: number;
}

/** An input of an op in a loop, the same in all steps. */
export interface Packed {
  readonly packing: Packing;
  readonly value: Value;
  /** The byte offset from the loop's `from`. */
  readonly offset: number;
}
