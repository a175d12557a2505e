/** Losses of the difference between prediction and target, element by element. */
import type { Attributes } from "../backend/contract.js";
import { sub } from "../ops/arithmetic.js";
import { apply1, defineFusedOp } from "../ops/definition.js";
import { checkDType } from "../ops/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkSameShape, defineLoss, type Loss } from "./definition.js";

interface ResidualSpec<O extends Attributes> {
  readonly name: string;
  readonly options?: O;
  readonly witnesses?: Partial<O>;
  check?(options: O): void;
  /** The value at a residual. */
  value(residual: Tensor, options: O): Tensor;
  /** Its derivative there. */
  slope(gradOutput: Tensor, residual: Tensor, options: O): Tensor;
}

/** @internal A loss of prediction − target. Both sides have gradients, as in PyTorch; the shapes must be equal. */
export function residualLoss<O extends Attributes = Record<never, never>>(
  spec: ResidualSpec<O>,
): Loss<[Tensor, Tensor], O, "mean" | "sum" | "none"> {
  const op = defineFusedOp<O>({
    name: `${spec.name}Elements`,
    inputs: [{ name: "residual" }],
    infer([residual]) {
      checkDType(spec.name, residual!, ["float32"]);
      return [{ ...residual!, domain: "real" }];
    },
    decompose: ([residual], options) => [spec.value(residual!, options)],
    gradient: ([g], [residual], _, options) => [spec.slope(g!, residual!, options)],
  });
  return defineLoss<[Tensor, Tensor], O>({
    name: spec.name,
    link: "identity",
    inputs: [{ name: "prediction" }, { name: "target" }],
    ...(spec.options === undefined ? {} : { options: spec.options }),
    ...(spec.witnesses === undefined ? {} : { witnesses: spec.witnesses }),
    ...(spec.check === undefined ? {} : { check: spec.check }),
    elements([prediction, target], options) {
      checkSameShape(spec.name, prediction, target);
      return { value: apply1(op, [sub(prediction, target)], options) };
    },
  });
}
