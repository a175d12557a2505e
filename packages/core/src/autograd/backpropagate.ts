/**
 * Reverse mode: walks a tape backwards, calling each op's gradient rule. The rules are written in ops, so an outer tape differentiates them
 * again.
 */
import { withPath } from "../dispatch/context.js";
import type { Tape, TapeEntry } from "../dispatch/tape.js";
import { isDifferentiable } from "../ir/op.js";
import { apply1 } from "../ops/apply.js";
import { zerosLike } from "../ops/creation.js";
import { addOp } from "../ops/primitives.js";
import { ErmineError } from "../types/errors.js";
import type { Tensor } from "../types/tensor.js";
import { keyOf } from "../types/views.js";

/** The gradient of a table by its looked-up rows. */
export interface Lookup {
  readonly indices: Tensor;
  readonly rows: Tensor;
}

/** A tensor that the walk begins at, and the gradient with respect to it. */
export type Seed = readonly [output: Tensor, gradient: Tensor];

/** Gradients that the walk leaves to its caller. */
export interface Exceptions {
  /** For tables whose gradient may be rows: filled with those of lookups, which are then not part of what is returned. */
  readonly lookups?: ReadonlyMap<Tensor, Lookup[]>;
  /** The positions of an entry's inputs whose gradients the caller takes from here: they are not part of what is returned. */
  postponed?(entry: TapeEntry, gradOutputs: readonly Tensor[], needed: readonly boolean[]): readonly number[];
}

/** @internal Gradients of Σ output · gradient over the seeds with respect to `sources`; undefined where none flows. */
export function backpropagate(
  tape: Tape,
  seeds: readonly Seed[],
  sources: readonly Tensor[],
  exceptions: Exceptions = {},
): (Tensor | undefined)[] {
  const gradients = new Map<Tensor, Tensor>();
  const flowTo = (t: Tensor, gradient: Tensor): void => {
    const sum = gradients.get(keyOf(t));
    gradients.set(keyOf(t), sum === undefined ? gradient : apply1(addOp, [sum, gradient], {}));
  };
  for (const [output, gradient] of seeds) flowTo(output, gradient);
  for (let k = tape.entries.length - 1; k >= 0; k--) {
    const entry = tape.entries[k]!;
    const { op, inputs, outputs, attributes, path } = entry;
    const gradOutputs = outputs.map((t) => gradients.get(keyOf(t)));
    if (gradOutputs.every((g) => g === undefined)) continue;
    const rule = tape.rules.ruleOf(op);
    if (rule === undefined) throw new ErmineError("ERMINE_UNSUPPORTED", `${op.name} has no gradient.`);
    const complete = outputs.map((t, i) => gradOutputs[i] ?? (op.residuals?.includes(i) ? undefined : zerosLike(t))) as Tensor[];
    const needed = inputs.map(
      (t, i) => t !== undefined && t.dtype === "float32" && isDifferentiable(op, i) && tape.watched.has(keyOf(t)),
    );
    const looked = needed[0] === true ? exceptions.lookups?.get(keyOf(inputs[0]!)) : undefined;
    const lookup =
      looked === undefined
        ? undefined
        : withPath(path, () => tape.rules.rowRuleOf(op)?.(complete[0]!, inputs, attributes, outputs));
    if (lookup !== undefined) {
      looked!.push(lookup);
      needed[0] = false;
      if (!needed.includes(true)) continue;
    }
    if (exceptions.postponed !== undefined) {
      for (const position of exceptions.postponed(entry, complete, needed)) needed[position] = false;
      if (!needed.includes(true)) continue;
    }
    const inputGradients = withPath(path, () => rule(complete, inputs, outputs, attributes, needed));
    inputs.forEach((t, i) => {
      const gradient = inputGradients[i];
      if (t !== undefined && gradient !== undefined && needed[i]) flowTo(t, gradient);
    });
  }
  return sources.map((t) => gradients.get(keyOf(t)));
}
