/** Runs two traced branches as one conditional, with the conditional that its gradient is: each branch's gradient over what that branch has kept. */
import { backpropagate, type Seed } from "../autograd/backpropagate.js";
import { dispatch } from "../dispatch/dispatch.js";
import type { OptionalTensors } from "../ir/op.js";
import { zeros } from "../ops/creation.js";
import { typeOf, type Tensor } from "../types/tensor.js";
import { keyOf } from "../types/views.js";
import { BodyTrace, type BodyInput } from "./body.js";
import { conditionalOp } from "./conditional.js";
import { isFloat, keptFor, listeningRules, ordersIn, type Kept } from "./kept.js";

/** A traced branch. */
export interface Branch {
  readonly trace: BodyTrace;
  readonly outputs: readonly Tensor[];
}

/** What the conditional is given for an input that either or both branches have. */
interface Shared {
  readonly outer: Tensor;
  /** Each branch's input; undefined where it has none. */
  readonly inputs: readonly [BodyInput | undefined, BodyInput | undefined];
}

type Both<T> = readonly [whenTrue: T, whenFalse: T];

const ofBoth = <T, R>([whenTrue, whenFalse]: Both<T>, map: (each: T, index: 0 | 1) => R): Both<R> => [
  map(whenTrue, 0),
  map(whenFalse, 1),
];

/**
 * Runs the branch that the condition says, and notes the conditional on the tapes that listen.
 *
 * @param branches with outputs of the same shapes and dtypes
 * @returns the outputs
 */
export function runBranches(condition: Tensor, branches: Both<Branch>): Tensor[] {
  // A tensor from outside that is returned unchanged is an input, too.
  for (const { trace, outputs } of branches) for (const t of outputs) trace.valueOf(t);
  const kept = keptForGradient(branches);
  const inputs = sharedInputs(branches);
  const graphs = ofBoth(branches, ({ trace, outputs }, index) => {
    const feeds = inputs.map((input) => input.inputs[index]?.feed ?? trace.feed("unused", typeOf(input.outer)));
    // What one branch keeps the other does not have.
    const keeps = kept.flatMap(({ all }, of) =>
      of === index ? all : all.map((t) => trace.step(() => zeros(t.shape, { dtype: t.dtype }))),
    );
    return trace.graph([...outputs, ...keeps], feeds);
  });
  const count = branches[0].outputs.length;
  const op = conditionalOp(
    { branches: [graphs[0], graphs[1]] },
    kept.length === 0
      ? undefined
      : (gradOutputs, _, results) => gradientsOf({ condition, branches, inputs, kept, gradOutputs, results }),
  );
  return dispatch(op, [condition, ...inputs.map(({ outer }) => outer)], {}).slice(0, count);
}

/** The inputs of both branches, each tensor from outside once. */
function sharedInputs(branches: Both<Branch>): Shared[] {
  const [ofTrue, ofFalse] = ofBoth(branches, ({ trace }) => byTensor(trace.inputs));
  const tensors = new Map([...ofTrue, ...ofFalse].map(([key, inputs]) => [key, inputs[0]!.outer!]));
  return [...tensors].flatMap(([key, outer]) => {
    const [a, b] = [ofTrue.get(key) ?? [], ofFalse.get(key) ?? []];
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i): Shared => ({ outer, inputs: [a[i], b[i]] }));
  });
}

function byTensor(inputs: readonly BodyInput[]): Map<Tensor, BodyInput[]> {
  const grouped = new Map<Tensor, BodyInput[]>();
  for (const input of inputs) {
    const key = keyOf(input.outer!);
    grouped.set(key, [...(grouped.get(key) ?? []), input]);
  }
  return grouped;
}

/** What the gradient of each branch reads of it; none where nobody asks for a gradient. */
function keptForGradient(branches: Both<Branch>): Both<Kept> | readonly [] {
  const traced = branches.every(({ trace }) => trace.tape !== undefined);
  const orders = traced ? ordersIn(branches.flatMap(({ trace }) => trace.inputs)) : 0;
  if (orders === 0) return [];
  return ofBoth(branches, (branch) => keptFor(orders, (followed, note) => traceBackward(branch, followed, undefined, note)));
}

/** The gradient of a branch, traced. */
interface Backward {
  readonly trace: BodyTrace;
  /** Of the branch's inputs, by their inner tensor; absent where none flows. */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
}

/** Gradients of what a branch puts out: of its outputs, then of what it keeps; undefined while only the body is looked at. */
type GradientAt = ((output: number) => Tensor) | undefined;

/**
 * @param followed of what is kept, the tensors that gradients flow to
 * @param outputOf what the conditional has put out for a tensor of the branch
 */
function traceBackward(
  { trace: forward, outputs }: Branch,
  followed: readonly Tensor[],
  gradientAt: GradientAt,
  outputOf: (t: Tensor) => Tensor | undefined,
): Backward {
  const computed = new Map(forward.sequences.map((input) => [input.inner, input]));
  const trace = new BodyTrace({
    rules: gradientAt === undefined ? undefined : listeningRules(),
    sequences(t) {
      const input = computed.get(keyOf(t));
      if (input !== undefined) return { outer: input.outer };
      if (t.state.kind !== "traced" || t.state.trace !== forward) return undefined;
      return { outer: outputOf(t) };
    },
  });
  return trace.step(() => {
    const seeds: Seed[] = [];
    [...outputs, ...followed].forEach((t, i) => {
      if (!isFloat(t)) return;
      const gradient = trace.sequence({ ...typeOf(t), domain: "real" }, gradientAt?.(i));
      trace.follow(gradient);
      seeds.push([t, gradient]);
    });
    const wanted = forward.inputs.filter(({ outer }) => forward.isFollowed(outer));
    const gradients = backpropagate(
      forward.tape!,
      seeds,
      wanted.map(({ inner }) => inner),
    );
    const flowing = wanted.flatMap(({ inner }, i): [Tensor, Tensor][] =>
      gradients[i] === undefined ? [] : [[inner, gradients[i]]],
    );
    // A tensor from outside that is returned unchanged is an input, too.
    for (const [, gradient] of flowing) trace.valueOf(gradient);
    return { trace, gradients: new Map(flowing) };
  });
}

/** A conditional that has run. */
interface Ran {
  readonly condition: Tensor;
  readonly branches: Both<Branch>;
  readonly inputs: readonly Shared[];
  readonly kept: Both<Kept> | readonly [];
  readonly gradOutputs: readonly Tensor[];
  readonly results: readonly Tensor[];
}

/** The gradients of its inputs, the condition's first. */
function gradientsOf({ condition, branches, inputs, kept, gradOutputs, results }: Ran): OptionalTensors {
  const count = branches[0].outputs.length;
  const firstKept = [count, count + kept[0]!.all.length];
  const backs = ofBoth(branches, (branch, index) => {
    const { all, followed } = kept[index]!;
    const places = new Map(all.map((t, i) => [keyOf(t), firstKept[index]! + i]));
    const gradientAt = (i: number): Tensor => gradOutputs[i < count ? i : firstKept[index]! + i - count]!;
    return traceBackward(branch, followed, gradientAt, (t) => results[places.get(keyOf(t))!]);
  });
  const gradientIn = (index: 0 | 1, input: Shared): Tensor | undefined =>
    input.inputs[index] && backs[index].gradients.get(input.inputs[index].inner);
  const reached = inputs.filter((input) => gradientIn(0, input) !== undefined || gradientIn(1, input) !== undefined);
  const both = ofBoth(backs, ({ trace }, index): Branch => {
    const outputs = reached.map((input) => gradientIn(index, input) ?? trace.step(() => zeros(input.outer.shape)));
    return { trace, outputs };
  });
  const gradients = reached.length === 0 ? [] : runBranches(condition, both);
  return [undefined, ...inputs.map((input) => gradients[reached.indexOf(input)])];
}
