/** Which pointwise ops run together: neighbours of one size, as long as the groups still have an order to run in. */
import type { Graph, Node, Value } from "@ermine/core/backend";
import type { Step } from "../lower/pointwise.js";

export interface Candidate {
  readonly node: Node;
  readonly step: Step;
  /** Among the graph's nodes. */
  readonly position: number;
  readonly count: number;
  /** Does it run before the step is accepted? Those that do not may write their variables in place. */
  readonly early: boolean;
  /** The values that it reads element by element. */
  readonly joins: readonly Value[];
}

/** Steps of a chain: its instruction's length has 24 bits, and its temporaries should stay in the cache. */
const mostSteps = 48;

interface Cluster {
  members: Candidate[];
  first: number;
  last: number;
}

/**
 * From the last op to the first, each joins the groups of those that read it where nothing in between depends on the one and is needed by the
 * other.
 *
 * @returns groups, each in the order that its ops run in
 */
export function clusters(
  graph: Graph,
  candidates: ReadonlyMap<Node, Candidate>,
  dependencies: (node: Node) => readonly Node[],
): readonly (readonly Candidate[])[] {
  const positions = new Map<Node, number>(graph.nodes.map((node, i) => [node, i]));
  const readers = new Map<Node, Candidate[]>();
  for (const candidate of candidates.values()) {
    for (const { node } of candidate.joins) {
      if (!candidates.has(node)) continue;
      const list = readers.get(node);
      if (list === undefined) readers.set(node, [candidate]);
      else list.push(candidate);
    }
  }
  const clusterOf = new Map<Node, Cluster>();
  for (const candidate of candidates.values()) {
    clusterOf.set(candidate.node, { members: [candidate], first: candidate.position, last: candidate.position });
  }

  /** Would one group of the two have to run both before and after something else? */
  function wouldCreateCycle(above: Cluster, below: Cluster): boolean {
    const inAbove = new Set<Node>(above.members.map(({ node }) => node));
    const inBelow = new Set<Node>(below.members.map(({ node }) => node));
    const joined = new Map<Node, Set<Node>>();
    for (const { node, joins } of [...above.members, ...below.members])
      joined.set(node, new Set(joins.map((value) => value.node)));
    const visited = new Set<Node | Cluster>();
    const reaches = (from: Cluster, inside: ReadonlySet<Node>, target: ReadonlySet<Node>, earliest: number): boolean => {
      const pending: Node[] = [];
      for (const { node } of from.members) {
        for (const needed of dependencies(node)) {
          // Read element by element is no obstacle; read otherwise it is.
          if (inside.has(needed)) continue;
          if (target.has(needed)) {
            if (!joined.get(node)!.has(needed)) return true;
          } else pending.push(needed);
        }
      }
      while (pending.length > 0) {
        const node = pending.pop()!;
        if (target.has(node)) return true;
        const cluster = clusterOf.get(node);
        const unit = cluster ?? node;
        if (visited.has(unit)) continue;
        visited.add(unit);
        if ((cluster?.last ?? positions.get(node) ?? -1) < earliest) continue;
        for (const member of cluster?.members ?? [{ node }]) {
          for (const needed of dependencies(member.node)) pending.push(needed);
        }
      }
      return false;
    };
    if (reaches(below, inBelow, inAbove, above.first)) return true;
    visited.clear();
    return reaches(above, inAbove, inBelow, below.first);
  }

  for (const candidate of [...candidates.values()].toReversed()) {
    for (const reader of (readers.get(candidate.node) ?? []).toSorted((a, b) => a.position - b.position)) {
      const [above, below] = [clusterOf.get(candidate.node)!, clusterOf.get(reader.node)!];
      if (above === below || candidate.count !== reader.count || candidate.early !== reader.early) continue;
      if (above.members.length + below.members.length > mostSteps || wouldCreateCycle(above, below)) continue;
      const members = [...above.members, ...below.members].toSorted((a, b) => a.position - b.position);
      const joint: Cluster = { members, first: Math.min(above.first, below.first), last: Math.max(above.last, below.last) };
      for (const { node } of members) clusterOf.set(node, joint);
    }
  }
  return [...new Set(clusterOf.values())].map(({ members }) => members);
}
