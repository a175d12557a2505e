/** Tensors over the elements of others: under another dtype or domain, and which of them are one tensor to tapes and traces. */
import { checkArguments } from "./arguments.js";
import { ErmineError } from "./errors.js";
import { show } from "./options.js";
import type { DType, Domain } from "./dtype.js";
import type { TensorType } from "./storage.js";
import { checkTensor, Tensor, typeOf } from "./tensor.js";

const aliases = new WeakMap<Tensor, Tensor>();

/** The tensor that stands for `t` where tensors are keys (tapes, traces, compiled functions): itself, or the one that it is a view of. */
export const keyOf = (t: Tensor): Tensor => aliases.get(t) ?? t;

/** The elements of `t` in a tensor that tapes take for another. */
export const sameElements = <D extends Domain>(t: Tensor<D>): Tensor<D> => new Tensor<D>(typeOf(t), t.state);

/** The elements of `t`, known to tapes as `other`. */
export function aliasOf(t: Tensor, other: Tensor): Tensor {
  const result = new Tensor(typeOf(t), t.state);
  aliases.set(result, keyOf(other));
  return result;
}

function view(t: Tensor, dtype: DType, domain: Domain): Tensor {
  if (t.domain === domain && t.dtype === dtype) return t;
  const result = new Tensor({ shape: t.shape, dtype, domain }, t.state);
  aliases.set(result, keyOf(t));
  return result;
}

/** The same elements under another domain; shares the state. */
export function withDomain<D extends Domain>(t: Tensor, domain: D): Tensor<D> {
  if (arguments.length > 2) checkArguments("withDomain", arguments, 2);
  checkTensor("withDomain", t);
  if (domain !== "real" && domain !== "probabilities" && domain !== "logProbabilities")
    throw new ErmineError(
      "ERMINE_DOMAIN",
      `withDomain: a domain is "real", "probabilities" or "logProbabilities", got ${show(domain)}.`,
    );
  return view(t, t.dtype, domain) as Tensor<D>;
}

/**
 * Decomposed and lowered results carry the domains and dtypes that the whole op promises (a backend without int32 computes
 * them in float32).
 */
export function retype(outputs: readonly Tensor[], types: readonly TensorType[]): Tensor[] {
  return outputs.map((t, i) => view(t, types[i]!.dtype, types[i]!.domain));
}
