/** Running a plan: each node's operator over what its inputs stand for. */
import { ErmineError, Tensor } from "@ermine/core";
import { Attributes } from "./attributes.js";
import { isRoutine, type Body, type PlannedNode, type Routine } from "./plan.js";
import { Call, type Operator, type Result, type Run } from "./operators/operator.js";
import { Value, type HostArray } from "./value.js";

/** Names and what they stand for; a graph inside of a node sees those around it. */
export class Environment {
  readonly #values = new Map<string, Value>();
  readonly #outer: Environment | undefined;

  constructor(outer?: Environment) {
    this.#outer = outer;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  get(name: string): Value | undefined {
    return this.#values.get(name) ?? this.#outer?.get(name);
  }
}

/** What calls of a function have in common with its body. */
interface Frame {
  readonly run: Run;
  readonly environment: Environment;
  /** Of the function's call: its attributes, and those that it may leave out. */
  readonly call: { readonly attributes: Attributes; readonly routine: Routine } | undefined;
}

/** Runs the nodes; `environment` gets what they make. */
export function runNodes(nodes: readonly PlannedNode[], run: Run, environment: Environment): void {
  walk(nodes, { run, environment, call: undefined });
}

function walk(nodes: readonly PlannedNode[], frame: Frame): void {
  for (const node of nodes) {
    try {
      const results = isRoutine(node.runs) ? called(node, node.runs, frame) : operated(node, node.runs, frame);
      node.outputs.forEach((name, i) => {
        const value = results[i];
        if (name !== "" && value !== undefined) frame.environment.set(name, value);
      });
    } catch (error) {
      throw asErmineError(error, node.label);
    }
  }
}

/**
 * The error with the node. A node whose inputs have other ranks, or whose attributes are others, than its operator knows of ends in an error of the engine's: the file says
 * what cannot be.
 */
function asErmineError(error: unknown, label: string): unknown {
  if (error instanceof ErmineError) return error.at(label);
  if (!(error instanceof TypeError || error instanceof RangeError)) return error;
  return new ErmineError("ERMINE_DATA", `${label}: its inputs and attributes do not fit the operator (${error.message}).`, {
    cause: error,
  });
}

const inputsOf = (node: PlannedNode, environment: Environment): readonly (Value | undefined)[] =>
  node.inputs.map((name) => {
    if (name === "") return undefined;
    const value = environment.get(name);
    if (value === undefined)
      throw new ErmineError("ERMINE_DATA", `The value ${JSON.stringify(name)} is not there: no output of a node before it.`);
    return value;
  });

function attributesOf(node: PlannedNode, { call }: Frame): Attributes {
  return call === undefined ? node.attributes : node.attributes.within(call.attributes, call.routine.defaults);
}

function called(node: PlannedNode, routine: Routine, frame: Frame): readonly (Value | undefined)[] {
  const inputs = inputsOf(node, frame.environment);
  const defined = routine.definition?.run(inputs);
  if (defined !== undefined) return defined;
  const environment = new Environment();
  inputs.forEach((value, i) => {
    const name = routine.inputs[i];
    if (name === undefined)
      throw new ErmineError(
        "ERMINE_DATA",
        `It gives ${node.inputs.length} inputs, and the function takes ${routine.inputs.length}.`,
      );
    if (value !== undefined) environment.set(name, value);
  });
  walk(routine.nodes, { run: frame.run, environment, call: { attributes: attributesOf(node, frame), routine } });
  return routine.outputs.map((name) => environment.get(name));
}

function operated(node: PlannedNode, operator: Operator, frame: Frame): readonly (Value | undefined)[] {
  const inputs = inputsOf(node, frame.environment);
  const bodyOf = (name: string): Body => {
    const body = node.bodies.get(name);
    if (body === undefined) throw new ErmineError("ERMINE_DATA", `Its graph ${JSON.stringify(name)} is left out.`);
    return body;
  };
  const call = new Call({
    opset: node.opset,
    attributes: attributesOf(node, frame),
    inputs: trimmed(inputs),
    names: node.inputs,
    outputs: node.outputs.length,
    used: node.outputs.map((name) => name !== ""),
    run: frame.run,
    body: (name, given) => runBody(bodyOf(name), given, frame),
  });
  const folded = foldedResult(operator, call);
  if (folded !== undefined) return folded;
  return valuesOf(operator.run(call));
}

/** Inputs that are left out at the end are none. */
function trimmed<T>(inputs: readonly (T | undefined)[]): readonly (T | undefined)[] {
  return inputs.slice(0, inputs.findLastIndex((input) => input !== undefined) + 1);
}

/** What the operator gives on the host, where the host knows all that it takes. */
function foldedResult(operator: Operator, call: Call): readonly Value[] | undefined {
  if (operator.fold === undefined || call.inputs.length === 0) return undefined;
  if (!call.inputs.every((value) => value === undefined || value.host !== undefined)) return undefined;
  const result = operator.fold(
    call,
    call.inputs.map((value) => value?.host),
  );
  if (result === undefined) return undefined;
  const list = (Array.isArray(result) ? result : [result]) as readonly HostArray[];
  return list.map((host) => Value.host(host));
}

function valuesOf(result: Result): readonly (Value | undefined)[] {
  const list = (Array.isArray(result) ? result : [result]) as readonly (Tensor | Value | undefined)[];
  return list.map((item) => (item instanceof Tensor ? Value.of(item) : item));
}

function runBody(body: Body, inputs: readonly Value[], frame: Frame): readonly Value[] {
  const environment = new Environment(frame.environment);
  for (const [name, value] of body.constants) environment.set(name, value);
  body.inputs.forEach((name, i) => {
    const value = inputs[i];
    if (value !== undefined) environment.set(name, value);
  });
  walk(body.nodes, { ...frame, environment });
  return body.outputs.map((name) => {
    const value = environment.get(name);
    if (value === undefined)
      throw new ErmineError("ERMINE_DATA", `A graph inside of it does not make its output ${JSON.stringify(name)}.`);
    return value;
  });
}
