/** Runs a traced body as a loop, with the loop that its gradient is: from the last step to the first, over what the steps have kept. */
import { backpropagate, type Seed } from "../autograd/backpropagate.js";
import { dispatch } from "../dispatch/dispatch.js";
import type { TapeEntry } from "../dispatch/tape.js";
import type { OptionalTensors } from "../ir/op.js";
import { apply1 } from "../ops/apply.js";
import { zeros } from "../ops/creation.js";
import { addOp } from "../ops/primitives.js";
import { Tensor, typeOf } from "../types/tensor.js";
import { keyOf } from "../types/views.js";
import { BodyTrace } from "./body.js";
import { isFloat, keptFor, listeningRules, ordersIn, type Kept } from "./kept.js";
import { loopOp } from "./loop.js";
import { overAllSteps, type SharedProduct } from "./shared.js";

/** A traced body. */
export interface Body {
  readonly trace: BodyTrace;
  /** The next state, one tensor for each of `trace.carried`. */
  readonly next: readonly Tensor[];
  /** The outputs, stacked over the steps. */
  readonly outputs: readonly Tensor[];
  readonly reverse: boolean;
}

/** The result of a loop. */
export interface Ran {
  readonly carry: readonly Tensor[];
  readonly stacked: readonly Tensor[];
}

/** Runs the loop, and notes it on the tapes that listen. */
export function runLoop(body: Body): Ran {
  const { trace, next, outputs, reverse } = body;
  // A tensor from outside that is returned unchanged is an input, too.
  for (const t of [...next, ...outputs]) trace.valueOf(t);
  const residuals = keptForGradient(body);
  const graph = trace.graph([...next, ...outputs, ...(residuals?.all ?? [])]);
  const loopInputs = trace.inputs.map(({ outer }) => outer!);
  const loop = { body: graph, carried: next.length, sequences: trace.sequences.length, length: trace.length, reverse };
  const op = loopOp(
    loop,
    residuals === undefined
      ? undefined
      : (gradOutputs, inputs, results) => {
          const stacks = new Map(residuals.all.map((t, i) => [keyOf(t), results[next.length + outputs.length + i]!]));
          return gradientsOf(body, residuals.followed, gradOutputs, inputs, stacks);
        },
  );
  const results = dispatch(op, loopInputs, {});
  return { carry: results.slice(0, next.length), stacked: results.slice(next.length, next.length + outputs.length) };
}

/** undefined where nobody asks for a gradient. */
function keptForGradient(body: Body): Kept | undefined {
  const orders = body.trace.tape === undefined ? 0 : ordersIn(body.trace.inputs);
  return orders === 0 ? undefined : keptFor(orders, (followed, note) => traceBackward(body, followed, undefined, note));
}

/** One step of the gradient, traced. */
interface Backward extends Body {
  /** Of the forward body's inputs that get a gradient: where it is. */
  readonly carried: ReadonlyMap<Tensor, number>;
  readonly sequences: ReadonlyMap<Tensor, number>;
  readonly captured: ReadonlyMap<Tensor, number>;
  readonly products: readonly (SharedProduct & { readonly at: number })[];
}

/** Gradients of the loop's outputs, by their position; undefined while only the body is looked at. */
type GradientAt = ((output: number) => Tensor) | undefined;

/**
 * @param residuals of what is kept, the tensors that gradients flow to
 * @param stackOf all steps of a tensor of the forward body
 */
function traceBackward(
  body: Body,
  residuals: readonly Tensor[],
  gradientAt: GradientAt,
  stackOf: (t: Tensor) => Tensor | undefined,
): Backward {
  const { trace: forward, next, outputs } = body;
  const inputs = new Map(forward.sequences.map((input) => [input.inner, input]));
  const trace = new BodyTrace({
    length: forward.length,
    rules: gradientAt === undefined ? undefined : listeningRules(),
    sequences(t) {
      const input = inputs.get(keyOf(t));
      if (input !== undefined) return { outer: input.outer };
      if (t.state.kind !== "traced" || t.state.trace !== forward) return undefined;
      return { outer: stackOf(t) };
    },
  });
  return trace.step(() => {
    const carriedFloats = forward.carried.flatMap(({ inner }, i) => (isFloat(inner) && isFloat(next[i]!) ? [i] : []));
    const seeds: Seed[] = [];
    const toNext = carriedFloats.map((i) => {
      const g = trace.carry({ ...typeOf(next[i]!), domain: "real" }, gradientAt?.(i));
      seeds.push([next[i]!, g]);
      return g;
    });
    [...outputs, ...residuals].forEach((t, k) => {
      if (!isFloat(t)) return;
      const g = trace.sequence({ ...typeOf(t), domain: "real" }, gradientAt?.(next.length + k));
      seeds.push([t, g]);
    });
    for (const g of [...toNext, ...trace.sequences.map(({ feed }) => feed)]) trace.follow(g);
    const products: SharedProduct[] = [];
    const isStep = (t: Tensor): boolean => inputs.has(keyOf(t)) || (t.state.kind === "traced" && t.state.trace === forward);
    const isShared = (t: Tensor): boolean => forward.shared.has(keyOf(t));
    const postponed = (entry: TapeEntry, [g]: readonly Tensor[], needed: readonly boolean[]): readonly number[] => {
      const product = overAllSteps(entry, needed, isStep, isShared);
      if (product === undefined) return [];
      // The steps of what was multiplied are an input, not a result, of the loop back.
      trace.valueOf(product.operand);
      products.push({ ...product, gradient: g! });
      return product.positions;
    };
    const wantedSequences = forward.sequences.filter(({ outer }) => forward.isFollowed(outer));
    const wantedCaptured = [...forward.shared.values()].filter(({ outer }) => forward.isFollowed(outer));
    const sources = [
      ...carriedFloats.map((i) => forward.carried[i]!.inner),
      ...wantedSequences.map(({ inner }) => inner),
      ...wantedCaptured.map(({ inner }) => inner),
    ];
    const gradients = backpropagate(forward.tape!, seeds, sources, { postponed });
    const toSequences = gradients.slice(carriedFloats.length, carriedFloats.length + wantedSequences.length);
    const toCaptured = gradients.slice(carriedFloats.length + wantedSequences.length);
    const nextBack = toNext.map((g, k) => gradients[k] ?? zeros(g.shape));
    const captured = new Map<Tensor, number>();
    toCaptured.forEach((gradient, k) => {
      if (gradient === undefined) return;
      const { inner, outer } = wantedCaptured[k]!;
      // Added up from step to step.
      const type = { ...typeOf(outer!), domain: "real" } as const;
      const sum = trace.carry(type, gradientAt === undefined ? undefined : trace.outside(() => zeros(type.shape)));
      trace.follow(sum);
      captured.set(inner, nextBack.push(apply1(addOp, [sum, gradient], {})) - 1);
    });
    const stacked: Tensor[] = [];
    const sequences = new Map<Tensor, number>();
    toSequences.forEach((gradient, k) => {
      if (gradient !== undefined) sequences.set(wantedSequences[k]!.inner, stacked.push(gradient) - 1);
    });
    const atEnd = products.map((product) => ({ ...product, at: stacked.push(product.gradient) - 1 }));
    const carried = new Map(carriedFloats.map((i, k) => [forward.carried[i]!.inner, k]));
    return { trace, next: nextBack, outputs: stacked, reverse: !body.reverse, carried, sequences, captured, products: atEnd };
  });
}

/** The gradients of the loop's inputs. */
function gradientsOf(
  body: Body,
  followed: readonly Tensor[],
  gradOutputs: readonly Tensor[],
  inputs: OptionalTensors,
  stacks: ReadonlyMap<Tensor, Tensor>,
): OptionalTensors {
  const { trace: forward } = body;
  const stackOf = (t: Tensor): Tensor | undefined => stacks.get(keyOf(t));
  const back = traceBackward(body, followed, (i) => gradOutputs[i]!, stackOf);
  const ran = runLoop(back);
  return forward.inputs.map(({ inner, outer }, i): Tensor | undefined => {
    if (i < forward.carried.length) {
      const at = back.carried.get(inner);
      return at === undefined ? undefined : ran.carry[at];
    }
    const at = back.sequences.get(inner);
    if (at !== undefined) return ran.stacked[at];
    const sum = back.captured.get(inner);
    const parts = sum === undefined ? [] : [ran.carry[sum]!];
    for (const product of back.products) {
      const operand =
        forward.sequences.find((input) => input.inner === keyOf(product.operand))?.outer ?? stackOf(product.operand);
      const gradient = product.apply(ran.stacked[product.at]!, operand!, inputs[i]!, forward.tape!.rules, outer!);
      if (gradient !== undefined) parts.push(gradient);
    }
    return parts.length === 0 ? undefined : parts.reduce((a, b) => apply1(addOp, [a, b], {}));
  });
}
