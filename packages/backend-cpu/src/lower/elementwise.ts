/** The pointwise steps as ops of their own, over whole tensors. */
import { float, type Emitter } from "../emitter.js";
import { broadcastStrides, collapse, sizeOf, type Lowering, type Operand } from "./operand.js";
import { costOfStep, pointwise, type PointwiseLowering, type Step } from "./pointwise.js";
import { splitRange } from "./split.js";

/** The step as an instruction of its own. */
export const alone = ({ dtypes, step, supports }: PointwiseLowering): Lowering => ({
  dtypes,
  ...(supports === undefined ? {} : { supports }),
  inPlace: true,
  emit(e, inputs, [y], attributes) {
    const count = sizeOf(y!.shape);
    if (count === 0) return;
    const one = step(
      inputs.map((input) => input?.dtype),
      attributes,
      y!.dtype,
    );
    const operands = one.reads.map((i) => inputs[i]!);
    if (one.family === "binary" || one.family === "where") return broadcast(e, one, operands, y!);
    const { family, kind } = one;
    const [p, q] = [float(one.p ?? 0), float(one.q ?? 0)];
    splitRange(e, count, costOfStep(one), 4, (from, size) => {
      const [dst, a, b] = [y!, ...operands].map(({ address }) => address + 4 * from) as [number, number, number];
      if (family === "move") e.emit("move", dst, a, size);
      else if (family === "unary") e.emit("unary", kind, dst, a, size);
      else if (family === "activation") e.emit("activation", kind, dst, a, size, p, q);
      else e.emit("activationGradient", kind, dst, a, b, size, p, q);
    });
  },
});

/** Over the axes that the operands have in common; parts are ranges of the outermost. */
function broadcast(e: Emitter, one: Step, operands: readonly Operand[], y: Operand): void {
  const { shape, strides } = collapse(y.shape, ...operands.map((operand) => broadcastStrides(operand.shape, y.shape)));
  const [outermost, ...inner] = shape as [number, ...number[]];
  const each = sizeOf(inner);
  splitRange(e, outermost, each * costOfStep(one), inner.length === 0 ? 4 : 1, (from, size) => {
    const [a, b, c] = operands.map(({ address }, i) => address + 4 * from * strides[i]![0]!) as [number, number, number];
    const dst = y.address + 4 * from * each;
    const dims = [size, ...inner, ...strides.flat()];
    if (one.family === "where") e.emit("where", dst, a, b, c, shape.length, ...dims);
    else e.emit("binary", one.kind, dst, a, b, shape.length, ...dims);
  });
}

export const elementwise: readonly (readonly [string, Lowering])[] = [...pointwise].map(([name, op]) => [name, alone(op)]);
