/** Two copies of core in one program would not know each other's tensors, tapes and traces: the second to load is an error. */
import { ErmineError } from "./errors.js";

const claim = Symbol.for("@ermine/core");

/** @internal Says that the core at `url` is the one. @throws ErmineError ERMINE_USAGE where another one is there already */
export function claimOneCopy(url: string): void {
  const place = url.replace(/[?#].*$/, "");
  const shared = globalThis as { [claim]?: string };
  const first = (shared[claim] ??= place);
  if (first === place) return;
  throw new ErmineError(
    "ERMINE_USAGE",
    `Two copies of @ermine/core are loaded:\n  ${first}\n  ${place}\nTheir tensors do not mix. Let all packages use one version ` +
      "(npm ls @ermine/core shows who asks for which), and let a bundler include it once.",
  );
}
