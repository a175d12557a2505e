/** A planned graph as instructions, with which words are which ops'. */
import { ErmineError } from "@ermine/core";
import {
  isConditional,
  isLoop,
  type ConditionalNode,
  type Graph,
  type GraphVariable,
  type LoopNode,
  type Node,
  type OpNode,
  type Value,
} from "@ermine/core/backend";
import { checkLookup } from "../machine.js";
import type { Block } from "../block.js";
import { Emitter } from "../emitter.js";
import { loweringOf, type Operand } from "../lower/index.js";
import { sizeOf } from "../lower/operand.js";
import { madeOf } from "./fuse.js";
import type { ConditionalPlan, LoopPart, LoopPlan, Plan } from "./layout.js";
import { rowsOfTrack, vectorBytes } from "./planLoop.js";

/** Where values are. */
export interface Places {
  /** While the program runs. */
  of(value: Value): number;
  /** When it is over. */
  after(value: Value): number;
  /** Of a constant, also one in a graph that an op runs. */
  constant(value: Value): number | undefined;
  /** Where a loop's steps, or a conditional's branches, keep what they compute. */
  room(plan: { readonly from: number }): number;
  variable(variable: GraphVariable): Block;
}

/** The words [from, to) of some ops, or of copies. */
export interface ProgramPart {
  readonly nodes: readonly OpNode[];
  readonly from: number;
  readonly to: number;
  /** Is it left out where the step is refused? */
  readonly committed: boolean;
}

export interface Written {
  readonly emitter: Emitter;
  readonly parts: readonly ProgramPart[];
}

/** @param fault where the fault word is */
export function write(graph: Graph, planned: Plan, places: Places, fault: number): Written {
  const emitter = new Emitter(fault);
  const { words } = emitter;
  const parts: ProgramPart[] = [];
  const part = (nodes: readonly OpNode[], committed: boolean, emit: () => void): void => {
    const from = words.length;
    emit();
    if (words.length > from) parts.push({ nodes, from, to: words.length, committed });
  };
  part([], false, () => {
    for (const value of planned.saved.keys()) emitter.emit("move", places.after(value), places.of(value), sizeOf(shapeOf(value)));
  });
  const ops = (nodes: readonly OpNode[], committed: boolean): void =>
    nodes.forEach((node) => part(madeOf(node), committed, () => lower(emitter, node, planned, places)));
  ops(planned.order.slice(0, planned.committed), false);
  // Indices that only updates look up are checked before any update is taken.
  for (const { node, indices, size } of planned.checks) {
    part([], false, () =>
      emitter.check(places.of(indices), sizeOf(shapeOf(indices)), { op: node.op.name, path: node.path, size }),
    );
  }
  let skipAt = -1;
  if (graph.updates.length > 0 && (graph.commit !== undefined || emitter.sites.length > 0)) {
    skipAt = words.length;
    emitter.emit("skipUnless", graph.commit === undefined ? 0 : places.of(graph.commit), 0, fault);
  }
  ops(planned.order.slice(planned.committed), true);
  part([], true, () => {
    for (const { variable, value } of planned.copied) {
      const { address, length } = places.variable(variable);
      emitter.emit("move", address, places.after(value), length);
    }
  });
  if (skipAt >= 0) words[skipAt + 2] = words.length - skipAt - 4;
  return { emitter, parts };
}

const shapeOf = (value: Value): readonly number[] => value.type.shape as readonly number[];

/** Where values are while the program runs. */
interface Running extends Pick<Places, "of" | "constant" | "room"> {
  /** Where the input that the op packs is packed; undefined: nowhere. */
  readonly packed?: (node: OpNode) => { readonly input: number; readonly at: number } | undefined;
}

function lower(emitter: Emitter, node: OpNode, planned: Plan, places: Running): void {
  if (isLoop(node)) return lowerLoop(emitter, node, planned.loops.get(node)!, places);
  if (isConditional(node)) return lowerConditional(emitter, node, planned.conditionals.get(node)!, places);
  const lowering = loweringOf(node.op);
  if (lowering === undefined) {
    throw new ErmineError("ERMINE_UNSUPPORTED", `The cpu backend has no lowering for ${node.op.name}.`);
  }
  const operand = (value: Value): Operand => ({ address: places.of(value), shape: shapeOf(value), dtype: value.type.dtype });
  // A dead output has no place where the op can leave it out; others keep theirs.
  const outputs = node.outputs.map((value) =>
    planned.used(value) || lowering.optionalOutputs !== true ? operand(value) : undefined,
  );
  const packed = places.packed?.(node);
  const inputs = node.inputs.map(
    (value, i) => value && (packed?.input === i ? { ...operand(value), packed: packed.at } : operand(value)),
  );
  checkLookup(emitter, lowering, inputs, node.attributes, { op: node.op.name, path: node.path });
  lowering.emit(emitter, inputs, outputs as readonly Operand[], node.attributes);
}

/** A conditional: the words of each branch, which computes the outputs where they are, or moves there what it has elsewhere. */
function lowerConditional(emitter: Emitter, node: ConditionalNode, plan: ConditionalPlan, places: Running): void {
  const { branches } = node.op.conditional;
  const [condition, ...inputs] = node.inputs as readonly Value[];
  const room = places.room(plan);
  const emitBranch = (index: number): void => {
    const { feeds, outputs } = branches[index]!;
    const planned = plan.branches[index]!;
    const given = new Map(feeds.map(({ outputs: [feed] }, i) => [feed!, places.of(inputs[i]!)]));
    const direct = new Map<Value, number>();
    const copied: (readonly [value: Value, to: number])[] = [];
    outputs.forEach((value, i) => {
      const root = planned.root(value);
      const to = places.of(node.outputs[i]!);
      if (root.node.kind === "op" && !planned.tied.has(root) && !direct.has(root)) direct.set(root, to);
      else copied.push([value, to]);
    });
    const inner: Running = {
      constant: (value) => places.constant(value),
      room: (inside) => room + inside.from,
      of(value) {
        const root = planned.root(value);
        return direct.get(root) ?? given.get(root) ?? places.constant(root) ?? room + planned.offsets.get(root)!;
      },
    };
    for (const each of planned.order) lower(emitter, each, planned, inner);
    for (const [value, to] of copied) emitter.emit("move", to, inner.of(value), sizeOf(shapeOf(value)));
  };
  emitter.choose(
    places.of(condition!),
    () => emitBranch(0),
    () => emitBranch(1),
  );
}

/** A loop: what all steps multiply, packed, and the parts of the batch, mostly one. */
function lowerLoop(emitter: Emitter, node: LoopNode, plan: LoopPlan, places: Running): void {
  const room = places.room(plan);
  const { parts } = plan;
  const { body, packed } = parts[0]!;
  for (const { packing, value, offset } of packed.values()) {
    const i = (body.feeds as readonly Node[]).indexOf(value.node);
    const address = i < 0 ? places.constant(value)! : places.of(node.inputs[i]!);
    packing.emit(emitter, { address, shape: shapeOf(value), dtype: value.type.dtype }, room + offset);
  }
  emitter.fork(parts.length, (index) => lowerLoopPart(emitter, node, plan, parts[index]!, places));
}

/**
 * Some rows of a loop, or all: their state moved to a place of its own, or to the first row of its stack, the steps, and the state moved to where it is wanted.
 * Sequences are read and written where they are.
 */
function lowerLoopPart(emitter: Emitter, node: LoopNode, plan: LoopPlan, part: LoopPart, places: Running): void {
  const { step: planned, carried, exchanged, body, packed } = part;
  const { carried: count, sequences, reverse, length: steps } = node.op.loop;
  const length = steps as number;
  const from = places.room(plan);
  const room = from + part.room;
  /** From one step of a sequence to the next. */
  const stepBytes = (sequence: Value): number => 4 * sizeOf(shapeOf(sequence).slice(1));
  const bytesOf = (value: Value): number => 4 * sizeOf(shapeOf(value));
  /** Where the part's rows begin in a step of all rows. */
  const rowsAt = (value: Value, whole: readonly number[]): number =>
    whole[0] === shapeOf(value)[0] ? 0 : 4 * part.row * sizeOf(shapeOf(value).slice(1));
  const shift = rowsOfTrack(reverse);
  /** Where a piece of the state is before or after the step at t; at T, the one after the last. */
  const slots = (side: "before" | "after", t: number): readonly number[] =>
    carried.map((offset, i) => {
      const track = plan.tracks[i];
      if (track === undefined) return from + offset;
      const output = track.before < 0 ? track.after : track.before;
      const first = track.before < 0 ? shift.after : shift.before;
      const stack = node.outputs[output]!;
      const at = places.of(stack) + rowsAt(body.outputs[i]!, shapeOf(node.outputs[i]!));
      return at + (t + shift[side] - first) * stepBytes(stack);
    });
  const stepAt = (index: number): number => (reverse ? length - 1 - index : index);
  const stateAt = (value: Value, i: number): number => places.of(value) + rowsAt(body.outputs[i]!, shapeOf(node.outputs[i]!));
  slots("before", stepAt(0)).forEach((slot, i) =>
    emitter.emit("move", slot, stateAt(node.inputs[i]!, i), sizeOf(shapeOf(body.outputs[i]!))),
  );
  emitter.loop(length, (e, index) => {
    const t = stepAt(index);
    const before = slots("before", t);
    const after = slots("after", t);
    const feedAddresses = new Map<Value, number>();
    body.feeds.forEach(({ outputs: [feed] }, i) => {
      const outer = node.inputs[i]!;
      const isSequence = i >= count && i < count + sequences;
      const at = (): number =>
        places.of(outer) +
        (isSequence ? t * stepBytes(outer) : 0) +
        rowsAt(feed!, isSequence ? shapeOf(outer).slice(1) : shapeOf(outer));
      feedAddresses.set(feed!, i < count ? before[i]! : at());
    });
    // Rows of the outputs: computed there, where the last vector of a row is not the next row's too.
    const direct = new Map<Value, number>();
    const copied: (readonly [value: Value, to: number])[] = [];
    plan.tracks.forEach((track, i) => track && direct.set(planned.root(body.outputs[i]!), after[i]!));
    const onTracks = new Set(plan.tracks.flatMap((track) => (track === undefined ? [] : [track.before, track.after])));
    body.outputs.slice(count).forEach((value, k) => {
      if (onTracks.has(count + k)) return;
      const stack = node.outputs[count + k]!;
      const to = places.of(stack) + t * stepBytes(stack) + rowsAt(value, shapeOf(stack).slice(1));
      const root = planned.root(value);
      if (root.node.kind === "op" && !planned.tied.has(root) && bytesOf(value) % vectorBytes === 0 && !direct.has(root))
        direct.set(root, to);
      else copied.push([value, to]);
    });
    const inner: Running = {
      constant: (value) => places.constant(value),
      room: (inside) => room + inside.from,
      packed(each) {
        const operand = packed.get(each);
        return operand && { input: operand.packing.input, at: from + operand.offset };
      },
      of(value) {
        const root = planned.root(value);
        return direct.get(root) ?? feedAddresses.get(root) ?? places.constant(root) ?? room + planned.offsets.get(root)!;
      },
    };
    const move = (to: number, value: Value, place: number): void => {
      if (to !== place) e.emit("move", to, place, sizeOf(shapeOf(value)));
    };
    for (const each of planned.order) lower(e, each, planned, inner);
    for (const [value, to] of copied) move(to, value, inner.of(value));
    // Where one piece of the state becomes another it is put aside before that is written.
    const next = body.outputs.slice(0, count);
    const isExchanged = next.map((value, i) => after.some((slot, k) => k !== i && slot === inner.of(value)));
    next.forEach((value, i) => isExchanged[i]! && move(from + exchanged[i]!, value, inner.of(value)));
    next.forEach((value, i) => move(after[i]!, value, isExchanged[i]! ? from + exchanged[i]! : inner.of(value)));
  });
  slots("before", stepAt(length)).forEach((slot, i) =>
    emitter.emit("move", stateAt(node.outputs[i]!, i), slot, sizeOf(shapeOf(body.outputs[i]!))),
  );
}
