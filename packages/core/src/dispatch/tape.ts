/**
 * Reverse mode. A tape notes the ops whose inputs depend on what it watches; `backpropagate` walks it backwards, calling each
 * op's gradient rule. The rules are written in ops, so an outer tape differentiates them again.
 */
import type { Attributes } from "../ir/contract.js";
import { ErmineError } from "../types/errors.js";
import { currentPath, withPath } from "./trace.js";
import { apply1, identity, type Op, type OptionalTensors } from "./dispatch.js";
import type { Tensor } from "../types/tensor.js";

interface Entry {
  readonly op: Op;
  readonly inputs: OptionalTensors;
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** The module that asked for it: its gradient belongs there too. */
  readonly path: string;
}

/** @internal */
export class Tape {
  readonly entries: Entry[] = [];
  readonly watched = new Set<Tensor>();
  /** The states that its entries need: an inner scope does not free them. */
  readonly held = new Set<object>();
}

const tapes: Tape[] = [];
/** Tapes before this one do not listen: `noGrad` sets it, so that a tape started inside of it still listens. */
let first = 0;

/** @internal Runs fn with `tape` listening. */
export function withTape<T>(tape: Tape, fn: () => T): T {
  tapes.push(tape);
  try {
    return fn();
  } finally {
    tapes.pop();
  }
}

/** @internal Runs fn with no tape listening. */
export function pauseTapes<T>(fn: () => T): T {
  const outer = first;
  first = tapes.length;
  try {
    return fn();
  } finally {
    first = outer;
  }
}

/** @internal Is any tape listening? */
export const tapesListen = (): boolean => first < tapes.length;

/** @internal Is any tape running, listening or not? */
export const tapesRun = (): boolean => tapes.length > 0;

/** @internal Does a listening tape follow what becomes of this tensor? */
export function tapesFollow(t: Tensor): boolean {
  for (let i = first; i < tapes.length; i++) if (tapes[i]!.watched.has(identity(t))) return true;
  return false;
}

/** @internal An inner scope does not free this state while a tape runs. */
export function holdOnTapes(state: object): void {
  for (const tape of tapes) tape.held.add(state);
}

/** @internal Does a tape need these numbers to walk back? */
export const tapesHold = (state: object): boolean => tapes.some((tape) => tape.held.has(state));

const flows = (op: Op, position: number): boolean =>
  (op.inputs[Math.min(position, op.inputs.length - 1)]?.differentiable ?? true) !== false;

/** @internal Does a gradient flow through this call? */
export function tapesWatch(op: Op, inputs: OptionalTensors): boolean {
  for (let i = first; i < tapes.length; i++) if (depends(tapes[i]!, op, inputs)) return true;
  return false;
}

function depends(tape: Tape, op: Op, inputs: OptionalTensors): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const t = inputs[i];
    if (t !== undefined && t.dtype === "float32" && flows(op, i) && tape.watched.has(identity(t))) return true;
  }
  return false;
}

/** @internal */
export function recordOnTapes(op: Op, inputs: OptionalTensors, outputs: readonly Tensor[], attributes: Attributes): void {
  for (let i = first; i < tapes.length; i++) {
    const tape = tapes[i]!;
    if (!depends(tape, op, inputs)) continue;
    tape.entries.push({ op, inputs, outputs, attributes, path: currentPath() });
    for (const t of inputs) if (t !== undefined) tape.held.add(t.state);
    for (const t of outputs) tape.held.add(t.state);
    for (const t of outputs) if (t.dtype === "float32") tape.watched.add(identity(t));
  }
}

/** What lookups in a table leave of its gradient. */
export interface Lookup {
  readonly indices: Tensor;
  readonly rows: Tensor;
}

/**
 * @internal Gradients of Σ output · gradOutput with respect to `sources`; undefined where none flows.
 *
 * @param lookups for tables whose gradient may be rows: filled with those of lookups, which are then not part of what is returned
 */
export function backpropagate(
  tape: Tape,
  output: Tensor,
  gradOutput: Tensor,
  sources: readonly Tensor[],
  add: Op,
  lookups?: ReadonlyMap<Tensor, Lookup[]>,
): (Tensor | undefined)[] {
  const gradients = new Map<Tensor, Tensor>([[identity(output), gradOutput]]);
  for (let k = tape.entries.length - 1; k >= 0; k--) {
    const { op, inputs, outputs, attributes, path } = tape.entries[k]!;
    const gradOutputs = outputs.map((t) => gradients.get(identity(t)));
    if (gradOutputs.every((g) => g === undefined)) continue;
    if (op.gradient === undefined) throw new ErmineError("ERMINE_UNSUPPORTED", `${op.name} has no gradient.`);
    const complete = outputs.map((t, i) => gradOutputs[i] ?? zerosLike(t));
    const needed = inputs.map(
      (t, i) => t !== undefined && t.dtype === "float32" && flows(op, i) && tape.watched.has(identity(t)),
    );
    const looked = lookups !== undefined && needed[0] === true ? lookups.get(identity(inputs[0]!)) : undefined;
    const lookup = looked === undefined ? undefined : withPath(path, () => op.rowGradient?.(complete[0]!, inputs, attributes));
    if (lookup !== undefined) {
      looked!.push(lookup);
      continue;
    }
    const rule = op.gradient;
    const found = withPath(path, () => rule.call(op, complete, inputs, outputs, attributes, needed));
    inputs.forEach((t, i) => {
      const gradient = found[i];
      if (t === undefined || gradient === undefined || !needed[i]) return;
      const sum = gradients.get(identity(t));
      gradients.set(identity(t), sum === undefined ? gradient : apply1(add, [sum, gradient], {}));
    });
  }
  return sources.map((t) => gradients.get(identity(t)));
}

let zeros: ((like: Tensor) => Tensor) | undefined;
/** @internal Set by creation.ts, which needs this module itself. */
export function provideZeros(fn: (like: Tensor) => Tensor): void {
  zeros = fn;
}
const zerosLike = (t: Tensor): Tensor => zeros!(t);
