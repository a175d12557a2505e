/** Where everything of one entry at one batch size is: which block each value takes, for how long, and in which order nodes run. */
import type { Graph, Node, OpNode, Value, Variable } from "@ermine/core";
import { loweringOf } from "../lower/index.js";
import { sizeOf } from "../lower/operand.js";

export interface Plan {
  /** Ops in the order that they run; those from `committed` on run only where the step is accepted. */
  readonly order: readonly OpNode[];
  readonly committed: number;
  /** Byte offsets into the arena, and its size. */
  readonly offsets: ReadonlyMap<Value, number>;
  readonly bytes: number;
  /** Values that are written straight into their variable's own block. */
  readonly direct: ReadonlyMap<Value, Variable>;
  /** Updates that are copied into their variable at the end. */
  readonly copied: readonly { readonly variable: Variable; readonly value: Value }[];
  /** Does anyone read it? */
  used(value: Value): boolean;
}

const wordsOf = (value: Value): number => sizeOf(value.type.shape as readonly number[]);

/** @param entry a graph whose sizes are numbers */
export function plan(graph: Graph): Plan {
  const ops = graph.nodes.filter((node): node is OpNode => node.kind === "op");
  const { early, late } = phases(graph, ops);
  const order = [...early, ...late];
  const position = new Map<Node, number>(order.map((node, i) => [node, i]));
  const lastRead = new Map<Value, number>();
  const end = order.length;
  order.forEach((node, i) => {
    for (const input of node.inputs) if (input !== undefined) lastRead.set(input, i);
  });
  for (const value of [...graph.outputs, ...graph.updates.map((u) => u.value)]) lastRead.set(value, end);
  if (graph.commit !== undefined) lastRead.set(graph.commit, end);

  const { direct, copied } = updates(graph, early.length, position, lastRead, order);
  const { offsets, bytes } = place(order, lastRead, direct);
  return { order, committed: early.length, offsets, bytes, direct, copied, used: (value) => lastRead.has(value) };
}

/** What outputs and the commit condition need: it runs before the step is accepted. */
export function neededFirst(graph: Graph): ReadonlySet<Node> {
  if (graph.updates.length === 0) return new Set(graph.nodes);
  const needed = new Set<Node>();
  const pending = [...graph.outputs, ...(graph.commit === undefined ? [] : [graph.commit])].map((value) => value.node);
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (needed.has(node)) continue;
    needed.add(node);
    if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) pending.push(input.node);
  }
  return needed;
}

/** First what outputs and the commit condition need, then what only the updates do. */
function phases(graph: Graph, ops: readonly OpNode[]): { early: OpNode[]; late: OpNode[] } {
  const needed = neededFirst(graph);
  return { early: ops.filter((node) => needed.has(node)), late: ops.filter((node) => !needed.has(node)) };
}

/**
 * A new value takes its variable's own block where its op works number by number, runs in the committed part, and nobody reads the
 * old value later. Two updates may not feed each other.
 */
function updates(
  graph: Graph,
  committed: number,
  position: ReadonlyMap<Node, number>,
  lastRead: ReadonlyMap<Value, number>,
  order: readonly OpNode[],
): { direct: Map<Value, Variable>; copied: { variable: Variable; value: Value }[] } {
  const direct = new Map<Value, Variable>();
  const copied: { variable: Variable; value: Value }[] = [];
  const reads = new Map<Variable, Value>();
  for (const node of graph.nodes) if (node.kind === "variable") reads.set(node.variable, node.outputs[0]!);
  const outputs = new Set(graph.outputs);
  for (const { variable, value } of graph.updates) {
    const { node } = value;
    const at = position.get(node);
    const old = reads.get(variable);
    const inPlace =
      at !== undefined &&
      at >= committed &&
      node.kind === "op" &&
      loweringOf(node.op.name)?.inPlace === true &&
      !outputs.has(value) &&
      !direct.has(value) &&
      readsOwnPlaceOnly(node, old, value) &&
      (old === undefined || ((lastRead.get(old) ?? -1) <= at && !outputs.has(old) && !updatesTo(graph, old)));
    // What runs between this op and the end must not read the block as something else: it reads the new value, which it is.
    if (inPlace) direct.set(value, variable);
    else copied.push({ variable, value });
  }
  void order;
  return { direct, copied };
}

const updatesTo = (graph: Graph, value: Value): boolean => graph.updates.some((update) => update.value === value);

/** Inputs of another size broadcast: then a number is read after its place was written. */
function readsOwnPlaceOnly(node: OpNode, old: Value | undefined, value: Value): boolean {
  return old === undefined || !node.inputs.includes(old) || wordsOf(old) === wordsOf(value);
}

/** First fit over the values' lifetimes, largest gaps reused. */
function place(
  order: readonly OpNode[],
  lastRead: ReadonlyMap<Value, number>,
  direct: ReadonlyMap<Value, Variable>,
): { offsets: Map<Value, number>; bytes: number } {
  const offsets = new Map<Value, number>();
  const busy: { readonly from: number; readonly to: number; readonly until: number }[] = [];
  let bytes = 0;
  order.forEach((node, i) => {
    for (let k = busy.length - 1; k >= 0; k--) if (busy[k]!.until < i) busy.splice(k, 1);
    for (const value of node.outputs) {
      if (direct.has(value)) continue;
      // 16 bytes behind the end, for the last vector.
      const size = Math.ceil((wordsOf(value) * 4 + 16) / 16) * 16;
      let from = 0;
      for (const other of busy.toSorted((a, b) => a.from - b.from)) {
        if (other.from - from >= size) break;
        from = Math.max(from, other.to);
      }
      offsets.set(value, from);
      busy.push({ from, to: from + size, until: lastRead.get(value) ?? i });
      bytes = Math.max(bytes, from + size);
    }
  });
  return { offsets, bytes };
}
