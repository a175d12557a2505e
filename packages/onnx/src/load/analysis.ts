/** What a plan says before it runs: which values are read as sizes, and which a gradient reaches. */
import type { WeightLayout } from "@ermine/core";
import { isRoutine, type PlannedNode, type Routine } from "./plan.js";
import type { Operator } from "./operators/operator.js";

/** Goes through nodes from the last to the first, and adds to `names` what `from` finds that a node needs. */
type Rule = (operator: Operator, node: PlannedNode, isNeeded: boolean) => readonly (string | undefined)[];

function backwards(
  nodes: readonly PlannedNode[],
  seeds: Iterable<string>,
  rule: Rule,
  memo: Map<Routine, Map<string, readonly number[]>>,
): Set<string> {
  const names = new Set(seeds);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const wanted = node.outputs.map((name) => name !== "" && names.has(name));
    const { runs } = node;
    if (isRoutine(runs)) {
      for (const at of insideOf(runs, wanted, rule, memo)) names.add(node.inputs[at] ?? "");
      continue;
    }
    const isNeeded = wanted.includes(true);
    for (const name of rule(runs, node, isNeeded)) if (name !== undefined && name !== "") names.add(name);
    for (const body of node.bodies.values()) {
      const inner = backwards(body.nodes, isNeeded ? body.outputs : [], rule, memo);
      for (const name of inner) names.add(name);
    }
  }
  return names;
}

/** The positions of a function's inputs that are needed for the wanted outputs. */
function insideOf(
  routine: Routine,
  wanted: readonly boolean[],
  rule: Rule,
  memo: Map<Routine, Map<string, readonly number[]>>,
): readonly number[] {
  let positionsByOutputs = memo.get(routine);
  if (positionsByOutputs === undefined) memo.set(routine, (positionsByOutputs = new Map()));
  const key = wanted.join();
  let positions = positionsByOutputs.get(key);
  if (positions === undefined) {
    const names = backwards(
      routine.nodes,
      routine.outputs.filter((_, i) => wanted[i] === true),
      rule,
      memo,
    );
    positions = routine.inputs.flatMap((name, i) => (names.has(name) ? [i] : []));
    positionsByOutputs.set(key, positions);
  }
  return positions;
}

/** The names of values that operators read as sizes, axes or counts, or that such values are computed from on the host. */
export const staticNames = (nodes: readonly PlannedNode[]): ReadonlySet<string> =>
  backwards(
    nodes,
    [],
    (operator, { inputs }, isNeeded) => {
      const statics = (operator.statics ?? []).map((at) => inputs[at]);
      const isFolded = isNeeded && operator.fold !== undefined;
      return isFolded ? [...statics, ...inputs.filter((_, i) => operator.shapesOf?.includes(i) !== true)] : statics;
    },
    new Map(),
  );

/** The names of values that a gradient of the outputs reaches. */
export const differentiableNames = (nodes: readonly PlannedNode[], outputs: readonly string[]): ReadonlySet<string> =>
  backwards(
    nodes,
    outputs,
    (operator, { inputs }, isNeeded) => {
      if (!isNeeded || operator.opaque === "all") return [];
      const { opaque = [], statics = [] } = operator;
      return inputs.filter((_, i) => !opaque.includes(i) && !statics.includes(i));
    },
    new Map(),
  );

/** What the axes of values are to the first operator that says so, by their names. */
export function weightLayouts(
  nodes: readonly PlannedNode[],
  memo: Map<Routine, ReadonlyMap<string, WeightLayout>> = new Map(),
): ReadonlyMap<string, WeightLayout> {
  const layouts = new Map<string, WeightLayout>();
  const note = (name: string | undefined, layout: WeightLayout | undefined): void => {
    if (name !== undefined && name !== "" && layout !== undefined && !layouts.has(name)) layouts.set(name, layout);
  };
  for (const { runs, inputs, attributes, bodies } of nodes) {
    if (isRoutine(runs)) {
      let inside = memo.get(runs);
      if (inside === undefined) memo.set(runs, (inside = weightLayouts(runs.nodes, memo)));
      runs.inputs.forEach((name, i) => note(inputs[i], inside.get(name)));
    } else if (runs.layout !== undefined) inputs.forEach((name, i) => note(name, runs.layout!(i, attributes)));
    for (const body of bodies.values()) for (const [name, layout] of weightLayouts(body.nodes, memo)) note(name, layout);
  }
  return layouts;
}
