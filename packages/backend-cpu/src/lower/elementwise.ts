/** The pointwise steps as ops of their own, over whole tensors. */
import { float } from "../emitter.js";
import { broadcastStrides, collapse, sizeOf, type Lowering, type Operand } from "./operand.js";
import { pointwise, type Pointwise } from "./pointwise.js";

const alone = ({ dtypes, step }: Pointwise): Lowering => ({
  dtypes,
  inPlace: true,
  emit(e, inputs, [y], attributes) {
    const count = sizeOf(y!.shape);
    if (count === 0) return;
    const {
      family,
      kind,
      reads,
      p = 0,
      q = 0,
    } = step(
      inputs.map((input) => input?.dtype),
      attributes,
      y!.dtype,
    );
    const operands = reads.map((i) => inputs[i]!);
    const addresses = operands.map(({ address }) => address);
    switch (family) {
      case "move":
        return e.emit("move", y!.address, ...addresses, count);
      case "unary":
        return e.emit("unary", kind, y!.address, ...addresses, count);
      case "activation":
        return e.emit("activation", kind, y!.address, ...addresses, count, float(p), float(q));
      case "gradient":
        return e.emit("activationGradient", kind, y!.address, ...addresses, count, float(p), float(q));
      case "binary":
        return e.emit("binary", kind, y!.address, ...addresses, ...dims(operands, y!));
      case "where":
        return e.emit("where", y!.address, ...addresses, ...dims(operands, y!));
    }
  },
});

/** [rank, sizes…, strides of each operand…] under the result's shape. */
function dims(operands: readonly Operand[], y: Operand): number[] {
  const { shape, strides } = collapse(y.shape, ...operands.map((operand) => broadcastStrides(operand.shape, y.shape)));
  return [shape.length, ...shape, ...strides.flat()];
}

export const elementwise: readonly (readonly [string, Lowering])[] = [...pointwise].map(([name, op]) => [name, alone(op)]);
