/** Interface of an optimizer: maps parameters, gradients, slots and the step's scalars to new values. */
import { ErmineError, type Tensor } from "@ermine/core";
import { checkCopy, show } from "@ermine/core/define";
import type { Rate, Time } from "../schedules/schedule.js";

/** An optimizer with its options: pure; the trainer keeps its state. */
export interface Optimizer {
  /** For messages and `trainer.configuration`. */
  readonly name: string;
  /** Its options with their values. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The slots of a parameter of that shape, by name. */
  slots(shape: readonly number[]): Readonly<Record<string, Slot>>;
  /** Number of values that `scalars` returns. */
  readonly scalarCount: number;
  /** Values that change per step, in float64 on the host; fed as part of one vector. */
  scalars(time: Time): readonly number[];
  /** New values of the parameters and of their slots (a list for each parameter, in the order of `slots`). */
  update(state: OptimizerState, gradients: readonly Tensor[], scalars: Tensor): OptimizerState;
  /** Schedules that follow a metric, so that the trainer can tell them. */
  readonly rates: readonly Rate[];
  /**
   * May a step be taken on the rows of a table that were looked up, and no others? "same": the others would not have moved; "only": it is what the
   * optimizer means. Absent: no.
   */
  readonly rows?: "same" | "only";
  /**
   * Are new parameters and slots finite wherever gradients, parameters and slots are, and small enough to be squared? Where an optimizer does not say
   * so, the trainer looks at every value that a step would write before it writes one. Default false.
   */
  readonly keepsFinite?: boolean;
  /**
   * Does it treat each element by itself? Then a group of it may be `lazy`, and takes its steps on the rows of a table that were looked up alone.
   * Default false.
   */
  readonly elementwise?: boolean;
  /** The slot that holds an average of the parameter's values, where there is one. */
  readonly average?: string;
}

/** A tensor next to a parameter, of the optimizer's own: what it starts from ("parameter": a copy of it), and its shape. */
export interface Slot {
  /** Initial value. */
  readonly start: SlotStart;
  /** The shape of its value. */
  readonly shape: readonly number[];
}
/** A number that fills the slot, or "parameter": a copy of the parameter. */
export type SlotStart = number | "parameter";

/** Parameters and the slots of each. */
export interface OptimizerState {
  /** The parameters' values. */
  readonly parameters: readonly Tensor[];
  /** The slots of each parameter, in the order of the optimizer's. */
  readonly slots: readonly (readonly Tensor[])[];
  /** The parameters' names, for what depends on them. */
  readonly names?: readonly string[];
}

/** @internal @throws ErmineError ERMINE_OPTION where something is no optimizer: its name, or its function, which was not called */
export function checkOptimizer(where: string, value: unknown): asserts value is Optimizer {
  checkCopy(where, value);
  const { update, slots } = (value ?? {}) as Partial<Optimizer>;
  if (typeof update === "function" && typeof slots === "function") return;
  const name = typeof value === "string" ? value : typeof value === "function" ? value.name : "";
  const constructorCall = name === "" ? "adam()" : `${name}()`;
  const imported = typeof value === "string" ? `, with import { ${name} } from "@ermine/trainer"` : "";
  throw new ErmineError("ERMINE_OPTION", `${where} is an optimizer, got ${show(value)}. Write ${constructorCall}${imported}.`);
}

/** @internal Slots that are a start alone have the parameter's shape. */
export const shapedSlots = (
  slots: Readonly<Record<string, SlotStart | Slot>>,
  shape: readonly number[],
): Readonly<Record<string, Slot>> =>
  Object.fromEntries(
    Object.entries(slots).map(([name, slot]) => [name, typeof slot === "object" ? slot : { start: slot, shape }]),
  );
