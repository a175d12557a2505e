/** A planned graph as instructions, with which words are which ops'. */
import { ErmineError, type Graph, type OpNode, type Value, type GraphVariable } from "@ermine/core";
import { checkLookup } from "../machine.js";
import type { Block } from "../block.js";
import { Emitter } from "../emitter.js";
import { loweringOf, type Operand } from "../lower/index.js";
import { sizeOf } from "../lower/operand.js";
import { madeOf } from "./fuse.js";
import type { Plan } from "./plan.js";

/** Where values are. */
export interface Places {
  /** While the program runs. */
  of(value: Value): number;
  /** When it is over. */
  after(value: Value): number;
  variable(variable: GraphVariable): Block;
}

/** The words [from, to) of some ops, or of copies. */
export interface Part {
  readonly nodes: readonly OpNode[];
  readonly from: number;
  readonly to: number;
  /** Is it left out where the step is refused? */
  readonly committed: boolean;
}

export interface Written {
  readonly emitter: Emitter;
  readonly parts: readonly Part[];
}

/** @param fault where the fault word is */
export function write(graph: Graph, planned: Plan, places: Places, fault: number): Written {
  const emitter = new Emitter(fault);
  const { words } = emitter;
  const parts: Part[] = [];
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
  // What only updates look up is checked before any of them is taken.
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

function lower(emitter: Emitter, node: OpNode, planned: Plan, places: Places): void {
  const lowering = loweringOf(node.op);
  if (lowering === undefined) {
    throw new ErmineError("ERMINE_UNSUPPORTED", `The cpu backend has no lowering for ${node.op.name}.`);
  }
  const operand = (value: Value): Operand => ({ address: places.of(value), shape: shapeOf(value), dtype: value.type.dtype });
  // A dead output has no place where the op can leave it out; others keep theirs.
  const outputs = node.outputs.map((value) =>
    planned.used(value) || lowering.optionalOutputs !== true ? operand(value) : undefined,
  );
  const inputs = node.inputs.map((value) => value && operand(value));
  checkLookup(emitter, lowering, inputs, node.attributes, { op: node.op.name, path: node.path });
  lowering.emit(emitter, inputs, outputs as readonly Operand[], node.attributes);
}
