/** A traced graph as nodes. */
import { ErmineError, type TypedArray } from "@ermine/core";
import type { Op } from "@ermine/core/define";
import {
  type ConstantNode,
  type Graph,
  type Node,
  type OpNode,
  type Value,
  batchNormOp,
  conditionalOf,
  loopOf,
  randomUniformOp,
  Trace,
} from "@ermine/core/backend";
import { tensorProto } from "../elements.js";
import type { GraphBuilder, Operand } from "./builder.js";
import { writeConditional, writeLoop } from "./control.js";
import { Functions } from "./functions.js";
import { operators, type Call } from "./operators/index.js";

/** The elements of a constant on the host. */
export type ConstantElements = (node: ConstantNode) => TypedArray;

/** Writes graphs into builders; what several of them call is one function. */
export class GraphWriter {
  readonly functions: Functions;
  readonly #elements: ConstantElements;

  constructor(opset: number, elements: ConstantElements) {
    this.#elements = elements;
    this.functions = new Functions(opset, (op, call) => this.#decomposed(op, call));
  }

  /**
   * Adds the nodes that the graph's outputs depend on, and gives the outputs' names.
   *
   * @param given the names of its feeds and variables
   * @throws ErmineError ERMINE_UNSUPPORTED for an op that no file can say
   */
  write(builder: GraphBuilder, graph: Graph, given: ReadonlyMap<Node, string>): readonly string[] {
    const used = usedValues(graph);
    const names = new Map<Value, string>();
    for (const node of graph.nodes) {
      const [value] = node.outputs;
      if (given.has(node)) names.set(value!, given.get(node)!);
      else if (!node.outputs.some((output) => used.has(output))) continue;
      else if (node.kind === "op") this.#call(builder, node, names, used);
      else if (node.kind === "constant") names.set(value!, this.#constant(builder, node));
    }
    return graph.outputs.map((value) => names.get(value)!);
  }

  #constant(builder: GraphBuilder, node: ConstantNode): string {
    const { shape, dtype } = node.outputs[0]!.type;
    return builder.constant(tensorProto(this.#elements(node), shape as readonly number[], dtype));
  }

  #call(builder: GraphBuilder, node: OpNode, names: Map<Value, string>, used: ReadonlySet<Value>): void {
    const call: Call = {
      builder,
      inputs: node.inputs.map((value) => value && operand(names.get(value)!, value)),
      outputs: node.outputs.map(({ type }) => type),
      used: node.outputs.map((value) => used.has(value)),
      attributes: node.attributes,
    };
    const place = node.path === "" ? node.op.name : `${node.path}.${node.op.name}`;
    const outputs = builder.at(place, () => this.#written(node, call));
    const isWhole = outputs.length === node.outputs.length;
    let next = 0;
    node.outputs.forEach((value, i) => {
      if (isWhole) names.set(value, outputs[i]!);
      else if (call.used[i]!) names.set(value, outputs[next++]!);
    });
  }

  /** All outputs, or those that are used. */
  #written(node: OpNode, call: Call): readonly string[] {
    const { op } = node;
    const written = operators().get(op)?.(call);
    if (written !== undefined) return written;
    refuse(node);
    const loop = loopOf(op);
    if (loop !== undefined) return writeLoop(loop, call, (graph, given) => this.write(call.builder, graph, given));
    const conditional = conditionalOf(op);
    if (conditional !== undefined)
      return writeConditional(conditional, call, (graph, given) => this.write(call.builder, graph, given));
    return this.functions.call(op, call) ?? this.#decomposed(op, call);
  }

  /** What the op decomposes to, in the place of its call: the outputs that are used. */
  #decomposed(op: Op, call: Call): readonly string[] {
    if (op.decompose === undefined)
      throw new ErmineError(
        "ERMINE_UNSUPPORTED",
        `The op ${op.name} has neither an operator of ONNX nor a decomposition: state one (decompose).`,
      );
    const trace = new Trace();
    const given = new Map<Node, string>();
    const graph = trace.run(() => {
      const inputs = call.inputs.map((input, i) => input && trace.feed(`${i}`, { ...input, domain: "real" }));
      return trace.finish(op.decompose!(inputs, call.attributes).filter((_, i) => call.used[i]));
    });
    for (const feed of graph.feeds) given.set(feed, call.inputs[Number(feed.name)]!.name);
    return this.write(call.builder, graph, given);
  }
}

const operand = (name: string, { type: { shape, dtype } }: Value): Operand => ({ name, shape, dtype });

/** The values that the outputs depend on. */
function usedValues(graph: Graph): ReadonlySet<Value> {
  const used = new Set<Value>();
  const seen = new Set<Node>();
  const pending: Node[] = [];
  const use = (value: Value): void => {
    used.add(value);
    if (!seen.has(value.node)) pending.push(value.node);
    seen.add(value.node);
  };
  graph.outputs.forEach(use);
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (node.kind === "op") for (const input of node.inputs) if (input !== undefined) use(input);
  }
  return used;
}

/** @throws ErmineError ERMINE_UNSUPPORTED where a model of evaluation would not be one any more */
function refuse({ op, path }: OpNode): void {
  const at = path === "" ? "The model" : path;
  if (op === (randomUniformOp as unknown as Op)) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${at} draws random numbers in evaluation, which a file would draw from nowhere: the same call would not give the same. ` +
        "Draw them outside and pass them as an input, or draw in training only (if (this.training) …).",
    );
  }
  if (op === (batchNormOp as unknown as Op)) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${at} normalizes by the batch's own mean and variance in evaluation too, so that each sample's result depends on the others. ` +
        "Keep running statistics (trackRunningStats: true, the default) and train them.",
    );
  }
}
