/** Random numbers as an op: a pure function of a key and of counters that are fed. */
import { randomUniform24, type Key } from "./philox.js";
import { concrete, formatShape, sizeOf, type Shape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { builtinOp } from "../ir/op.js";

/** Attributes of ops that draw random numbers. */
export type RandomAttributes = {
  /** The shape of the output. */
  readonly shape: Shape;
  /** The key of the draw. */
  readonly key: Key;
};

/**
 * Uniform in [0, 1), Philox4x32-10: input int32 [step, micro-batch, first global element index]. A backend without it is fed the values.
 */
export const randomUniformOp = builtinOp<RandomAttributes>({
  name: "randomUniform",
  inputs: [{ name: "counters", dtype: "int32", differentiable: false }],
  infer([counters], { shape }) {
    if (counters!.shape.length !== 1 || counters!.shape[0] !== 3) {
      throw new ErmineError("ERMINE_SHAPE", `randomUniform expects [3] counters, got ${formatShape(counters!.shape)}.`);
    }
    return [{ shape, dtype: "float32", domain: "real" }];
  },
  host([counters], { shape, key }) {
    const [step, microBatch, first] = Array.from(counters!);
    return randomUniform24(sizeOf(concrete(shape, "randomUniform")) as number, key, {
      step: step!,
      microBatch: microBatch!,
      first: first!,
    });
  },
});
