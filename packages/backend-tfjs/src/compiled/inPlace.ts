/**
 * Optimizers' steps on TensorFlow's kernels that write variables where they stand: one pass over a parameter instead of a dozen.
 * ResourceApplyAdam has its bias corrections before the root and its epsilon after it; fed with the step's own scalars it is PyTorch's.
 */
import type { Graph, OpNode, Value, GraphVariable } from "@ermine/core/backend";
import { binary, scalar, unary } from "../lowering/calls.js";
import type { Operand } from "../lowering/emitter.js";
import { add, downhill, mul, namedScalars, updateRuleOf, type NamedScalars, type UpdateRule } from "../lowering/updates.js";
import type { GraphEmitter } from "./emitter.js";

/** A step whose new values nothing but the variables themselves takes. */
export interface InPlaceStep {
  readonly node: OpNode;
  readonly rule: UpdateRule;
  /** The parameter and what is kept beside it: the places to write. */
  readonly variables: readonly GraphVariable[];
}

/** The steps of a graph that can be taken in place. */
export function inPlaceSteps(graph: Graph): ReadonlyMap<OpNode, InPlaceStep> {
  const updatedBy = new Map(graph.updates.map(({ variable, value }) => [value, variable]));
  const used = new Set<Value | undefined>([...graph.outputs, graph.commit]);
  for (const node of graph.nodes) if (node.kind === "op") for (const input of node.inputs) used.add(input);
  const steps = new Map<OpNode, InPlaceStep>();
  for (const node of graph.nodes) {
    const rule = node.kind === "op" ? updateRuleOf(node.op, node.attributes) : undefined;
    if (node.kind !== "op" || rule === undefined) continue;
    const places = [node.inputs[0]!, ...node.inputs.slice(2, -1)];
    const variables = places.flatMap((value) => (value?.node.kind === "variable" ? [value.node.variable] : []));
    const fits = node.outputs.every(
      (value, i) => variables[i] !== undefined && updatedBy.get(value) === variables[i] && !used.has(value),
    );
    if (fits && variables.length === node.outputs.length && new Set(variables).size === variables.length)
      steps.set(node, { node, rule, variables });
  }
  return steps;
}

/**
 * ResourceApplyAdam takes its work for as large as the square of the parameter's size, and gives some of it to other threads, which costs
 * more than the step of a few thousand numbers (60 µs): those are taken in passes that no thread helps with. Many more numbers, and the
 * passes' own kernels wake threads, each of them.
 */
function isTakenInPasses({ shape }: GraphVariable, threads: number): boolean {
  const size = shape.reduce((a, b) => a * b, 1);
  const packets = size % 8 === 0 ? size / 8 : size;
  return threads > 1 && packets > 40 && size <= 20_000;
}

const isAdam = ({ rule }: InPlaceStep): boolean => rule.kernel === "adam";

/** The operands of such a step: the gradient, the scalars, the parameter where it decays, and in passes the moments. */
export function readInPlace(step: InPlaceStep, threads: number): readonly (Value | undefined)[] {
  const { node, rule, variables } = step;
  const moments = isAdam(step) && isTakenInPasses(variables[0]!, threads) ? node.inputs.slice(2, 4) : [];
  return [...(rule.decay === "none" ? [] : [node.inputs[0]]), node.inputs[1], ...moments, node.inputs.at(-1)];
}

export interface UpdatedVariable {
  /** The variable's resource. */
  readonly handle: string;
  /** Its value as the step found it; undefined where nothing computes with it. */
  readonly read: Operand | undefined;
}

/** The graph around an in-place step. */
export interface Surroundings {
  readonly emitter: GraphEmitter;
  /** The name of the node to make. */
  readonly name: string;
  /** The value where the step is taken; dead, with all that needs it, where it is not. */
  gate(handle: string): string;
  /** Control inputs: who must have read the variables before. */
  readonly after: readonly string[];
  /** Within TensorFlow's ops. */
  readonly threads: number;
}

const float = { type: "float32" } as const;

/** Writes the step down. Gives the node that every later one waits for. */
export function applyInPlace(
  around: Surroundings,
  step: InPlaceStep,
  places: readonly UpdatedVariable[],
  gradient: Operand,
  scalars: Operand,
): string {
  const { node, rule, variables } = step;
  const named = namedScalars(around.emitter, scalars, node.attributes);
  if (!isAdam(step)) return applySgd(around, places, gradient, named, rule);
  const kernel = isTakenInPasses(variables[0]!, around.threads) ? adamInPasses : adamAtOnce;
  return applyAdam(around, places, gradient, named, rule, kernel);
}

/** Everything of a step of Adam's that has been settled: the parameter has decayed, the gradient is behind the gate. */
interface AdamStep {
  readonly places: readonly UpdatedVariable[];
  readonly gradient: Operand;
  readonly rate: Operand;
  readonly eps: Operand;
  readonly scalars: NamedScalars;
  /** Control inputs for who writes. */
  readonly waits: readonly string[];
}

const unlocked = { use_locking: { bool: false } } as const;

function adamAtOnce({ emitter: e, name }: Surroundings, step: AdamStep): string {
  const { places, gradient, rate, eps, scalars, waits } = step;
  const values = [scalar(e, 0), scalar(e, 0), rate, scalars("beta1"), scalars("beta2"), eps];
  const inputs = [...places.map(({ handle }) => handle), ...[...values, gradient].map((x) => e.handle(x)), ...waits];
  return e.node(name, "ResourceApplyAdam", inputs, { T: float, ...unlocked, use_nesterov: { bool: false } });
}

/** m −= (1 − β₁)(m − g), v −= (1 − β₂)(v − g²), then what Adagrad does with v without adding to it: p −= rate · m / (√v + ε). */
function adamInPasses({ emitter: e, name }: Surroundings, step: AdamStep): string {
  const { places, gradient, rate, eps, scalars, waits } = step;
  const [p, m, v] = places as [UpdatedVariable, UpdatedVariable, UpdatedVariable];
  const towards = (place: UpdatedVariable, x: Operand, scalarName: string, suffix: string): string => {
    const gap = binary(e, "Sub", place.read!, x);
    const inputs = [place.handle, e.handle(scalars(scalarName)), e.handle(gap), ...waits];
    return e.node(`${name}/${suffix}`, "ResourceApplyGradientDescent", inputs, { T: float, ...unlocked });
  };
  const first = towards(m, gradient, "taken1", "first");
  const second = towards(v, unary(e, "Square", gradient), "taken2", "second");
  const moment = e.node(`${name}/moment`, "ReadVariableOp", [m.handle, `^${first}`], { dtype: float });
  const inputs = [p.handle, v.handle, e.handle(rate), e.handle(eps), moment, `^${second}`, ...waits];
  return e.node(name, "ResourceApplyAdagradV2", inputs, { T: float, ...unlocked, update_slots: { bool: false } });
}

function applyAdam(
  around: Surroundings,
  places: readonly UpdatedVariable[],
  g: Operand,
  scalars: NamedScalars,
  rule: UpdateRule,
  kernel: (around: Surroundings, step: AdamStep) => string,
): string {
  const { emitter: e, name, gate, after } = around;
  const p = places[0]!;
  let gradient = downhill(e, g, rule);
  const waits = [...after];
  if (rule.decay === "decoupled") {
    const pull = mul(e, scalars("learningRate"), scalars("weightDecay"));
    const start = gate(e.handle(mul(e, p.read!, binary(e, "Sub", scalar(e, 1), pull))));
    const decay = e.node(`${name}/decay`, "AssignVariableOp", [p.handle, start, ...after], { dtype: float });
    waits.push(`^${decay}`);
  } else if (rule.decay === "L2") gradient = add(e, gradient, mul(e, p.read!, scalars("weightDecay")));
  // lr · first · m / (√v · s + ε) is (lr · first / s) · m / (√v + ε / s).
  const root = scalars("second");
  const rate = binary(e, "RealDiv", mul(e, scalars("learningRate"), scalars("first")), root);
  const eps = binary(e, "RealDiv", scalars("eps"), root);
  const gated = { ...gradient, handle: gate(e.handle(gradient)), permuted: undefined, repeated: undefined };
  return kernel(around, { places, gradient: gated, rate, eps, scalars, waits });
}

function applySgd(
  around: Surroundings,
  places: readonly UpdatedVariable[],
  g: Operand,
  scalars: NamedScalars,
  rule: UpdateRule,
): string {
  const { emitter: e, name, gate, after } = around;
  const [p, momentum] = places as [UpdatedVariable, UpdatedVariable | undefined];
  const slope = downhill(e, g, rule);
  const gradient = gate(e.handle(rule.decay === "none" ? slope : add(e, slope, mul(e, p.read!, scalars("weightDecay")))));
  const rate = e.handle(scalars("learningRate"));
  const attributes = { T: float, ...unlocked };
  if (momentum === undefined)
    return e.node(name, "ResourceApplyGradientDescent", [p.handle, rate, gradient, ...after], attributes);
  const inputs = [p.handle, momentum.handle, rate, gradient, e.handle(scalars("momentum")), ...after];
  return e.node(name, "ResourceApplyMomentum", inputs, { ...attributes, use_nesterov: { bool: rule.nesterov } });
}
