/** What of an op's inputs its kernel reads. What no kernel reads is not computed, and a loop does not stack it. */
import { eliminateDead, mapOps, mapSubgraphs, type Graph, type Node, type OpNode, type Value } from "@ermine/core/backend";
import { loweringOf, pointwiseOf } from "../lower/index.js";
import type { Step } from "../lower/pointwise.js";

/** The node as a step of a chain, where it is one. */
export function stepOf(node: Node): Step | undefined {
  if (node.kind !== "op" || node.outputs.length !== 1) return undefined;
  return pointwiseOf(node.op)?.step(
    node.inputs.map((value) => value?.type.dtype),
    node.attributes,
    node.outputs[0]!.type.dtype,
  );
}

/** The inputs that an op reads where it is lowered by itself, undefined in the places of others. */
export function inputsRead({ op, inputs }: OpNode): readonly (Value | undefined)[] {
  const unused = loweringOf(op)?.unusedInputs;
  return unused === undefined ? inputs : inputs.map((value, i) => (unused.includes(i) ? undefined : value));
}

/** The graph without what is computed, or stacked by a loop, for none of the kernels. */
export function withKernelInputs(graph: Graph): Graph {
  return eliminateDead(onlyKernelInputs(graph));
}

const onlyKernelInputs = (graph: Graph): Graph =>
  mapOps(graph, (node) => {
    const reads = stepOf(node)?.reads;
    const inputs = inputsRead(node).map((value, i) => ((reads?.includes(i) ?? true) ? value : undefined));
    return { op: mapSubgraphs(node.op, onlyKernelInputs), inputs };
  });
