/** What a traced body keeps for its gradient. */
import { context } from "../dispatch/context.js";
import { tapesListen } from "../dispatch/tapes.js";
import type { GradientRules, Tape } from "../dispatch/tape.js";
import type { Tensor } from "../types/tensor.js";
import { keyOf } from "../types/views.js";
import { ordersOf, type BodyInput } from "./body.js";

export const isFloat = (t: Tensor): boolean => t.dtype === "float32";

/** The rules of the tapes that listen, for what a body must note; undefined: nobody asks for gradients. */
export const listeningRules = (): GradientRules | undefined => (tapesListen() ? context.tapes.at(-1)!.rules : undefined);

/** How often what has these inputs is differentiated. */
export function ordersIn(inputs: readonly BodyInput[]): number {
  const { tapes, firstTape } = context;
  const follows = (tape: Tape): boolean =>
    inputs.some(({ outer }) => outer !== undefined && isFloat(outer) && tape.watched.has(keyOf(outer)));
  return ordersOf(tapes.slice(firstTape).filter(follows));
}

/** Tensors of a body that are outputs for its gradient. */
export interface Kept {
  readonly all: readonly Tensor[];
  /** Those that gradients flow to: of a gradient that is itself differentiated. */
  readonly followed: readonly Tensor[];
}

/**
 * The values of a body that its gradient reads, found by tracing the gradient. Where it is differentiated more than once, gradients flow to what is kept, too.
 *
 * @param trace traces the gradient, with gradients that flow to `followed`, and notes each tensor of the body that it reads
 */
export function keptFor(orders: number, trace: (followed: readonly Tensor[], note: (t: Tensor) => undefined) => void): Kept {
  let all: readonly Tensor[] = [];
  for (;;) {
    const read = new Map<Tensor, Tensor>(all.map((t) => [keyOf(t), t]));
    trace(orders === 1 ? [] : all, (t) => {
      read.set(keyOf(t), t);
      return undefined;
    });
    if (orders === 1) return { all: [...read.values()], followed: [] };
    if (read.size === all.length) return { all, followed: all };
    all = [...read.values()];
  }
}
