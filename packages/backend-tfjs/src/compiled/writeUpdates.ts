/** New values of variables: written in a graph after everything that reads the old ones, and only where the step is taken. */
import type { DType } from "@ermine/core";
import type { Graph, GraphVariable, OpNode, Value } from "@ermine/core/backend";
import type { Operand } from "../lowering/emitter.js";
import type { GraphEmitter } from "./emitter.js";
import { applyInPlace, type InPlaceStep } from "./inPlace.js";
import { token } from "./sharedNodes.js";

/** One entry in the making. */
export interface Draft {
  readonly prefix: string;
  readonly emitter: GraphEmitter;
  readonly graph: Graph;
  /** The variables' names in the graph. */
  readonly names: ReadonlyMap<GraphVariable, string>;
  readonly values: ReadonlyMap<Value, Operand>;
  /** The node that reads a variable, where one does. */
  readonly reads: ReadonlyMap<GraphVariable, Operand>;
  readonly inPlace: ReadonlyMap<OpNode, InPlaceStep>;
  readonly threads: number;
  /** The nodes by which all ops that look up or add by index have succeeded: no variable is written before. */
  readonly checked: readonly string[];
  /** A value in memory of TensorFlow's own, its axes in order. */
  owned(value: Value): string;
}

/**
 * Writes variables after their old values were read; where there is a commit condition, behind a Switch, so that a step that is not
 * taken computes and copies nothing. Gives what an output must come after.
 */
export function writeUpdates(draft: Draft): readonly string[] {
  const { emitter, prefix, graph, names, values, reads, inPlace, owned, threads, checked } = draft;
  if (graph.updates.length === 0) return [];
  const condition = graph.commit === undefined ? undefined : owned(graph.commit);
  const gates = new Map<string, string>();
  const gateFor =
    (dtype: DType) =>
    (handle: string): string => {
      if (condition === undefined) return handle;
      const cached = gates.get(handle);
      if (cached !== undefined) return cached;
      const gated = `${emitter.node(`${prefix}/gate${gates.size}`, "Switch", [handle, condition], { T: { type: dtype } })}:1`;
      gates.set(handle, gated);
      return gated;
    };
  const stepped = new Set([...inPlace.values()].flatMap(({ variables }) => variables));
  // Every new value is named before the first variable is written: what reads the old ones is complete.
  const plain = graph.updates
    .filter(({ variable }) => !stepped.has(variable))
    .map(({ variable, value }) => ({ variable, dtype: value.type.dtype, handle: owned(value) }));
  const laterReaders = readersBeside(emitter, prefix);
  const lookedUp = checked.map((name) => `^${name}`);
  const writes = plain.map(({ variable, dtype, handle }) => {
    const name = names.get(variable)!;
    const read = reads.get(variable);
    const after = [...(read === undefined ? [] : [`^${read.handle}`]), ...lookedUp];
    return emitter.node(`${prefix}/assign_${name}`, "AssignVariableOp", [name, gateFor(dtype)(handle), ...after], {
      dtype: { type: dtype },
    });
  });
  for (const step of inPlace.values()) {
    const { node, variables } = step;
    const places = variables.map((variable) => ({ handle: names.get(variable)!, read: reads.get(variable) }));
    const name = `${prefix}/step_${names.get(variables[0]!)!}`;
    const [gradient, scalars] = [node.inputs[1]!, node.inputs.at(-1)!].map((value) => values.get(value)!) as [Operand, Operand];
    const read = places.flatMap((place) => (place.read === undefined ? [] : [emitter.handle(place.read)]));
    const after = [...laterReaders(read, emitter.handle(gradient)), ...lookedUp];
    writes.push(applyInPlace({ emitter, name, gate: gateFor("float32"), after, threads }, step, places, gradient, scalars));
  }
  const dependencies = writes.map((name) => `^${name}`);
  if (condition === undefined) return dependencies;
  const T = { type: "int32" } as const;
  const branch = emitter.node(`${prefix}/branch`, "Switch", [token, condition], { T });
  const refused = emitter.node(`${prefix}/refused`, "Identity", [branch], { T });
  const committed = emitter.node(`${prefix}/committed`, "Identity", [`${branch}:1`, ...dependencies], { T });
  const done = emitter.node(`${prefix}/done`, "Merge", [refused, committed], { T, N: { int: 2 } });
  return [`^${done}`];
}

/**
 * Control inputs for a kernel that writes in place: the reads, and what computes with them but not on the way to the gradient (which
 * the kernel waits for anyway). It would copy the variable first where somebody still holds it. No more than those: TensorFlow does not
 * fuse an op that others wait for.
 */
function readersBeside(emitter: GraphEmitter, prefix: string): (reads: readonly string[], gradient: string) => string[] {
  const partNodes = new Map(emitter.nodes.filter(({ name }) => name.startsWith(`${prefix}/`)).map((node) => [node.name, node]));
  const readers = new Map<string, string[]>();
  for (const { name, inputs } of partNodes.values()) {
    for (const input of inputs) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [name]);
      else list.push(name);
    }
  }
  return (reads, gradient) => {
    const before = new Set<string>();
    const pending = [gradient];
    while (pending.length > 0) {
      const name = pending.pop()!.replace(/^\^|:\d+$/g, "");
      if (before.has(name)) continue;
      before.add(name);
      pending.push(...(partNodes.get(name)?.inputs ?? []));
    }
    const later = reads.flatMap((read) => readers.get(read) ?? []).filter((name) => !before.has(name));
    return [...new Set([...reads, ...later])].map((name) => `^${name}`);
  };
}
