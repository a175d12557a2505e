/**
 * Fusion: pointwise ops of one size that feed each other become one chain (lower/chain.ts), with the shapes between them (reshape,
 * broadcastTo, slices, fills) as views of what they read. Nothing is rounded otherwise than op by op.
 */
import {
  type ConstantNode,
  type FeedNode,
  type Graph,
  type Node,
  type OpNode,
  type Value,
  type VariableNode,
  isLoop,
  mapSubgraphs,
  mulOp,
  withNodes,
} from "@ermine/core/backend";
import { chainOp, type Chain, type ChainStep, type Source, type View } from "../lower/chain.js";
import { loweringOf } from "../lower/index.js";
import { tableUpdateOp } from "../lower/updates.js";
import { broadcastStrides, contiguous, sizeOf } from "../lower/operand.js";
import { clusters, type Candidate } from "./clusters.js";
import { combine } from "./combine.js";
import { inputsRead, stepOf } from "./kernelInputs.js";
import { neededFirst } from "./phases.js";
import { inRowParts } from "./rowParts.js";

/** The nodes that one of the program's is made of: itself, or those that it was fused of. */
export const madeOf = (node: OpNode): readonly OpNode[] =>
  node.op === chainOp || node.op === tableUpdateOp ? (node.attributes["members"] as readonly OpNode[]) : [node];

const shapeOf = (value: Value): readonly number[] => value.type.shape as readonly number[];
const countOf = (value: Value): number => sizeOf(shapeOf(value));

/** The value that a view reads, and its strides. */
interface SourceView {
  readonly base: Value;
  readonly view: View;
}

/** @param graph one whose sizes are numbers */
export function fuse(graph: Graph): Graph {
  const first = neededFirst(graph);
  const candidates = new Map<Node, Candidate>();
  const viewsOf = new Map<Node, readonly SourceView[]>();
  const views = new Map<Value, SourceView>();
  const look = (value: Value): SourceView => {
    const cached = views.get(value);
    if (cached !== undefined) return cached;
    const view = viewOf(value, look);
    views.set(value, view);
    return view;
  };
  const live = reachable(endsOf(graph), viewsOf, new Map());
  graph.nodes.forEach((node, position) => {
    const step = stepOf(node);
    if (step === undefined || node.kind !== "op" || !live.has(node)) return;
    const [out] = node.outputs;
    const count = countOf(out!);
    if (count === 0) return;
    const operands = step.reads.map((i) => readUnder(node.inputs[i]!, shapeOf(out!), look));
    viewsOf.set(node, operands);
    candidates.set(node, { node, step, position, count, early: first.has(node), joins: joinsOf(operands, count) });
  });
  const groups = clusters(graph, candidates, (node) => dependencies(node, viewsOf));
  return rewrite(graph, candidates, viewsOf, groups);
}

/** The nodes whose numbers a node reads, through views where it is a candidate. */
function dependencies(node: Node, viewsOf: ReadonlyMap<Node, readonly SourceView[]>): Node[] {
  const nodeViews = viewsOf.get(node);
  if (nodeViews !== undefined) return nodeViews.map(({ base }) => base.node);
  return node.kind === "op" ? inputsRead(node).flatMap((value) => (value === undefined ? [] : [value.node])) : [];
}

/** The values that a graph is run for. */
const endsOf = ({ outputs, updates, commit }: Graph): Value[] => [
  ...outputs,
  ...updates.map(({ value }) => value),
  ...(commit === undefined ? [] : [commit]),
];

/** The values that a node reads element by element: those could be steps of the same chain. */
const joinsOf = (operands: readonly SourceView[], count: number): Value[] =>
  operands.flatMap(({ base, view }) => (isWhole(view, base, count) ? [base] : []));

const isWhole = (view: View, base: Value, count: number): boolean =>
  countOf(base) === count && view.offset === 0 && isContiguous(view);

function isContiguous({ shape, strides }: View): boolean {
  const dense = contiguous(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === dense[axis]);
}

const whole = (value: Value): SourceView => ({
  base: value,
  view: { offset: 0, shape: shapeOf(value), strides: contiguous(shapeOf(value)) },
});

/** The view that `value` is of another value: shapes, repetitions and slices are only another way to read. */
function viewOf(value: Value, look: (value: Value) => SourceView): SourceView {
  const { node } = value;
  if (node.kind !== "op" || countOf(value) === 0) return whole(value);
  const shape = shapeOf(value);
  const lowering = loweringOf(node.op);
  if (lowering?.constant !== undefined && value.type.dtype === "float32")
    return constant(node, shape, lowering.constant(node.attributes));
  const [input] = node.inputs;
  if (input === undefined) return whole(value);
  if (node.op === mulOp && value.type.dtype === "float32") {
    const [a, b] = node.inputs as readonly [Value, Value];
    const other = isOne(look(b)) ? a : isOne(look(a)) ? b : undefined;
    return other === undefined ? whole(value) : readUnder(other, shape, look);
  }
  const view = lowering?.view?.(shapeOf(input), shape, node.attributes);
  return (view && through(look(input), { ...view, shape })) ?? whole(value);
}

/** The composition of two views; undefined where a chain cannot read it in one go. */
function through({ base, view: inner }: SourceView, outer: View): SourceView | undefined {
  const view = isContiguous(inner) ? { ...outer, offset: inner.offset + outer.offset } : composed(inner, outer);
  return view !== undefined && isReadable(view) ? { base, view } : undefined;
}

/** The axis of `inner` along which each of `outer`'s goes, where there is one. */
function composed(inner: View, outer: View): View | undefined {
  const dense = contiguous(inner.shape);
  let rest = outer.offset;
  // The last index along each of inner's axes.
  const reach = dense.map((step) => {
    const at = Math.floor(rest / step);
    rest -= at * step;
    return at;
  });
  const offset = inner.offset + reach.reduce((sum, at, axis) => sum + at * inner.strides[axis]!, 0);
  const strides = outer.shape.map((size, axis) => {
    const step = outer.strides[axis]!;
    if (size === 1 || step === 0) return 0;
    const along = dense.findIndex((each, i) => inner.shape[i]! > 1 && step % each === 0);
    if (along < 0) return NaN;
    const each = step / dense[along]!;
    reach[along]! += (size - 1) * each;
    return each * inner.strides[along]!;
  });
  const inside = reach.every((at, axis) => at < inner.shape[axis]!) && strides.every((stride) => !Number.isNaN(stride));
  return inside ? { offset, shape: outer.shape, strides } : undefined;
}

/** Do elements along the last axis lie side by side, or are they one element? */
function isReadable({ shape, strides }: View): boolean {
  const inner = shape.findLastIndex((size) => size > 1);
  return inner < 0 || strides[inner]! <= 1;
}

/** A fill is one element. */
function constant(node: OpNode, shape: readonly number[], value: number): SourceView {
  const outputs: Value[] = [];
  const constant: ConstantNode = {
    kind: "constant",
    id: node.id,
    path: node.path,
    outputs,
    data: Float32Array.of(value),
    storage: undefined,
    owner: undefined,
  };
  const base: Value = { node: constant, index: 0, type: { shape: [], dtype: "float32", domain: "real" } };
  outputs.push(base);
  return { base, view: { offset: 0, shape, strides: shape.map(() => 0) } };
}

/** The initial gradient, 1: a product with it changes no bit. */
const isOne = ({ base: { node } }: SourceView): boolean =>
  node.kind === "constant" && node.data?.length === 1 && node.data[0] === 1;

/** `value` as an operand of a result of that shape. */
function readUnder(value: Value, shape: readonly number[], look: (value: Value) => SourceView): SourceView {
  const { base, view } = look(value);
  const lead = shape.length - view.shape.length;
  const strides = shape.map((_, axis) => (axis < lead || view.shape[axis - lead] === 1 ? 0 : view.strides[axis - lead]!));
  const read: SourceView = { base, view: { offset: view.offset, shape, strides } };
  // As many numbers as the result, yet not at its places: a backend that reuses the block would overwrite what is still to be read.
  if (countOf(base) === sizeOf(shape) && sizeOf(shape) > 1 && !isWhole(read.view, base, sizeOf(shape)))
    return { base: value, view: { offset: 0, shape, strides: broadcastStrides(shapeOf(value), shape) } };
  return read;
}

type Group = readonly Candidate[];

/** The graph with each group as one node, without the nodes that nobody reads any more. */
function rewrite(
  graph: Graph,
  candidates: ReadonlyMap<Node, Candidate>,
  viewsOf: ReadonlyMap<Node, readonly SourceView[]>,
  groups: readonly Group[],
): Graph {
  const groupOf = new Map<Node, Group>();
  for (const group of groups) if (isProfitable(group, viewsOf)) for (const { node } of group) groupOf.set(node, group);
  const outside = escaping(graph, viewsOf, groupOf, candidates);
  const nodes: Node[] = [];
  const replacements = new Map<Value, Value>();
  const done = new Set<Node | Group>();

  const keep = (node: Node): void => {
    if (done.has(node)) return;
    done.add(node);
    const group = groupOf.get(node);
    if (group !== undefined) return build(group);
    if (node.kind !== "op") return add(node, node.outputs, (outputs) => ({ ...node, outputs }));
    const reads = candidates.get(node)?.step.reads;
    const inputs = inputsRead(node).map((value, i) => (reads === undefined || reads.includes(i) ? value : undefined));
    for (const value of inputs) if (value !== undefined) keep(value.node);
    const op = isLoop(node) ? inRowParts(node.op, fuse) : mapSubgraphs(node.op, fuse);
    add(node, node.outputs, (outputs) => ({
      ...node,
      op,
      outputs,
      inputs: inputs.map((value) => value && replacements.get(value)!),
    }));
  };

  function add(
    node: Node,
    values: readonly Value[],
    make: (outputs: readonly Value[]) => OpNode | FeedNode | VariableNode | ConstantNode,
  ): void {
    const outputs: Value[] = [];
    const copy = make(outputs);
    values.forEach((value, index) => {
      const next: Value = { node: copy, index, type: value.type };
      outputs.push(next);
      replacements.set(value, next);
    });
    nodes.push(copy);
  }

  function build(group: Group): void {
    if (done.has(group)) return;
    done.add(group);
    const members = new Set<Node>(group.map(({ node }) => node));
    for (const { node } of group) {
      for (const { base } of viewsOf.get(node)!) if (!members.has(base.node)) keep(base.node);
    }
    const { chain, inputs, outputs } = assemble(group, members, viewsOf, outside);
    const last = group.at(-1)!.node as OpNode;
    add(last, outputs, (values) => ({
      kind: "op",
      id: last.id,
      path: last.path,
      op: chainOp,
      attributes: { chain, members: group.map(({ node }) => node) },
      inputs: inputs.map((value) => replacements.get(value)!),
      outputs: values,
    }));
  }

  for (const feed of graph.feeds) keep(feed);
  const needed = reachable(endsOf(graph), viewsOf, groupOf);
  const ends = new Map<Group, number>();
  for (const group of groups) ends.set(group, Math.max(...group.map(({ position }) => position)));
  graph.nodes.forEach((node, position) => {
    if (!needed.has(node)) return;
    const group = groupOf.get(node);
    if (group === undefined || ends.get(group) === position) keep(node);
  });
  const look = (value: Value): Value => replacements.get(value)!;
  return withNodes(graph, nodes, look);
}

/** One op alone stays what it is, unless it reads through a view. */
function isProfitable(group: Group, viewsOf: ReadonlyMap<Node, readonly SourceView[]>): boolean {
  if (group.length > 1) return true;
  const [{ node, step }] = group as readonly [Candidate];
  return step.reads.some((input, i) => (node as OpNode).inputs[input] !== viewsOf.get(node)![i]!.base);
}

/** Values that somebody outside of their own group reads. */
function escaping(
  graph: Graph,
  viewsOf: ReadonlyMap<Node, readonly SourceView[]>,
  groupOf: ReadonlyMap<Node, Group>,
  candidates: ReadonlyMap<Node, Candidate>,
): Set<Value> {
  const result = new Set<Value>([...graph.outputs, ...graph.updates.map(({ value }) => value)]);
  if (graph.commit !== undefined) result.add(graph.commit);
  const roots = [...result];
  const needed = reachable(roots, viewsOf, groupOf);
  for (const node of graph.nodes) {
    if (node.kind !== "op" || !needed.has(node)) continue;
    const group = groupOf.get(node);
    if (group === undefined) {
      const reads = candidates.get(node)?.step.reads;
      inputsRead(node).forEach((value, i) => {
        if (value !== undefined && (reads === undefined || reads.includes(i))) result.add(value);
      });
    } else {
      for (const { base } of viewsOf.get(node)!) if (groupOf.get(base.node) !== group) result.add(base);
    }
  }
  return result;
}

/** The nodes that the roots need when groups read through views. */
function reachable(
  roots: readonly Value[],
  viewsOf: ReadonlyMap<Node, readonly SourceView[]>,
  groupOf: ReadonlyMap<Node, Group>,
): Set<Node> {
  const reached = new Set<Node>();
  const pending = roots.map(({ node }) => node);
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (reached.has(node)) continue;
    reached.add(node);
    const group = groupOf.get(node);
    if (group !== undefined) {
      for (const member of group) if (!reached.has(member.node)) pending.push(member.node);
      for (const { base } of viewsOf.get(node)!) pending.push(base.node);
    } else if (node.kind === "op") {
      for (const value of inputsRead(node)) if (value !== undefined) pending.push(value.node);
    }
  }
  return reached;
}

function assemble(
  group: Group,
  members: ReadonlySet<Node>,
  viewsOf: ReadonlyMap<Node, readonly SourceView[]>,
  outside: ReadonlySet<Value>,
): { chain: Chain; inputs: readonly Value[]; outputs: readonly Value[] } {
  const inputs: Value[] = [];
  const place = new Map<Node, number>(group.map(({ node }, i) => [node, i]));
  const sourceOf = ({ base, view }: SourceView): Source => {
    if (members.has(base.node)) return { step: place.get(base.node)! };
    let input = inputs.indexOf(base);
    if (input < 0) input = inputs.push(base) - 1;
    return { input, view };
  };
  const steps = group.map(({ node, step }): ChainStep => ({ step, sources: viewsOf.get(node)!.map(sourceOf) }));
  const outputs: Value[] = [];
  const results: number[] = [];
  group.forEach(({ node }, i) => {
    if (!outside.has(node.outputs[0]!)) return;
    outputs.push(node.outputs[0]!);
    results.push(i);
  });
  return { chain: combine({ count: group[0]!.count, steps, outputs: results }), inputs, outputs };
}
