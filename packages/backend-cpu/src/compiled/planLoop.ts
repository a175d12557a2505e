/** Where the values of a loop are: for each part of its rows one room, used by all steps, and the places of what goes from one step to the next. */
import type { Graph, Loop, LoopNode, Node, Value } from "@ermine/core/backend";
import { loweringOf } from "../lower/index.js";
import type { Packing } from "../lower/operand.js";
import { Arena, wordsOf } from "./arena.js";
import type { LoopPart, LoopPlan, Packed, Plan, Track } from "./layout.js";
import { rowPartsOf } from "./rowParts.js";

/**
 * @param planBody plans the step of one part of the rows
 * @param take room in the arena while the loop runs; `stack` room for some of its outputs, undefined where one has a place already
 */
export function planLoop(
  { op }: LoopNode,
  planBody: (body: Graph) => Plan,
  take: (words: number) => number,
  stack: (words: number, outputs: readonly number[]) => number | undefined,
): LoopPlan {
  const { loop } = op;
  const rowParts = rowPartsOf(op) ?? [{ from: 0, body: loop.body }];
  const bodies = [...new Set(rowParts.map(({ body }) => body))];
  const plans = new Map(bodies.map((body) => [body, planBody(body)]));
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
