/** Which feeds are indices: what can be checked before a program runs. */
import { reshapeOp } from "../ops/primitives.js";
import { transposeOp } from "../ops/shape.js";
import { checkCall } from "../ir/arguments.js";
import type { Size } from "../types/dim.js";
import type { FeedNode, Graph, OpNode, Value } from "../ir/graph.js";

/** A feed all of whose values are looked up. */
export interface FedLookup {
  /** The feed's name. */
  readonly feed: string;
  /** The op that looks them up, and the path of the layer that asked for it. */
  readonly op: string;
  /** The path of the layer that looks up. */
  readonly path: string;
  /** The length of the axis that they are indices of: each must be in 0 … size − 1. */
  readonly size: Size;
}

/** Does it change the place of values, and leave out none? */
const isMoving = ({ op }: OpNode): boolean => Object.is(op, reshapeOp) || Object.is(op, transposeOp);

function fedBy(value: Value): FeedNode | undefined {
  const { node } = value;
  if (node.kind === "feed") return node;
  return node.kind === "op" && isMoving(node) ? fedBy(node.inputs[0]!) : undefined;
}

/**
 * The look-ups whose indices are fed as they are. Indices that are computed are not among them: a program checks those when it runs.
 *
 * @param graph without nodes that nobody reads (`eliminateDead`)
 */
export function fedLookups(graph: Graph): FedLookup[] {
  checkCall("fedLookups(graph)", arguments);
  const lookups = new Map<string, FedLookup>();
  for (const node of graph.nodes) {
    if (node.kind !== "op" || node.op.lookup === undefined) continue;
    const { input, size } = node.op.lookup(
      node.inputs.map((value) => value?.type),
      node.attributes,
    );
    const feed = fedBy(node.inputs[input]!);
    if (feed === undefined) continue;
    const key = `${feed.name} ${String(size)}`;
    if (!lookups.has(key)) lookups.set(key, { feed: feed.name, op: node.op.name, path: node.path, size });
  }
  return [...lookups.values()];
}
