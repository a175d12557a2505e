/** Rewritings of graphs: for what a backend has, for a batch size, without what nobody reads or what was computed before. */
import { checkBackend } from "../dispatch/currentBackend.js";
import { checkCall } from "../ir/arguments.js";
import type { Backend } from "../ir/contract.js";
import { ErmineError } from "../types/errors.js";
import type { Op } from "../ir/op.js";
import { bind, formatShape, type Bindings } from "../types/dim.js";
import type { EagerState, Tensor } from "../types/tensor.js";
import {
  attributesKey,
  type ConstantNode,
  type FeedNode,
  type Graph,
  type GraphModule,
  type Node,
  type OpNode,
  type Value,
} from "../ir/graph.js";
import { Trace } from "../dispatch/trace.js";
import { withPath } from "../dispatch/context.js";
import { eliminateDead } from "../ir/dead.js";
import { isConditional } from "../ir/conditional.js";
import { isLoop, type LoopNode } from "../ir/loop.js";
import { withNodes } from "../ir/rewrite.js";
import { mapSubgraphs } from "../ir/subgraphs.js";

/** The same computation in ops and dtypes that `backend` has. */
export function lowerModule(module: GraphModule, backend: Backend): GraphModule {
  checkCall("lowerModule(module, backend)", arguments);
  checkBackend("lowerModule(module, backend)", backend);
  const entries = Object.entries(module.entries).map(([name, graph]) => [name, eliminateDead(lowerGraph(graph, backend))]);
  return { variables: module.variables, entries: Object.fromEntries(entries) };
}

/** @internal The graph in ops for which the backend has kernels; `onLowered` is called with each node and the nodes that replace it. */
export function lowerGraph(graph: Graph, backend: Backend, onLowered?: (node: Node, became: readonly Node[]) => void): Graph {
  const trace = new Trace(backend);
  return trace.run(() => {
    const replacements = new Map<Value, Tensor>();
    const look = (value: Value): Tensor => replacements.get(value)!;
    for (const node of graph.nodes) {
      const before = trace.nodes.length;
      const outputs = withPath(node.path, () => replay(node, trace, look, backend));
      onLowered?.(node, trace.nodes.slice(before));
      node.outputs.forEach((value, i) => replacements.set(value, outputs[i]!));
    }
    for (const { variable, value } of graph.updates) trace.writeVariable(variable, look(value));
    if (graph.commit !== undefined) trace.commitIf(look(graph.commit));
    const lowered = trace.finish(graph.outputs.map(look));
    // In the graph's own order, which a loop's inputs have.
    const originalFeeds = graph.feeds.map(({ outputs }) => trace.valueOf(look(outputs[0]!)).node as FeedNode);
    return { ...lowered, feeds: [...originalFeeds, ...lowered.feeds.filter((feed) => !originalFeeds.includes(feed))] };
  });
}

function replay(node: Node, trace: Trace, look: (value: Value) => Tensor, backend: Backend): Tensor[] {
  const type = node.outputs[0]!.type;
  if (node.kind === "feed") return [trace.feed(node.name, type)];
  if (node.kind === "constant") return [replayConstant(node, trace, backend)];
  if (node.kind === "variable") return [trace.readVariable(node.variable)];
  const inputs = node.inputs.map((value) => value && look(value));
  const types = node.outputs.map((value) => value.type);
  if ((isLoop(node) && runsLoops(backend)) || (isConditional(node) && runsConditionals(backend)))
    return trace.add(loweredInside(node, backend), inputs, node.attributes, types);
  return trace.record(node.op, inputs, node.attributes, types);
}

/** Does the backend run a loop as one, or must its steps be written out? Where graphs are interpreted, loops are too. */
const runsLoops = (backend: Backend): boolean => backend.compile === undefined || backend.capabilities.loops === true;

/** Does the backend run a conditional as one, or must both branches be computed? */
const runsConditionals = (backend: Backend): boolean =>
  backend.compile === undefined || backend.capabilities.conditionals === true;

const loweredInside = ({ op }: OpNode, backend: Backend): Op =>
  mapSubgraphs(op, (graph) => eliminateDead(lowerGraph(graph, backend)));

/** A storage of another backend goes by way of the host. */
function replayConstant({ outputs, data, storage, owner }: ConstantNode, trace: Trace, backend: Backend): Tensor {
  const { type } = outputs[0]!;
  const home = (owner as EagerState | undefined)?.backend;
  if (storage === undefined || home === undefined || home === backend) return trace.constant(type, data, storage, owner);
  if (home.readSync === undefined) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `A ${type.dtype}${formatShape(type.shape)} tensor of the backend "${home.name}" is part of this program, which is for "${backend.name}". ` +
        "Copy it: tensor(await t.data(), { shape: t.shape, dtype: t.dtype }).",
    );
  }
  return trace.constant(type, home.readSync(storage));
}

/** The graph with its symbols bound to numbers, its common subexpressions computed once. */
export function specialize(graph: Graph, bindings: Bindings): Graph {
  checkCall("specialize(graph, bindings)", arguments);
  const replaced = new Map<Value, Value>();
  const byExpression = new Map<string, Node>();
  const ids = new Map<Op, number>();
  const idOf = (op: Op): number => {
    if (!ids.has(op)) ids.set(op, ids.size);
    return ids.get(op)!;
  };
  const nodes: Node[] = [];
  const look = (value: Value): Value => replaced.get(value)!;
  for (const node of graph.nodes) {
    const outputs: Value[] = [];
    const bound =
      node.kind === "op"
        ? {
            ...node,
            outputs,
            inputs: node.inputs.map((v) => v && look(v)),
            attributes: bind(node.attributes, bindings),
            op: boundOp(node, bindings),
          }
        : { ...node, outputs };
    const key =
      bound.kind === "op" ? `${idOf(bound.op)}${expressionKey(bound)}` : node.kind === "constant" ? constantKey(node) : undefined;
    const same = key === undefined ? undefined : byExpression.get(key);
    if (same !== undefined) {
      node.outputs.forEach((value, i) => replaced.set(value, same.outputs[i]!));
      continue;
    }
    for (const value of node.outputs) {
      const copy: Value = { node: bound, index: value.index, type: { ...value.type, shape: bind(value.type.shape, bindings) } };
      outputs.push(copy);
      replaced.set(value, copy);
    }
    if (isLoop(bound)) shareStacks(node.outputs, bound, replaced);
    nodes.push(bound);
    if (key !== undefined) byExpression.set(key, bound);
  }
  // Requirements are of sizes that are open.
  const { requirements: _, ...rest } = graph;
  return withNodes(rest, nodes, look);
}

function boundOp(node: OpNode, bindings: Bindings): Op {
  if (!isLoop(node)) return mapSubgraphs(node.op, (graph) => specialize(graph, bindings));
  const { body, length } = node.op.loop;
  return node.op.with({ body: specialize(body, bindings), length: bind(length, bindings) });
}

/** An output that a loop stacks several times is read from the first of them. */
function shareStacks(outputs: readonly Value[], { op: { loop }, outputs: copies }: LoopNode, replaced: Map<Value, Value>): void {
  for (let i = loop.carried; i < outputs.length; i++) {
    const first = loop.body.outputs.indexOf(loop.body.outputs[i]!, loop.carried);
    replaced.set(outputs[i]!, copies[first]!);
  }
}

/** A key of an op's inputs and attributes. */
const expressionKey = (node: OpNode): string =>
  `(${node.inputs.map((v) => (v === undefined ? "" : `${v.node.id}.${v.index}`)).join()})${attributesKey(node.attributes)}`;

/** Small constants are the same by value. */
function constantKey({ data, outputs, id }: ConstantNode): string {
  if (data === undefined || data.length > 16) return `constant ${id}`;
  const elements = Array.from(data, (value) => (Object.is(value, -0) ? "-0" : value));
  return `constant ${JSON.stringify(outputs[0]?.type)} ${data.constructor.name} ${elements.join()}`;
}

export { eliminateDead } from "../ir/dead.js";
/** Symbols of an entry's feeds, bound by the shapes that were fed. @throws ErmineError where a shape does not fit */
export { bindFeeds } from "./feeds.js";
