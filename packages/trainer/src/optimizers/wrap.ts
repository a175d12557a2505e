/** Optimizers around an optimizer. */
import type { Optimizer } from "./optimizer.js";

/** @internal A name for a slot that the optimizer inside has none of: `name`, or with a number where it is taken. */
export function freeSlotName(inner: Optimizer, name: string): string {
  const innerNames = Object.keys(inner.slots([1, 1]));
  let freeName = name;
  for (let i = 2; innerNames.includes(freeName); i++) freeName = `${name}${i}`;
  return freeName;
}
