/** Refusals that several functions have in common. */
import { ErmineError } from "@ermine/core";
import { nearestName, show } from "@ermine/core/define";

/** @throws ErmineError ERMINE_OPTION where it is no whole number of at least `least` */
export function checkCount(where: string, name: string, value: unknown, least: number): void {
  if (Number.isInteger(value) && (value as number) >= least) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a whole number ≥ ${least}, got ${show(value)}.`);
}

/** A file has no column of that name: its error has the nearest, or some that there are. */
export function noColumn(file: string, name: string, names: readonly string[]): ErmineError {
  const near = nearestName(String(name), names);
  const some = names.slice(0, 20).join(", ");
  const hint =
    near === undefined
      ? `It has: ${some}${names.length > 20 ? `, … (${names.length} columns)` : ""}.`
      : `Did you mean ${JSON.stringify(near)}?`;
  return new ErmineError("ERMINE_DATA", `${file} has no column ${JSON.stringify(name)}. ${hint}`);
}
