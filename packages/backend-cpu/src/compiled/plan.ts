/** Where everything of one entry at one batch size is: which block each value takes, for how long, and in which order nodes run. */
import {
  isConditional,
  isLoop,
  subgraphsOf,
  type ConditionalNode,
  type Graph,
  type GraphVariable,
  type Loop,
  type LoopNode,
  type Node,
  type OpNode,
  type Value,
} from "@ermine/core/backend";
import { loweringOf } from "../lower/index.js";
import { contiguous, sizeOf, type Packing } from "../lower/operand.js";
import { rowPartsOf } from "./rowParts.js";

export interface Plan {
  /** Ops in the order that they run; those from `committed` on run only where the step is accepted. */
  readonly order: readonly OpNode[];
  readonly committed: number;
  /** Byte offsets into the arena, and its size. */
  readonly offsets: ReadonlyMap<Value, number>;
  readonly bytes: number;
  /** The value whose place this one has: a reshaped one is what it was made of. */
  root(value: Value): Value;
  /** Values that are written straight into their variable's own block. */
  readonly direct: ReadonlyMap<Value, GraphVariable>;
  /** Updates that are copied into their variable at the end. */
  readonly copied: readonly { readonly variable: GraphVariable; readonly value: Value }[];
  /** Old values that are wanted when their variable has a new one, with their offset into the arena: copied there before all else. */
  readonly saved: ReadonlyMap<Value, number>;
  /** Indices that ops of the committed part look up, and none before it has checked. */
  readonly checks: readonly Check[];
  /** Of each loop, where its steps keep what they compute. */
  readonly loops: ReadonlyMap<Node, LoopPlan>;
  /** Of each conditional, where its branches do. */
  readonly conditionals: ReadonlyMap<Node, ConditionalPlan>;
  /** Values whose place is tied to that of others (`Track`). */
  readonly tied: ReadonlySet<Value>;
  /** Does anyone read it? */
  used(value: Value): boolean;
}

/** Where the values of a loop's step are: the same for all steps. */
export interface LoopPlan {
  /** The byte offset into the arena. */
  readonly from: number;
  /** The parts of the batch that go through the steps by themselves; mostly one. */
  readonly parts: readonly LoopPart[];
  /** Of what goes from step to step, where it is stacked: the next step reads it where this one has written it. undefined: it is not. */
  readonly tracks: readonly (Track | undefined)[];
}

/** Some rows of a loop's batch, or all. */
export interface LoopPart {
  /** The first row. */
  readonly row: number;
  /** One step of them. */
  readonly body: Graph;
  /** Its plan, whose offsets count from `room`, a byte offset from the loop's `from`. */
  readonly step: Plan;
  readonly room: number;
  /** Byte offsets from the loop's `from` of what goes from step to step, and of room for it while its places are exchanged. */
  readonly carried: readonly number[];
  readonly exchanged: readonly number[];
  /** Operands packed before the first step, by the op that reads them: those of the first part are those of all. */
  readonly packed: ReadonlyMap<Node, Packed>;
}

/** Where the values of a conditional's branches are. Both have the same room, for one of them runs. */
export interface ConditionalPlan {
  /** Their plans, whose offsets count from `from`. */
  readonly branches: readonly Plan[];
  /** The byte offset into the arena. */
  readonly from: number;
}

/**
 * A value that goes from step to step and is stacked, before or after each step or both: one stack with a row more than there are steps, which are the two
 * stacks, a row apart.
 */
export interface Track {
  /** The loop's outputs that are the value before each step, and after it; −1: it is not stacked so. */
  readonly before: number;
  readonly after: number;
  /** The byte offset into the arena of the first row. */
  readonly from: number;
}

/** An input of an op in a loop, the same in all steps. */
export interface Packed {
  readonly packing: Packing;
  readonly value: Value;
  /** The byte offset from the loop's `from`. */
  readonly offset: number;
}

/** Indices of an op, and the length of the axis that they are of. */
export interface Check {
  readonly node: OpNode;
  readonly indices: Value;
  readonly size: number;
}

const wordsOf = (value: Value): number => sizeOf(value.type.shape as readonly number[]);

/** The order of a graph's nodes, while places are chosen. Values are roots. */
interface Order {
  readonly graph: Graph;
  readonly order: readonly OpNode[];
  readonly committed: number;
  readonly root: (value: Value) => Value;
  /** The position of the last op that reads a value; behind all for what is read when the program is over. */
  readonly lastRead: ReadonlyMap<Value, number>;
  readonly outputs: ReadonlySet<Value>;
}

/** @param entry a graph whose sizes are numbers */
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

/** The indices that an op looks up. */
function checkOf(node: Node): Check | undefined {
  if (node.kind !== "op") return undefined;
  const shapes = node.inputs.map((value) => value && { shape: value.type.shape as readonly number[] });
  const lookup = loweringOf(node.op)?.lookup?.(shapes, node.attributes);
  return lookup && { node, indices: node.inputs[lookup.input]!, size: lookup.size };
}

/** Does it look up anything? */
const looksUp = (graph: Graph): boolean => graph.nodes.some((node) => checkOf(node) !== undefined || looksUpInside(node));

/** Do the graphs that it runs? */
const looksUpInside = (node: Node): boolean => node.kind === "op" && subgraphsOf(node.op).some(looksUp);

function unchecked(order: readonly OpNode[], committed: number, root: Plan["root"]): Check[] {
  const checkedSizes = new Map<Value, Set<number>>();
  const checks: Check[] = [];
  order.forEach((node, i) => {
    const check = checkOf(node);
    if (check === undefined) return;
    const sizes = checkedSizes.get(root(check.indices)) ?? new Set();
    if (!sizes.has(check.size) && i >= committed) checks.push(check);
    checkedSizes.set(root(check.indices), sizes.add(check.size));
  });
  return checks;
}

/**
 * The nodes that outputs and the commit condition need, and all looked-up indices: they run before the step is accepted, and an index out of range
 * refuses it.
 */
export function neededFirst(graph: Graph): ReadonlySet<Node> {
  if (graph.updates.length === 0) return new Set(graph.nodes);
  const needed = new Set<Node>();
  const pending = [...graph.outputs, ...(graph.commit === undefined ? [] : [graph.commit])].map((value) => value.node);
  for (const node of graph.nodes) {
    const check = checkOf(node);
    if (check !== undefined) pending.push(check.indices.node);
    if (looksUpInside(node)) pending.push(node);
  }
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

/** Byte ranges that are taken for a while, first fit. */
class Arena {
  bytes = 0;
  #busy: { readonly from: number; readonly to: number; until: number }[] = [];

  /** Room for that many words until after the op at `until`. */
  take(words: number, until: number): number {
    // 16 bytes after the end, for the last vector.
    const size = Math.ceil((words * 4 + 16) / 16) * 16;
    let from = 0;
    let before = 0;
    for (; before < this.#busy.length; before++) {
      const other = this.#busy[before]!;
      if (other.from - from >= size) break;
      from = Math.max(from, other.to);
    }
    // By address, as every range is put in where it fits.
    this.#busy.splice(before, 0, { from, to: from + size, until });
    this.bytes = Math.max(this.bytes, from + size);
    return from;
  }

  /** The range at `from` goes on to another value. */
  keep(from: number, until: number): void {
    this.#busy.find((range) => range.from === from)!.until = until;
  }

  /** Gives up what no op from `now` on reads. */
  free(now: number): void {
    this.#busy = this.#busy.filter(({ until }) => until >= now);
  }
}

/** @param take room in the arena while the loop runs; `stack` room for some of its outputs, undefined where one has a place already */
function planLoop(
  { op }: LoopNode,
  take: (words: number) => number,
  stack: (words: number, outputs: readonly number[]) => number | undefined,
): LoopPlan {
  const { loop } = op;
  const rowParts = rowPartsOf(op) ?? [{ from: 0, body: loop.body }];
  const bodies = [...new Set(rowParts.map(({ body }) => body))];
  const plans = new Map(bodies.map((body) => [body, plan(body)]));
  const tracks = loop.body.outputs.slice(0, loop.carried).map((value, i): Track | undefined => {
    const [side, ...others] = bodies.map((body) => sidesOf(loop, body, plans.get(body)!, i));
    if (side === undefined || others.some((other) => other?.before !== side.before || other.after !== side.after))
      return undefined;
    const outputs = [side.before, side.after].filter((k) => k >= 0);
    const from = stack(wordsOf(value) * ((loop.length as number) + 1), outputs);
    return from === undefined ? undefined : { ...side, from };
  });
  const room = new Arena();
  const packed = packedIn(loop, plans, (words) => room.take(words, Infinity));
  const parts = rowParts.map(({ from, body }): LoopPart => {
    const step = plans.get(body)!;
    const slots = (): number[] => body.outputs.slice(0, loop.carried).map((value) => room.take(wordsOf(value), Infinity));
    return {
      row: from,
      body,
      step,
      room: room.take(step.bytes / 4, Infinity),
      carried: slots(),
      exchanged: slots(),
      packed: packed.get(body)!,
    };
  });
  return { from: take(room.bytes / 4), parts, tracks };
}

function planConditional({ op }: ConditionalNode, take: (words: number) => number): ConditionalPlan {
  const branches = op.conditional.branches.map(plan);
  return { branches, from: take(Math.max(...branches.map(({ bytes }) => bytes)) / 4) };
}

/** Elements end within whole vectors of so many bytes, and kernels may write all of the last: rows of whole vectors are written where they stay. */
export const vectorBytes = 16;

/** The outputs that the i-th part of the state is before each step and after it; undefined: it is not stacked, or cannot be read there. */
function sidesOf(
  { carried }: Loop,
  body: Graph,
  { root, tied }: Plan,
  i: number,
): { readonly before: number; readonly after: number } | undefined {
  const next = root(body.outputs[i]!);
  const row = wordsOf(body.outputs[i]!);
  const others = body.outputs.slice(0, carried).filter((value) => root(value) === next);
  if (next.node.kind !== "op" || tied.has(next) || (4 * row) % vectorBytes !== 0 || others.length > 1) return undefined;
  const indexOf = (sought: Value): number => body.outputs.findIndex((value, k) => k >= carried && root(value) === sought);
  const [before, after] = [indexOf(body.feeds[i]!.outputs[0]!), indexOf(next)];
  return before < 0 && after < 0 ? undefined : { before, after };
}

/** The first row of each stack: in loops from the end, what is before a step is a row further on. */
export const rowsOfTrack = (reverse: boolean): { readonly before: number; readonly after: number } =>
  reverse ? { before: 1, after: 0 } : { before: 0, after: 1 };

/** Of each body, the operands that all steps read, packed where that pays: in loops of several steps. Bodies read the same ones, each by an op of its own. */
function packedIn(
  loop: Loop,
  plans: ReadonlyMap<Graph, Plan>,
  take: (words: number) => number,
): ReadonlyMap<Graph, ReadonlyMap<Node, Packed>> {
  const lists = [...plans].map(([body, step]) => [body, packable(loop, body, step)] as const);
  const [[, first]] = lists as [(typeof lists)[number]];
  const areSame = lists.every(
    ([, list]) =>
      list.length === first.length &&
      list.every(({ packing, feed }, i) => feed === first[i]!.feed && packing.words === first[i]!.packing.words),
  );
  const offsets = areSame ? first.map(({ packing }) => take(packing.words)) : [];
  return new Map(
    lists.map(([body, list]) => [
      body,
      new Map(offsets.map((offset, i) => [list[i]!.node, { packing: list[i]!.packing, value: list[i]!.value, offset }])),
    ]),
  );
}

/** What can be packed: by which op, and which of the body's feeds it is; −1: a constant. */
function packable(
  { carried, sequences, length }: Loop,
  body: Graph,
  { order, root }: Plan,
): readonly { readonly node: Node; readonly packing: Packing; readonly value: Value; readonly feed: number }[] {
  if ((length as number) < 2) return [];
  return order.flatMap((node) => {
    const types = node.inputs.map((value) => value && { shape: value.type.shape as readonly number[], dtype: value.type.dtype });
    const packing = loweringOf(node.op)?.packing?.(types, node.attributes);
    const value = packing && root(node.inputs[packing.input]!);
    if (packing === undefined) return [];
    const feed = (body.feeds as readonly Node[]).indexOf(value!.node);
    return feed >= carried + sequences || value!.node.kind === "constant" ? [{ node, packing, value: value!, feed }] : [];
  });
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
