/** Environment variables that switch something on. */
import { ErmineError } from "@ermine/core";

/**
 * Is the variable 1? Absent, empty and 0 mean no. Deno asks its user before a variable may be read: there none is set.
 *
 * @throws ErmineError ERMINE_OPTION where it has another value
 */
export function isSwitchedOn(name: string): boolean {
  const { process, Deno } = globalThis as {
    process?: { readonly env?: Readonly<Record<string, string | undefined>> };
    Deno?: unknown;
  };
  const value = Deno === undefined ? process?.env?.[name] : undefined;
  if (value === undefined || value === "" || value === "0") return false;
  if (value === "1") return true;
  throw new ErmineError("ERMINE_OPTION", `The environment variable ${name} is 1 or 0, got ${JSON.stringify(value)}.`);
}
