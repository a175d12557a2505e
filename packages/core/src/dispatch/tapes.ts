/** The running tapes: which of them listen, and what they note. */
import { isDifferentiable, type Attributes, type Op, type OptionalTensors } from "../ir/op.js";
import { checkArguments, checkFunction, checkMapped } from "../types/arguments.js";
import type { Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { keyOf, sameElements } from "../types/views.js";
import { context, within } from "./context.js";
import type { Tape } from "./tape.js";

/** @internal Runs fn with `tape` listening. */
export const withTape = <T>(tape: Tape, fn: () => T): T => within("tapes", [...context.tapes, tape], fn);

/** @internal Runs fn with no tape listening. */
export const pauseTapes = <T>(fn: () => T): T => within("firstTape", context.tapes.length, fn);

/** Runs fn with no gradient recorded: its results are constants to every `valueAndGrad` around it. */
export function noGrad<T>(fn: () => T): T {
  checkFunction("noGrad", fn, "noGrad(() => f(x))");
  if (arguments.length > 1) checkArguments("noGrad", arguments, 1);
  return pauseTapes(fn);
}

/** The same elements, constant to every gradient. */
export function stopGradient<D extends Domain>(t: Tensor<D>): Tensor<D> {
  if (arguments.length > 1) checkMapped("stopGradient", arguments, 1);
  checkTensor("stopGradient", t);
  return sameElements(t);
}

/** @internal Is any tape listening? */
export const tapesListen = (): boolean => context.firstTape < context.tapes.length;

/** @internal Is any tape running, listening or not? */
export const tapesRun = (): boolean => context.tapes.length > 0;

/** @internal Does a listening tape follow what becomes of this tensor? */
export function tapesFollow(t: Tensor): boolean {
  const { tapes, firstTape } = context;
  for (let i = firstTape; i < tapes.length; i++) if (tapes[i]!.watched.has(keyOf(t))) return true;
  return false;
}

/** @internal An inner scope does not free this state while a tape runs. */
export function holdOnTapes(state: object): void {
  for (const tape of context.tapes) tape.held.add(state);
}

/** @internal Does a tape need these elements to walk back? */
export const tapesHold = (state: object): boolean => context.tapes.some((tape) => tape.held.has(state));

/** @internal The innermost listening tape that a gradient through this call flows to. */
export function watchingTape(op: Op, inputs: OptionalTensors): Tape | undefined {
  const { tapes, firstTape } = context;
  for (let i = firstTape; i < tapes.length; i++) if (depends(tapes[i]!, op, inputs)) return tapes[i];
  return undefined;
}

function depends(tape: Tape, op: Op, inputs: OptionalTensors): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const t = inputs[i];
    if (t !== undefined && t.dtype === "float32" && isDifferentiable(op, i) && tape.watched.has(keyOf(t))) return true;
  }
  return false;
}

/** @internal */
export function recordOnTapes(op: Op, inputs: OptionalTensors, outputs: readonly Tensor[], attributes: Attributes): void {
  const { tapes, firstTape, path } = context;
  for (let i = firstTape; i < tapes.length; i++) {
    const tape = tapes[i]!;
    if (!depends(tape, op, inputs)) continue;
    tape.entries.push({ op, inputs, outputs, attributes, path });
    for (const t of inputs) if (t !== undefined) tape.held.add(t.state);
    for (const t of outputs) tape.held.add(t.state);
    for (const t of outputs) if (t.dtype === "float32") tape.watched.add(keyOf(t));
  }
}
