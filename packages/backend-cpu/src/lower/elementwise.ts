/** The pointwise steps as ops of their own, over whole tensors. */
import { float, type Emitter } from "../emitter.js";
import { broadcastStrides, collapse, sizeOf, type Lowering, type Operand } from "./operand.js";
import { costOfStep, pointwise, type Pointwise, type Step } from "./pointwise.js";
import { splitRange } from "./split.js";

/** What the families of one operand, or of two side by side, are called as instructions. */
const alias = { unary: "unary", activation: "activation", gradient: "activationGradient" } as const;

const alone = ({ dtypes, step }: Pointwise): Lowering => ({
  dtypes,
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
    const { family, kind, p = 0, q = 0 } = one;
    const options = family === "activation" || family === "gradient" ? [float(p), float(q)] : [];
    splitRange(e, count, costOfStep(one), 4, (from, size) => {
      const addresses = [y!, ...operands].map(({ address }) => address + 4 * from);
      if (family === "move") e.emit("move", ...addresses, size);
      else e.emit(alias[family as keyof typeof alias], kind, ...addresses, size, ...options);
    });
  },
});

/** Over the axes that the operands have in common; parts are ranges of the outermost. */
function broadcast(e: Emitter, one: Step, operands: readonly Operand[], y: Operand): void {
  const { shape, strides } = collapse(y.shape, ...operands.map((operand) => broadcastStrides(operand.shape, y.shape)));
  const [outermost, ...inner] = shape as [number, ...number[]];
  const each = sizeOf(inner);
  splitRange(e, outermost, each * costOfStep(one), inner.length === 0 ? 4 : 1, (from, size) => {
    const addresses = operands.map(({ address }, i) => address + 4 * from * strides[i]![0]!);
    const dims = [shape.length, size, ...inner, ...strides.flat()];
    if (one.family === "where") e.emit("where", y.address + 4 * from * each, ...addresses, ...dims);
    else e.emit("binary", one.kind, y.address + 4 * from * each, ...addresses, ...dims);
  });
}

export const elementwise: readonly (readonly [string, Lowering])[] = [...pointwise].map(([name, op]) => [name, alone(op)]);
