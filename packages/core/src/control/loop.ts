/** The op that one loop is, and its meaning: the body, step after step. */
import { interpretLoop } from "./interpretLoop.js";
import { context, withPath } from "../dispatch/context.js";
import { dispatch } from "../dispatch/dispatch.js";
import { scope } from "../dispatch/scope.js";
import type { Graph, Node, OpNode, Value } from "../ir/graph.js";
import type { Loop, LoopOp } from "../ir/loop.js";
import { typeWith, type GradientRule } from "../ir/op.js";
import { zeros } from "../ops/creation.js";
import { sliceAxis } from "../ops/slice.js";
import { squeeze } from "../ops/shape.js";
import { stack } from "../ops/concat.js";
import { bind, Dim, formatShape, sameShape, sizeOf, type Bindings, type Shape, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { TensorType } from "../types/storage.js";
import { Tensor, wrapHost } from "../types/tensor.js";

/** How many steps a compiled program of a backend without loops may have: each is written out. */
const mostWrittenOut = 512;

/** The op of a loop. */
export function loopOp(loop: Loop, gradient: GradientRule | undefined): LoopOp {
  return {
    name: "scan",
    inputs: [{ name: "values", variadic: true }],
    loop,
    infer: (types) => inferLoop(loop, types as readonly TensorType[]),
    decompose: (inputs) =>
      context.trace === undefined
        ? scope(() => unroll(loop, inputs as readonly Tensor[]))
        : writtenOut(loop, inputs as readonly Tensor[]),
    flops: () =>
      (loop.length as number) * loop.body.nodes.reduce((sum, node) => sum + (node.kind === "op" ? flopsOf(node) : 0), 0),
    ...(gradient === undefined ? {} : { gradient }),
    with(change) {
      if (change.body !== undefined && change.body.hostFeeds.length > 0) {
        throw new ErmineError(
          "ERMINE_UNSUPPORTED",
          "The body of a loop draws random numbers from counters that it computes, and this backend must be fed them. " +
            "Call withRandom outside of the loop: each step then has numbers of its own.",
        );
      }
      return loopOp({ ...loop, ...change }, undefined);
    },
    interpret: (...given) => interpretLoop(loop, ...given),
  };
}

/** Of a node whose sizes are numbers: what its op says, else one for each element of the largest input or output. */
function flopsOf({ op, inputs, outputs, attributes }: OpNode): number {
  const [inputTypes, outputTypes] = [inputs, outputs].map((values) => values.map((value) => value?.type));
  const counts = [...inputTypes!, ...outputTypes!].map((type) => (type === undefined ? 0 : (sizeOf(type.shape) as number)));
  return op.flops?.(inputTypes!, outputTypes!, attributes) ?? Math.max(0, ...counts);
}

/** The sizes of the symbols in the body's feeds for the given inputs. @throws ErmineError ERMINE_SHAPE where they do not fit */
function bindingsOf({ body, carried, sequences, length }: Loop, types: readonly TensorType[]): Bindings {
  const bindings: Record<string, number> = {};
  body.feeds.forEach(({ outputs }, i) => {
    const { shape } = outputs[0]!.type;
    const isSequence = i >= carried && i < carried + sequences;
    const expected: Shape = isSequence ? [length, ...shape] : shape;
    const statedShape = types[i]!.shape;
    expected.forEach((size, axis) => {
      const stated = statedShape[axis];
      if (!(size instanceof Dim) || typeof stated !== "number" || size.terms.size !== 1) return;
      const [[symbol, factor]] = [...size.terms] as [[string, number]];
      if (factor === 1 && !symbol.includes("*")) bindings[symbol] ??= stated;
    });
    if (statedShape.length !== expected.length || !sameShape(bindKnown(expected, bindings), bindKnown(statedShape, bindings))) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `scan: an input is ${formatShape(statedShape)} and should be ${formatShape(expected)}.`,
      );
    }
  });
  return bindings;
}

/** The shape with the numbers of the symbols that have one. */
const bindKnown = (shape: Shape, bindings: Bindings): Shape =>
  shape.map((size) => {
    if (!(size instanceof Dim)) return size;
    const isKnown = [...size.terms.keys()].every((term) => term === "" || term.split("*").every((symbol) => symbol in bindings));
    return isKnown ? size.evaluate(bindings) : size;
  });

function inferLoop(loop: Loop, types: readonly TensorType[]): TensorType[] {
  const bindings = bindingsOf(loop, types);
  const { body, carried, length } = loop;
  if (Object.keys(bindings).length > 0) checkBody(body, bindings);
  return body.outputs.map(({ type: { shape, dtype, domain } }, i) =>
    typeWith(bindKnown(i < carried ? shape : [length, ...shape], bindings), dtype, domain),
  );
}

/** Asks the body's ops about sizes that were open. @throws ErmineError what one of them says of its inputs */
function checkBody(body: Graph, bindings: Bindings): void {
  for (const node of body.nodes) {
    if (node.kind !== "op" || !node.inputs.some((value) => value?.type.shape.some((size) => size instanceof Dim) === true))
      continue;
    const types = node.inputs.map((value) => value && { ...value.type, shape: bindKnown(value.type.shape, bindings) });
    if (types.every((type) => type === undefined || type.shape.every((size) => typeof size === "number")))
      node.op.infer(types, bind(node.attributes, bindings));
  }
}

/** The loop in a program of a backend that has none. @throws ErmineError ERMINE_UNSUPPORTED where it is too long */
function writtenOut(loop: Loop, inputs: readonly Tensor[]): Tensor[] {
  const { length } = loop;
  if (typeof length !== "number" || length > mostWrittenOut) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `This backend compiles a loop by writing out its steps, at most ${mostWrittenOut} of them, and this one has ${String(length)}. ` +
        'Use the cpu backend, which has loops (import { cpu } from "@ermine/backend-cpu"), or cut the sequences into pieces and hand the state on.',
    );
  }
  return unroll(loop, inputs);
}

function unroll(loop: Loop, inputs: readonly Tensor[]): Tensor[] {
  const { body, carried, sequences, reverse } = loop;
  const length = loop.length as number;
  let carry = inputs.slice(0, carried);
  const sequenceInputs = inputs.slice(carried, carried + sequences);
  const captured = inputs.slice(carried + sequences);
  const step = replay(body);
  const stacked: Tensor[][] = body.outputs.slice(carried).map(() => []);
  for (let i = 0; i < length; i++) {
    const t = reverse ? length - 1 - i : i;
    const outputs = step([...carry, ...sequenceInputs.map((x) => stepOf(x, t)), ...captured]);
    carry = outputs.slice(0, carried);
    stacked.forEach((all, k) => (all[t] = outputs[carried + k]!));
  }
  const ends = body.outputs.slice(carried).map(({ type }, k) => {
    if (length > 0) return stack(stacked[k]!, 0);
    return zeros([0, ...type.shape], { dtype: type.dtype });
  });
  return [...carry, ...ends];
}

/** The elements of one step. */
export const stepOf = (x: Tensor, t: Size): Tensor => squeeze(sliceAxis(x, 0, t, 1), 0);

/** The graph as a function of its feeds. Its constants are made once. */
function replay(graph: Graph): (feeds: readonly Tensor[]) => Tensor[] {
  const constants = new Map<Node, Tensor>();
  for (const node of graph.nodes) {
    if (node.kind !== "constant") continue;
    const { type } = node.outputs[0]!;
    const constant = node.data === undefined ? new Tensor(type, node.owner as Tensor["state"]) : wrapHost(type, node.data);
    constants.set(node, constant);
  }
  return (feeds) => {
    const computed = new Map<Value, Tensor>();
    graph.feeds.forEach(({ outputs }, i) => computed.set(outputs[0]!, feeds[i]!));
    for (const node of graph.nodes) {
      if (node.kind === "constant") computed.set(node.outputs[0]!, constants.get(node)!);
      if (node.kind !== "op") continue;
      const inputs = node.inputs.map((value) => value && computed.get(value)!);
      const outputs = withPath(node.path, () => dispatch(node.op, inputs, node.attributes));
      node.outputs.forEach((value, i) => computed.set(value, outputs[i]!));
    }
    return graph.outputs.map((value) => computed.get(value)!);
  };
}
