/** Gradients against finite differences, in double precision: how a rule proves itself. */
import { checkArgument, checkArguments, checkFunction } from "../types/arguments.js";
import { valueAndGrad } from "../autograd/gradients.js";
import { withBackend } from "../dispatch/currentBackend.js";
import type { Backend } from "../ir/contract.js";
import { ErmineError } from "../types/errors.js";
import { checkOptions } from "../types/options.js";
import { mul } from "../ops/arithmetic.js";
import { hostTensor } from "../ops/creation.js";
import { sum } from "../ops/reduction.js";
import { concrete, formatShape } from "../types/dim.js";
import { scope } from "../dispatch/scope.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { reference } from "./reference.js";

/** The options of `checkGradients`. */
export interface CheckGradientsOptions {
  /** The half width of the central difference. Default 1e-6. */
  readonly eps?: number;
  /** The tolerance of |gradient − difference| / (1 + |difference|). Default 1e-6. */
  readonly tolerance?: number;
}

/**
 * Compares the gradient of fn at `inputs` (all float32 ones) with central differences (f(x + ε) − f(x − ε)) / 2ε on a float64 reference
 * backend of its own. A result that is not a scalar is weighted with fixed factors and summed. Keep away from kinks.
 *
 * @returns the worst error found
 * @throws ErmineError ERMINE_VALUE that names the input and the element where the two differ by more than the tolerance
 */
export function checkGradients<const I extends readonly Tensor[]>(
  fn: (...inputs: I) => Tensor,
  inputs: readonly [...I],
  options?: CheckGradientsOptions,
): number;
export function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options?: CheckGradientsOptions,
): number;
export function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: CheckGradientsOptions = {},
): number {
  if (arguments.length > 3) checkArguments("checkGradients", arguments, 3);
  checkFunction("checkGradients", fn, "checkGradients((x) => f(x), [x])");
  checkArgument("checkGradients(fn, inputs, options)", "inputs", inputs, "list");
  for (const t of inputs) checkTensor("checkGradients", t);
  checkOptions("checkGradients", options, { eps: "number", tolerance: "number" });
  const { eps = 1e-6, tolerance = 1e-6 } = options;
  const backend: Backend = reference();
  const values = inputs.map((t) => (t.dtype === "float32" ? Float64Array.from(t.dataSync()) : t.dataSync()));
  const fresh = (): Tensor[] => inputs.map((t, i) => hostTensor(values[i]!.slice(), concrete(t.shape), t.dtype, t.domain));
  const weighted = (t: Tensor): Tensor => {
    checkTensor("checkGradients: its function", t);
    const weights = Float64Array.from({ length: t.size }, (_, i) => 1 + 0.5 * Math.sin(1 + i));
    return sum(mul(t, hostTensor(weights, concrete(t.shape), "float32")));
  };
  const value = (): number => scope(() => weighted(fn(...fresh())).item());
  try {
    return withBackend(backend, () =>
      scope(() => {
        const copies = fresh();
        const sources = copies.filter((t) => t.dtype === "float32");
        const { grads } = valueAndGrad(() => weighted(fn(...copies)), sources);
        const gradients = new Map(sources.map((t, i) => [t, (grads as Tensor[])[i]!.dataSync()]));
        let worst = 0;
        copies.forEach((t, which) => {
          const gradient = gradients.get(t);
          if (gradient === undefined) return;
          const data = values[which]!;
          for (let k = 0; k < data.length; k++) {
            const x = data[k]!;
            data[k] = x + eps;
            const above = value();
            data[k] = x - eps;
            const below = value();
            data[k] = x;
            const difference = (above - below) / (2 * eps);
            const error = Math.abs(gradient[k]! - difference) / (1 + Math.abs(difference));
            if (!(error <= tolerance)) {
              throw new ErmineError(
                "ERMINE_VALUE",
                `checkGradients: input ${which} ${formatShape(t.shape)}, element ${k}: the gradient is ${gradient[k]}, the finite difference ${difference} (at ${x}).`,
              );
            }
            worst = Math.max(worst, error);
          }
        });
        return worst;
      }),
    );
  } finally {
    backend.dispose();
  }
}
