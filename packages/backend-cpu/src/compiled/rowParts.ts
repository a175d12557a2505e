/**
 * Loops over a batch whose rows do not meet, as those of recurrent layers: each part of the rows goes through all steps by itself, so that threads meet once for a
 * loop and not several times for each step.
 */
import {
  subgraphsOf,
  withNodes,
  type Graph,
  type Loop,
  type LoopOp,
  type Node,
  type OpNode,
  type Value,
} from "@ermine/core/backend";
import type { Op } from "@ermine/core/define";
import { loweringOf, pointwiseOf } from "../lower/index.js";
import { sizeOf } from "../lower/operand.js";

/** Some rows of the batch, and the body for so many. Parts of as many rows have one body. */
export interface RowPart {
  /** The first row. */
  readonly from: number;
  readonly body: Graph;
}

/** The op of a loop that runs in parts. */
interface PartedLoopOp extends LoopOp {
  readonly parts: readonly RowPart[];
}

/** The parts of a loop; undefined: it runs as a whole. */
export const rowPartsOf = (op: Op): readonly RowPart[] | undefined => (op as Partial<PartedLoopOp>).parts;

/** All graphs that the op may run. */
export const bodiesOf = (op: Op): readonly Graph[] => [
  ...subgraphsOf(op),
  ...new Set((rowPartsOf(op) ?? []).map(({ body }) => body)),
];

/** The loop with its body as `change` says, in parts where its rows do not meet. */
export function inRowParts(op: LoopOp, change: (graph: Graph) => Graph): LoopOp {
  const parts = partsOf(op.loop);
  const changed = op.with({ body: change(op.loop.body) });
  if (parts === undefined) return changed;
  const bodies = new Map([...new Set(parts.map(({ body }) => body))].map((body) => [body, change(body)]));
  const parted: PartedLoopOp = { ...changed, parts: parts.map(({ from, body }) => ({ from, body: bodies.get(body)! })) };
  return parted;
}

const shapeOf = (value: Value): readonly number[] => value.type.shape as readonly number[];

/** A part has as many rows or more: below them a product has a kernel of its own. */
const fewest = 4;
/** Rows of a part where there are enough, and the most parts. */
const usual = 8;
const mostParts = 8;
/** Floating-point operations of a loop that are worth parts, and the most of one part: whoever waits for a part longer than a minute takes its thread for lost. */
const worth = 2 ** 20;
const mostOfPart = 2 ** 36;
/** Elements of the largest factor that all parts read: a larger one would not stay in a core's cache, and each step's product is cut by its columns instead. */
const largestShared = 2 ** 18;

/** The sizes of the parts, from the number of rows alone: whole vectors of rows, but for the last. */
function sizesOf(rows: number): readonly number[] {
  const fours = (count: number): number => Math.ceil(count / fewest) * fewest;
  const each = rows < 2 * usual ? fours(rows / 2) : Math.max(usual, fours(rows / mostParts));
  const count = Math.floor(rows / each);
  const rest = rows - count * each;
  const sizes = Array.from({ length: count }, () => each);
  if (rest >= fewest) sizes.push(rest);
  else if (count > 0) sizes[count - 1]! += rest;
  return sizes;
}

function partsOf(loop: Loop): readonly RowPart[] | undefined {
  const { body, carried } = loop;
  const rows = carried === 0 ? undefined : shapeOf(body.feeds[0]!.outputs[0]!)[0];
  if (rows === undefined || rows < 2 * fewest) return undefined;
  const sizes = sizesOf(rows);
  const flops = (loop.length as number) * body.nodes.reduce((sum, node) => sum + (node.kind === "op" ? flopsOf(node) : 0), 0);
  if (sizes.length < 2 || flops < worth || flops / sizes.length > mostOfPart) return undefined;
  const parted = partedValues(loop, rows);
  if (parted === undefined || !sharesLittle(body, parted)) return undefined;
  const bodies = new Map([...new Set(sizes)].map((size) => [size, withRows(body, parted, size)]));
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return { from: from - size, body: bodies.get(size)! };
  });
}

function flopsOf({ op, inputs, outputs, attributes }: OpNode): number {
  const [given, results] = [inputs, outputs].map((values) => values.map((value) => value?.type));
  return op.flops?.(given!, results!, attributes) ?? Math.max(0, ...outputs.map((value) => sizeOf(shapeOf(value))));
}

const sharesLittle = (body: Graph, parted: ReadonlySet<Value>): boolean =>
  body.nodes.every(
    (node) =>
      node.kind !== "op" ||
      !node.inputs.some((value) => value !== undefined && parted.has(value)) ||
      node.inputs.every((value) => value === undefined || parted.has(value) || sizeOf(shapeOf(value)) <= largestShared),
  );

/** The values of a step that have the batch's rows, each made of the same row of others; undefined where rows meet. */
function partedValues(loop: Loop, rows: number): ReadonlySet<Value> | undefined {
  const captured = new Set<Value>();
  for (;;) {
    const before = captured.size;
    const parted = partedWith(loop, rows, captured);
    if (parted !== undefined || captured.size === before) return parted;
  }
}

/** @param captured what is read from outside and has the batch's rows: added to where one is found, and the walk begins again */
function partedWith({ body, carried, sequences }: Loop, rows: number, captured: Set<Value>): ReadonlySet<Value> | undefined {
  const parted = new Set<Value>(captured);
  const hasRows = (value: Value): boolean => shapeOf(value)[0] === rows;
  const outside = new Set<Value>();
  body.feeds.forEach(({ outputs: [value] }, i) => {
    if (i >= carried + sequences) outside.add(value!);
    else if (hasRows(value!)) parted.add(value!);
  });
  if (body.feeds.some(({ outputs: [value] }, i) => i < carried && !parted.has(value!))) return undefined;
  for (const node of body.nodes) {
    if (node.kind !== "op") continue;
    if (loweringOf(node.op)?.lookup !== undefined || subgraphsOf(node.op).length > 0) return undefined;
    // A fill has any rows.
    if (node.inputs.length === 0 && loweringOf(node.op)?.constant !== undefined && hasRows(node.outputs[0]!)) {
      parted.add(node.outputs[0]!);
      continue;
    }
    if (!node.inputs.some((value) => value !== undefined && parted.has(value))) continue;
    if (pointwiseOf(node.op) !== undefined && node.outputs.length === 1) {
      const rank = shapeOf(node.outputs[0]!).length;
      for (const value of node.inputs) {
        if (value === undefined) continue;
        const isAligned = shapeOf(value).length === rank && hasRows(value);
        if (parted.has(value) ? !isAligned : isAligned) {
          if (outside.has(value)) captured.add(value);
          return undefined;
        }
      }
    } else if (attributesFor(node, parted, rows) === undefined) return undefined;
    if (!node.outputs.every(hasRows)) return undefined;
    for (const value of node.outputs) parted.add(value);
  }
  return body.outputs.every((value) => parted.has(value)) ? parted : undefined;
}

/** The attributes of an op over so many rows; undefined where its rows meet. */
function attributesFor(node: OpNode, parted: ReadonlySet<Value>, rows: number): OpNode["attributes"] | undefined {
  if (pointwiseOf(node.op) !== undefined) return node.attributes;
  const types = node.inputs.map((value) => value && { shape: shapeOf(value), dtype: value.type.dtype });
  return loweringOf(node.op)?.inRows?.(
    rows,
    node.inputs.map((value) => value !== undefined && parted.has(value)),
    types,
    node.attributes,
  );
}

/** The body over so many rows. */
function withRows(body: Graph, parted: ReadonlySet<Value>, rows: number): Graph {
  const replaced = new Map<Value, Value>();
  const look = (value: Value): Value => replaced.get(value)!;
  const nodes = body.nodes.map((node): Node => {
    const outputs: Value[] = [];
    const copy: Node = node.kind === "op" ? opWithRows(node, parted, rows, outputs, look) : { ...node, outputs };
    node.outputs.forEach((value, index) => {
      const shape = parted.has(value) ? [rows, ...shapeOf(value).slice(1)] : value.type.shape;
      outputs.push({ node: copy, index, type: { ...value.type, shape } });
      replaced.set(value, outputs[index]!);
    });
    return copy;
  });
  return withNodes(body, nodes, look);
}

function opWithRows(
  node: OpNode,
  parted: ReadonlySet<Value>,
  rows: number,
  outputs: readonly Value[],
  look: (value: Value) => Value,
): OpNode {
  const isParted = parted.has(node.outputs[0]!);
  const { shape } = node.attributes as { readonly shape?: readonly number[] };
  const attributes = !isParted
    ? node.attributes
    : node.inputs.length === 0
      ? { ...node.attributes, shape: [rows, ...shape!.slice(1)] }
      : attributesFor(node, parted, rows)!;
  return { ...node, attributes, outputs, inputs: node.inputs.map((value) => value && look(value)) };
}
