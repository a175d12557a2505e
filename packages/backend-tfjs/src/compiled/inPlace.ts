/**
 * Optimizers' steps on TensorFlow's kernels that write variables where they stand: one pass over a parameter instead of a dozen.
 * ResourceApplyAdam has its bias corrections before the root and its epsilon behind it; fed with the step's own scalars it is PyTorch's.
 */
import type { Graph, OpNode, Value, Variable } from "@ermine/core";
import { binary, scalar } from "../lowering/calls.js";
import type { Operand } from "../lowering/emitter.js";
import { add, downhill, mul, scalarAt, updateLowerings, type AdamOptions, type SgdOptions } from "../lowering/updates.js";
import type { GraphEmitter } from "./emitter.js";

/** A step whose new values nothing but the variables themselves takes. */
export interface InPlaceStep {
  readonly node: OpNode;
  /** The parameter and what is kept beside it: the places to write. */
  readonly variables: readonly Variable[];
}

/** The steps of a graph that can be taken in place. */
export function inPlaceSteps(graph: Graph): ReadonlyMap<OpNode, InPlaceStep> {
  const taken = new Map(graph.updates.map(({ variable, value }) => [value, variable]));
  const used = new Set<Value | undefined>([...graph.outputs, graph.commit]);
  for (const node of graph.nodes) if (node.kind === "op") for (const input of node.inputs) used.add(input);
  const steps = new Map<OpNode, InPlaceStep>();
  for (const node of graph.nodes) {
    if (node.kind !== "op" || !(node.op.name in updateLowerings)) continue;
    const places = [node.inputs[0]!, ...node.inputs.slice(2, -1)];
    const variables = places.flatMap((value) => (value?.node.kind === "variable" ? [value.node.variable] : []));
    const fits = node.outputs.every(
      (value, i) => variables[i] !== undefined && taken.get(value) === variables[i] && !used.has(value),
    );
    if (fits && variables.length === node.outputs.length && new Set(variables).size === variables.length)
      steps.set(node, { node, variables });
  }
  return steps;
}

/** What such a step computes with: the gradient, the scalars, and the parameter where it decays. */
export function readInPlace({ node }: InPlaceStep): readonly (Value | undefined)[] {
  const { weightDecay } = node.attributes["options"] as AdamOptions | SgdOptions;
  return [...(weightDecay === 0 ? [] : [node.inputs[0]]), node.inputs[1], node.inputs.at(-1)];
}

export interface Place {
  /** The variable's resource. */
  readonly handle: string;
  /** Its value as the step found it; undefined where nothing computes with it. */
  readonly read: Operand | undefined;
}

/** What an in-place step needs of the graph around it. */
export interface Surroundings {
  readonly emitter: GraphEmitter;
  /** The name of the node to make. */
  readonly name: string;
  /** The value where the step is taken; dead, with all that needs it, where it is not. */
  gate(handle: string): string;
  /** Control inputs: who must have read the variables before. */
  readonly after: readonly string[];
}

const float = { type: "float32" } as const;

/** Writes the step down. Gives the node that every later one waits for. */
export function applyInPlace(
  around: Surroundings,
  node: OpNode,
  places: readonly Place[],
  gradient: Operand,
  scalars: Operand,
): string {
  const options = node.attributes["options"];
  if (node.op.name === "sgdUpdate") return applySgd(around, places, gradient, scalars, options as SgdOptions);
  const adam = options as AdamOptions;
  const decoupled = node.op.name === "adamwUpdate" || adam.decoupledWeightDecay === true;
  return applyAdam(around, places, gradient, scalars, adam, decoupled);
}

function applyAdam(
  around: Surroundings,
  places: readonly Place[],
  g: Operand,
  scalars: Operand,
  options: AdamOptions,
  decoupled: boolean,
): string {
  const { emitter: e, name, gate, after } = around;
  const [p, m, v] = places as [Place, Place, Place];
  const factor = scalarAt(e, scalars, 2);
  let gradient = downhill(e, g, options.maximize);
  const waits = [...after];
  if (options.weightDecay !== 0 && decoupled) {
    const start = gate(e.handle(mul(e, p.read!, factor)));
    const decay = e.node(`${name}/decay`, "AssignVariableOp", [p.handle, start, ...after], { dtype: float });
    waits.push(`^${decay}`);
  } else if (options.weightDecay !== 0) gradient = add(e, gradient, mul(e, p.read!, factor));
  // lr/(1 − β₁ᵗ) · m / (√v · s + ε), s = 1/√(1 − β₂ᵗ), is (lr/(1 − β₁ᵗ)/s) · m / (√v + ε/s).
  const root = scalarAt(e, scalars, 1);
  const rate = binary(e, "RealDiv", scalarAt(e, scalars, 0), root);
  const epsilon = binary(e, "RealDiv", scalar(e, options.epsilon), root);
  const numbers = [scalar(e, 0), scalar(e, 0), rate, scalar(e, options.beta1), scalar(e, options.beta2), epsilon].map((x) =>
    e.handle(x),
  );
  const inputs = [p.handle, m.handle, v.handle, ...numbers, gate(e.handle(gradient)), ...waits];
  return e.node(name, "ResourceApplyAdam", inputs, { T: float, use_locking: { bool: false }, use_nesterov: { bool: false } });
}

function applySgd(around: Surroundings, places: readonly Place[], g: Operand, scalars: Operand, options: SgdOptions): string {
  const { emitter: e, name, gate, after } = around;
  const [p, momentum] = places as [Place, Place | undefined];
  const own = downhill(e, g, options.maximize);
  const gradient = gate(e.handle(options.weightDecay === 0 ? own : add(e, own, mul(e, p.read!, scalarAt(e, scalars, 1)))));
  const rate = e.handle(scalarAt(e, scalars, 0));
  const unlocked = { T: float, use_locking: { bool: false } };
  if (momentum === undefined) return e.node(name, "ResourceApplyGradientDescent", [p.handle, rate, gradient, ...after], unlocked);
  const inputs = [p.handle, momentum.handle, rate, gradient, e.handle(scalar(e, options.momentum)), ...after];
  return e.node(name, "ResourceApplyMomentum", inputs, { ...unlocked, use_nesterov: { bool: options.nesterov } });
}
