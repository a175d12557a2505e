/** The first difference between two graphs that one function recorded. */
import { sameSize } from "../types/dim.js";
import { attributesKey, type ConstantNode, type Graph, type Node, type OpNode, type Value } from "../ir/graph.js";
import { loopOf } from "../ir/loop.js";
import type { Op } from "../ir/op.js";
import { subgraphsOf } from "../ir/subgraphs.js";

const placeOf = (value: Value | undefined): string => (value === undefined ? "" : `${value.node.id}.${value.index}`);

const places = (values: readonly (Value | undefined)[]): string => values.map(placeOf).join();

/** Says in words where two graphs differ first; undefined: nowhere. Ops are compared as objects, and constants element by element. */
export function graphDifference(a: Graph, b: Graph): string | undefined {
  if (a.nodes.length !== b.nodes.length) {
    const shorter = Math.min(a.nodes.length, b.nodes.length);
    return nodesDifference(a.nodes.slice(0, shorter), b.nodes.slice(0, shorter)) ?? "another number of operations";
  }
  const inside = nodesDifference(a.nodes, b.nodes);
  if (inside !== undefined) return inside;
  if (places(a.outputs) !== places(b.outputs)) return "other results";
  const [updates, other] = [a.updates, b.updates];
  if (updates.length !== other.length) return "another number of variables is written";
  const i = updates.findIndex(({ variable }, k) => variable !== other[k]!.variable);
  if (i >= 0) return `a new value of ${updates[i]!.variable.name} against one of ${other[i]!.variable.name}`;
  if (places(updates.map(({ value }) => value)) !== places(other.map(({ value }) => value))) return "other values of variables";
  return placeOf(a.commit) === placeOf(b.commit) ? undefined : "another condition of its updates";
}

function nodesDifference(a: readonly Node[], b: readonly Node[]): string | undefined {
  for (let i = 0; i < a.length; i++) {
    const difference = nodeDifference(a[i]!, b[i]!);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function nodeDifference(x: Node, y: Node): string | undefined {
  if (x.kind === "op" && y.kind === "op") return opDifference(x, y);
  if (x.kind === "constant" && y.kind === "constant") return sameConstant(x, y) ? undefined : "a number from outside";
  if (x.kind === "variable" && y.kind === "variable" && x.variable !== y.variable)
    return `${x.variable.name} against ${y.variable.name}`;
  if (x.kind === "feed" && y.kind === "feed" && x.name !== y.name) return `a feed ${x.name} against ${y.name}`;
  return x.kind === y.kind ? undefined : "another operation";
}

function opDifference(x: OpNode, y: OpNode): string | undefined {
  if (x.op.name !== y.op.name) return `${x.op.name} against ${y.op.name}`;
  // An op with graphs is made for one call; what it runs is compared.
  if (subgraphsOf(x.op).length === 0 || subgraphsOf(y.op).length === 0) {
    if (x.op !== y.op) return `two definitions of ${x.op.name}: define what the function uses outside of it`;
  } else {
    const inside = loopDifference(x.op, y.op) ?? subgraphDifference(x.op, y.op);
    if (inside !== undefined) return `${inside} of ${x.op.name}`;
  }
  if (attributesKey(x.attributes) !== attributesKey(y.attributes)) return `the attributes of ${x.op.name}`;
  return places(x.inputs) === places(y.inputs) ? undefined : `the inputs of ${x.op.name}`;
}

function loopDifference(x: Op, y: Op): string | undefined {
  const [a, b] = [loopOf(x), loopOf(y)];
  if (a === undefined || b === undefined) return undefined;
  if (a.reverse !== b.reverse) return "the direction";
  if (!sameSize(a.length, b.length)) return "the number of steps";
  return a.carried !== b.carried || a.sequences !== b.sequences ? "the inputs" : undefined;
}

function subgraphDifference(x: Op, y: Op): string | undefined {
  const others = subgraphsOf(y);
  for (const [i, graph] of subgraphsOf(x).entries()) {
    const inside = graphDifference(graph, others[i]!);
    if (inside !== undefined) return `${inside} in ${loopOf(x) === undefined ? "a branch" : "the body"}`;
  }
  return undefined;
}

const sameConstant = ({ data: a, storage: x }: ConstantNode, { data: b, storage: y }: ConstantNode): boolean =>
  a === undefined || b === undefined ? x === y : a.length === b.length && a.every((element, i) => Object.is(element, b[i]));
