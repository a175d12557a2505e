/** The op that one conditional is, and its meaning: the branch that the condition says, or a selection from both. */
import { context } from "../dispatch/context.js";
import { scope } from "../dispatch/scope.js";
import type { Branches, Conditional, ConditionalNode, ConditionalOp, SmallerConditional } from "../ir/conditional.js";
import { eliminateDead, nodesRead, withFeeds } from "../ir/dead.js";
import type { KernelInput } from "../ir/contract.js";
import type { Graph, FeedNode, Value } from "../ir/graph.js";
import type { Held, Interpreter } from "../ir/loop.js";
import type { GradientRule } from "../ir/op.js";
import { apply1 } from "../ops/apply.js";
import { reshapeOp, whereOp } from "../ops/primitives.js";
import { concrete } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { Storage, TensorType } from "../types/storage.js";
import { eagerState, type Tensor } from "../types/tensor.js";
import { bindingsOf, bindKnown, checkOpenSizes, flopsOf, replay } from "./subgraph.js";

/** The op of a conditional. */
export function conditionalOp(conditional: Conditional, gradient: GradientRule | undefined): ConditionalOp {
  const { branches } = conditional;
  return {
    name: "cond",
    inputs: [
      { name: "condition", dtype: "bool", differentiable: false },
      { name: "values", variadic: true },
    ],
    conditional,
    infer: ([, ...types]) => inferConditional(branches, types as readonly TensorType[]),
    decompose: ([condition, ...inputs]) =>
      isReadable(condition!)
        ? scope(() => taken(branchOf(conditional, condition!.dataSync()), inputs as readonly Tensor[]))
        : selected(branches, condition!, inputs as readonly Tensor[]),
    flops: () => Math.max(...branches.map(flopsOf)),
    ...(gradient === undefined ? {} : { gradient }),
    with(others) {
      if (others.some(({ hostFeeds }) => hostFeeds.length > 0)) {
        throw new ErmineError(
          "ERMINE_UNSUPPORTED",
          "A branch of cond draws random numbers from counters that it computes, and this backend must be fed them. Call withRandom outside of cond.",
        );
      }
      return conditionalOp({ branches: others }, undefined);
    },
    smaller,
    interpret: (...given) => interpretConditional(conditional, ...given),
  };
}

function smaller(
  { op, inputs: [condition, ...inputs], outputs }: ConditionalNode,
  live: ReadonlySet<Value>,
): SmallerConditional | undefined {
  const stays = outputs.map((value) => live.has(value));
  const [whenTrue, whenFalse] = op.conditional.branches.map((branch) =>
    eliminateDead({ ...branch, outputs: branch.outputs.filter((_, i) => stays[i]) }),
  ) as [Graph, Graph];
  const read = new Set([...nodesRead(whenTrue), ...nodesRead(whenFalse)]);
  const isRead = inputs.map((_, i) => read.has(whenTrue.feeds[i]!) || read.has(whenFalse.feeds[i]!));
  if (!stays.includes(false) && !isRead.includes(false)) return undefined;
  return {
    op: op.with([withFeeds(whenTrue, isRead), withFeeds(whenFalse, isRead)]),
    inputs: [condition, ...inputs.filter((_, i) => isRead[i])],
    outputs: outputs.filter((_, i) => stays[i]),
  };
}

const branchOf = ({ branches: [whenTrue, whenFalse] }: Conditional, condition: ArrayLike<number>): Graph =>
  condition[0] === 0 ? whenFalse : whenTrue;

/** Is its value there, to be read at once? */
function isReadable(condition: Tensor): boolean {
  if (context.trace !== undefined) return false;
  const { host, backend } = eagerState(condition, "cond");
  return host !== undefined || backend?.readSync !== undefined;
}

function inferConditional([whenTrue, whenFalse]: Branches, types: readonly TensorType[]): TensorType[] {
  const bindings = bindingsOf(
    "cond",
    whenTrue.feeds.map(({ outputs }) => outputs[0]!.type.shape),
    types,
  );
  for (const branch of [whenTrue, whenFalse]) checkOpenSizes(branch, bindings);
  return whenTrue.outputs.map(({ type: { shape, dtype, domain } }, i) => ({
    shape: bindKnown(shape, bindings),
    dtype,
    domain: whenFalse.outputs[i]!.type.domain === domain ? domain : "real",
  }));
}

/** The branch's outputs, each with elements of its own: who disposes of one keeps what the branch was given, and the others. */
function taken(branch: Graph, inputs: readonly Tensor[]): Tensor[] {
  const held = new Set<object>(inputs.map(({ state }) => state));
  return replay(branch)(inputs).map((t, i) => {
    const isShared = branch.outputs[i]!.node.kind !== "op" || held.has(t.state);
    const output = isShared ? apply1(reshapeOp, [t], { shape: t.shape }) : t;
    held.add(output.state);
    return output;
  });
}

/** Both branches, and of each output that of the one that is taken. */
function selected(branches: Branches, condition: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const [whenTrue, whenFalse] = branches.map((branch) => replay(branch)(inputs)) as [Tensor[], Tensor[]];
  return whenTrue.map((t, i) => apply1(whereOp, [condition, t, whenFalse[i]!], {}));
}

function interpretConditional(
  conditional: Conditional,
  { backend, allOrNone, evaluate }: Interpreter,
  [condition, ...inputs]: readonly KernelInput[],
  outputs: readonly Value[],
): readonly Storage[] {
  const run = (branch: Graph): readonly Storage[] => {
    const positions = new Map(branch.feeds.map((node, i) => [node, i]));
    return evaluate(branch, (node: FeedNode): Held => ({ storage: inputs[positions.get(node)!]!.storage, owned: false }));
  };
  if (backend.readSync !== undefined) return run(branchOf(conditional, backend.readSync(condition!.storage)));
  const both: Storage[] = [];
  try {
    for (const branch of conditional.branches) both.push(...run(branch));
    return allOrNone(
      outputs.map(({ type: { dtype, shape: sizes } }, i) => () => {
        const shape = concrete(sizes);
        const [a, b] = [both[i]!, both[outputs.length + i]!].map((storage): KernelInput => ({ storage, shape, dtype }));
        return backend.kernels["where"]!([condition, a, b], {}, [{ shape, dtype }])[0]!;
      }),
    );
  } finally {
    for (const storage of both) backend.release(storage);
  }
}
