/** Refusals that several functions have in common. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** @throws ErmineError ERMINE_OPTION where it is no whole number of at least `least` */
export function checkCount(where: string, name: string, value: unknown, least: number): void {
  if (Number.isInteger(value) && (value as number) >= least) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a whole number ≥ ${least}, got ${show(value)}.`);
}
