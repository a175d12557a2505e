/** Domain tags for values that are probabilities already, computed elsewhere. */
import { context } from "../dispatch/context.js";
import { checkMapped } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";
import { withDomain } from "../types/views.js";
import type { Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";

function marked<D extends Domain>(t: Tensor, domain: D, label: string, fits: (value: number) => boolean): Tensor<D> {
  if (t.dtype !== "float32") throw new ErmineError("ERMINE_DTYPE", `${label} are float32, got ${t.dtype}.`);
  if (
    context.trace?.mayNotRun !== true &&
    t.state.kind === "eager" &&
    (t.state.host !== undefined || t.state.backend?.readSync !== undefined)
  ) {
    const data = t.dataSync();
    const wrong = data.findIndex((value) => !fits(value));
    if (wrong >= 0) {
      throw new ErmineError(
        "ERMINE_VALUE",
        `These are not ${label.toLowerCase()}: element ${wrong} is ${data[wrong]}. Apply sigmoid, softmax or logSoftmax to logits.`,
      );
    }
  }
  return withDomain(t, domain);
}

/**
 * The same values, tagged as probabilities. They are checked where they are at hand. @throws ErmineError ERMINE_VALUE outside [0, 1]
 *
 * @example
 * bce(asProbabilities(tensor([0.25, 0.75])), tensor([0, 1])).item(); // => 0.2877
 */
export function asProbabilities(t: Tensor): Tensor<"probabilities"> {
  if (arguments.length > 1) checkMapped("asProbabilities", arguments, 1);
  checkTensor("asProbabilities", t);
  return marked(t, "probabilities", "Probabilities", (value) => value >= 0 && value <= 1);
}

/**
 * The same values, tagged as log probabilities. @throws ErmineError ERMINE_VALUE above 0
 *
 * @example
 * nll(asLogProbabilities(log(tensor([[0.25, 0.75]]))), tensor([1], { dtype: "int32" })).item(); // => 0.2877
 */
export function asLogProbabilities(t: Tensor): Tensor<"logProbabilities"> {
  if (arguments.length > 1) checkMapped("asLogProbabilities", arguments, 1);
  checkTensor("asLogProbabilities", t);
  return marked(t, "logProbabilities", "Log probabilities", (value) => value <= 1e-6);
}
