/** Nodes that all parts of a TensorFlow graph share: those of each variable, and a token that control inputs hang on. */
import type { DType } from "@ermine/core";
import { GraphEmitter } from "./emitter.js";
import type { NodeDef } from "./graphDef.js";

/** A number that stands for "it was done". */
export const token = "shared/0_Const";

/** Nodes that every graph has once. */
export function sharedNodes(): readonly NodeDef[] {
  const nodes: NodeDef[] = [];
  new GraphEmitter(nodes, "shared", new Map()).constant(Int32Array.of(1), [], "int32");
  return nodes;
}

/** The fetch that reads a variable, and the feed that writes it. */
export const variableNames = (name: string) => ({
  read: `${name}/read`,
  placeholder: `${name}/in`,
  /** Fetched to write it. */
  write: `${name}/write`,
  /** Fetched to free its memory. */
  destroy: `${name}/destroyed`,
});

/** Fetched to write all variables of a graph. */
export const writeAll = "shared/writeAll";

/** The variables of a graph. */
export function graphVariables(
  variables: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[],
): readonly NodeDef[] {
  const after = variables.map(({ name }) => `^${variableNames(name).write}`);
  const all: NodeDef = { name: writeAll, op: "Identity", inputs: [token, ...after], attributes: { T: { type: "int32" } } };
  return [...variables.flatMap(({ name, dtype, shape }) => variableNodes(name, dtype, shape)), all];
}

/** A variable of the graph, with nodes that read, write and destroy it. */
function variableNodes(name: string, dtype: DType, shape: readonly number[]): readonly NodeDef[] {
  const nodes: NodeDef[] = [];
  const emitter = new GraphEmitter(nodes, name, new Map());
  const { read, placeholder, write, destroy } = variableNames(name);
  const type = { dtype: { type: dtype } } as const;
  const T = { type: "int32" } as const;
  emitter.node(name, "VarHandleOp", [], { container: { string: "" }, shared_name: { string: name }, ...type, shape: { shape } });
  emitter.node(placeholder, "Placeholder", [], { ...type, shape: { shape } });
  // Fed memory may be JavaScript's, which a variable must not live in.
  const copy = emitter.node(`${name}/copy`, "DeepCopy", [placeholder], { T: { type: dtype } });
  const assign = emitter.node(`${name}/assign`, "AssignVariableOp", [name, copy], type);
  emitter.node(write, "Identity", [token, `^${assign}`], { T });
  emitter.node(read, "ReadVariableOp", [name], type);
  const destroyed = emitter.node(`${name}/destroy`, "DestroyResourceOp", [name], { ignore_lookup_error: { bool: true } });
  emitter.node(destroy, "Identity", [token, `^${destroyed}`], { T });
  return nodes;
}
