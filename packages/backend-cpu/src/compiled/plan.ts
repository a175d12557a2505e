/** Plans one entry at one batch size: which block each value takes, for how long, and in which order nodes run. */
import {
  isConditional,
  isLoop,
  type ConditionalNode,
  type Graph,
  type GraphVariable,
  type Node,
  type OpNode,
  type Value,
} from "@ermine/core/backend";
import { loweringOf } from "../lower/index.js";
import { contiguous } from "../lower/operand.js";
import { Arena, wordsOf } from "./arena.js";
import type { ConditionalPlan, LoopPlan, Plan } from "./layout.js";
import { phases, unchecked } from "./phases.js";
import { planLoop, rowsOfTrack } from "./planLoop.js";

/** The order of a graph's nodes, while places are chosen. Values are roots. */
interface Order {
  readonly graph: Graph;
  readonly order: readonly OpNode[];
  readonly committed: number;
  readonly root: (value: Value) => Value;
  /** The position of the last op that reads a value; after all for what is read when the program is over. */
  readonly lastRead: ReadonlyMap<Value, number>;
  readonly outputs: ReadonlySet<Value>;
}

/** @param graph an entry, or what a loop or a conditional runs; its sizes are numbers */
export function plan(graph: Graph): Plan {
  const ops = graph.nodes.filter((node): node is OpNode => node.kind === "op");
  const root = roots(ops);
  const computed = ops.filter((node) => root(node.outputs[0]!) === node.outputs[0]);
  const { early, late } = phases(graph, computed);
  const order = [...early, ...late];
  const lastRead = new Map<Value, number>();
  order.forEach((node, i) => {
    for (const input of node.inputs) if (input !== undefined) lastRead.set(root(input), i);
  });
  const atEnd = [
    ...graph.outputs,
    ...graph.updates.map(({ value }) => value),
    ...(graph.commit === undefined ? [] : [graph.commit]),
  ];
  for (const value of atEnd) lastRead.set(root(value), order.length);
  const ordering: Order = { graph, order, committed: early.length, root, lastRead, outputs: new Set(graph.outputs.map(root)) };
  const { direct, copied } = updates(ordering);
  const arena = new Arena();
  const saved = new Map([...savedValues(ordering, copied)].map((value) => [value, arena.take(wordsOf(value), Infinity)]));
  const loops = new Map<Node, LoopPlan>();
  const conditionals = new Map<Node, ConditionalPlan>();
  const { offsets, tied } = place(ordering, direct, arena, { loops, conditionals });
  return {
    order,
    committed: early.length,
    offsets,
    bytes: arena.bytes,
    root,
    direct,
    copied,
    saved,
    checks: unchecked(order, early.length, root),
    loops,
    conditionals,
    tied,
    used: (value) => lastRead.has(value),
  };
}

/** A view of all elements in their order (a reshape) moves nothing. */
function roots(ops: readonly OpNode[]): (value: Value) => Value {
  const shown = new Map<Value, Value>();
  const root = (value: Value): Value => shown.get(value) ?? value;
  for (const node of ops) if (movesNothing(node)) shown.set(node.outputs[0]!, root(node.inputs[0]!));
  return root;
}

function movesNothing({ op, inputs: [input], outputs: [output], attributes }: OpNode): boolean {
  const lowering = loweringOf(op);
  if (lowering?.view === undefined || input === undefined) return false;
  const shape = output!.type.shape as readonly number[];
  const view = lowering.view(input.type.shape as readonly number[], shape, attributes);
  const dense = contiguous(shape);
  return (
    view?.offset === 0 &&
    wordsOf(input) === wordsOf(output!) &&
    view.strides.every((stride, axis) => shape[axis] === 1 || stride === dense[axis])
  );
}

/**
 * A new value takes its variable's own block where its op works number by number, runs in the committed part, and nobody reads the
 * old value later. Two updates may not feed each other.
 */
function updates({ graph, order, committed, root, lastRead, outputs }: Order): Pick<Plan, "copied"> & {
  direct: Map<Value, GraphVariable>;
} {
  const direct = new Map<Value, GraphVariable>();
  const copied: { variable: GraphVariable; value: Value }[] = [];
  const position = new Map<Node, number>(order.map((node, i) => [node, i]));
  const reads = new Map<GraphVariable, Value>();
  for (const node of graph.nodes) if (node.kind === "variable") reads.set(node.variable, node.outputs[0]!);
  for (const { variable, value: updated } of graph.updates) {
    const value = root(updated);
    const { node } = value;
    const at = position.get(node);
    const old = reads.get(variable);
    const inPlace =
      at !== undefined &&
      at >= committed &&
      node.kind === "op" &&
      !outputs.has(value) &&
      !direct.has(value) &&
      (old === undefined || ((lastRead.get(old) ?? -1) <= at && mayTakePlace(node, value, old, root)));
    // Ops between this one and the end must not read the block as something else: they read the new value.
    if (inPlace) direct.set(value, variable);
    else copied.push({ variable, value: updated });
  }
  return { direct, copied };
}

/** May the op write `value` over `old`, which it reads perhaps? Number by number, each read before it is written. */
function mayTakePlace(node: OpNode, value: Value, old: Value, root: Plan["root"]): boolean {
  const lowering = loweringOf(node.op);
  if (lowering?.inPlace !== true) return false;
  return node.inputs.every((input, i) => {
    if (input === undefined || root(input) !== old) return true;
    // An input of another size broadcasts: then a number is read after its place was written.
    return wordsOf(old) === wordsOf(value) && (lowering.readsOwnPlace?.(i, node.attributes) ?? true);
  });
}

/** Variables' old values that outputs or other variables become, although their own block has a new one by then. */
function savedValues({ graph, root, outputs }: Order, copied: Plan["copied"]): Set<Value> {
  const updated = new Set(graph.updates.map(({ variable }) => variable));
  const readAtEnd = [...outputs, ...copied.map(({ value }) => root(value))];
  return new Set(readAtEnd.filter(({ node }) => node.kind === "variable" && updated.has(node.variable)));
}

function planConditional({ op }: ConditionalNode, take: (words: number) => number): ConditionalPlan {
  const branches = op.conditional.branches.map(plan);
  return { branches, from: take(Math.max(...branches.map(({ bytes }) => bytes)) / 4) };
}

/** Each value's offset: the place of an input that is read for the last time, where the op works number by number; else room of its own. */
function place(
  { order, root, lastRead }: Order,
  direct: ReadonlyMap<Value, GraphVariable>,
  arena: Arena,
  { loops, conditionals }: { readonly loops: Map<Node, LoopPlan>; readonly conditionals: Map<Node, ConditionalPlan> },
): Pick<Plan, "offsets" | "tied"> {
  const offsets = new Map<Value, number>();
  const tied = new Set<Value>();
  order.forEach((node, i) => {
    arena.free(i);
    if (isConditional(node))
      conditionals.set(
        node,
        planConditional(node, (words) => arena.take(words, i)),
      );
    if (isLoop(node)) {
      const until = (k: number): number => lastRead.get(node.outputs[k]!) ?? i;
      const planned = planLoop(
        node,
        plan,
        (words) => arena.take(words, i),
        (words, outputs) =>
          outputs.some((k) => direct.has(node.outputs[k]!)) ? undefined : arena.take(words, Math.max(...outputs.map(until))),
      );
      loops.set(node, planned);
      const { body, reverse } = node.op.loop;
      for (const track of planned.tracks) {
        for (const side of ["before", "after"] as const) {
          const k = track?.[side] ?? -1;
          if (k < 0) continue;
          offsets.set(node.outputs[k]!, track!.from + 4 * wordsOf(body.outputs[k]!) * rowsOfTrack(reverse)[side]);
          tied.add(node.outputs[k]!);
        }
      }
    }
    const placed = new Set<Value>();
    for (const value of node.outputs) {
      if (direct.has(value) || offsets.has(value)) continue;
      const until = lastRead.get(value) ?? i;
      const old = node.inputs
        .map((input) => input && root(input))
        .find(
          (input) =>
            input !== undefined &&
            offsets.has(input) &&
            !tied.has(input) &&
            lastRead.get(input) === i &&
            !placed.has(input) &&
            mayTakePlace(node, value, input, root),
        );
      if (old === undefined) {
        offsets.set(value, arena.take(wordsOf(value), until));
        continue;
      }
      placed.add(old);
      offsets.set(value, offsets.get(old)!);
      arena.keep(offsets.get(old)!, until);
    }
  });
  return { offsets, tied };
}
