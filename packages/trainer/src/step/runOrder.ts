/** Runs that are queued before the verdicts on those before them are read: each is done only where all of them were accepted. */
import { add, equal, logicalAnd, logicalOr, reshape, where, type Tensor, type Variable } from "@ermine/core";
import { withDomain } from "@ermine/core/define";
import type { Outcome, Update } from "./outcome.js";

/** Number of accepted runs: as counted on the device, and as the host expects it if no run is refused. */
export interface RunOrder {
  readonly accepted: Variable;
  readonly expected: Tensor;
}

/** A run that is done where it is the next one: a refused run does not count, so that none after it changes anything. */
export function inOrder({ accepted, expected }: RunOrder, { ok, isTaken = ok, updates, ...outcome }: Outcome): Outcome {
  const isNext = reshape(equal(accepted.value, expected), []);
  return {
    ...outcome,
    ok: logicalAnd(ok, isNext),
    isTaken: logicalAnd(isTaken, isNext),
    updates: [...updates, [accepted, add(accepted.value, 1)]],
  };
}

/** An update that is accepted, and leaves the values as they are, where nothing in it counts. */
export function acceptEmpty({ ok, terms, updates, ...outcome }: Outcome): Outcome {
  const isEmpty = terms.map(({ normalizer }) => equal(normalizer, 0)).reduce((a, b) => logicalAnd(a, b));
  return {
    ...outcome,
    terms,
    ok: logicalOr(ok, isEmpty),
    isTaken: ok,
    updates: updates.map(([variable, value]): Update => [variable, select(isEmpty, variable, variable.value, value)]),
  };
}

/** One of two values of a variable. */
export const select = (condition: Tensor, { type }: Variable, a: Tensor, b: Tensor): Tensor =>
  withDomain(where(condition, a, b), type.domain);
