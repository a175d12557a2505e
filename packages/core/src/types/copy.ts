/**
 * Which copy of this package made an object. Several copies may be loaded at once (two bundles on one page, two versions in one tree of
 * dependencies, a test runner that resets modules) and each works by itself. What one copy made is refused where another is handed it.
 */
import { ErmineError } from "./errors.js";

/** Set by the build. */
declare const __ERMINE_VERSION__: string | undefined;

/** @internal Where an object carries its mark: registered, so that every copy finds it. */
export const copyKey: unique symbol = Symbol.for("@ermine/core/copy");

/** @internal The kind of an object, and the copy that made it. */
export interface CopyMark {
  readonly kind: string;
  /** The copy's identity. */
  readonly copy: object;
  readonly version: string;
  /** Is it a proxy of such an object, which has none of its private fields? */
  readonly isProxy: boolean;
}

// Frozen, as marks are: proxies that make proxies of what they hold (Vue's reactive) give what is frozen as it is.
const thisCopy: object = Object.freeze({});

/**
 * @internal The mark of what this copy makes: the `copyKey` of a class is a getter of it.
 *
 * @param isItself is `this` of the getter the object, with its private fields? Default true.
 */
export const copyMark = (kind: string, isItself = true): CopyMark =>
  Object.freeze({
    kind,
    copy: thisCopy,
    version: typeof __ERMINE_VERSION__ === "undefined" ? "built from source" : __ERMINE_VERSION__,
    isProxy: !isItself,
  });

/** Marks a function or a plain object (a loss, an optimizer, a backend) as made with this copy of core, and returns it. */
export function markCopy<T extends object>(kind: string, value: T): T {
  return Object.defineProperty(value, copyKey, { value: copyMark(kind) });
}

/**
 * Refuses what was made by another copy of core that is loaded next to this one, and proxies of tensors, variables, modules and data sets.
 *
 * @throws ErmineError ERMINE_USAGE where another copy of core made `value`, or it is such a proxy
 */
export function checkCopy(where: string, value: unknown): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
  const mark = (value as { readonly [copyKey]?: CopyMark })[copyKey];
  if (mark === undefined) return;
  if (mark.copy === thisCopy) {
    if (!mark.isProxy) return;
    throw new ErmineError(
      "ERMINE_USAGE",
      `${where}: this is a proxy of a ${mark.kind}, as Vue's reactive() and ref() make it of what they hold. Keep it out of proxies: markRaw(value), or ` +
        "shallowRef(value).",
    );
  }
  const ownVersion = copyMark("").version;
  const versions = mark.version === ownVersion ? `both are ${ownVersion}` : `that one is ${mark.version}, this one ${ownVersion}`;
  throw new ErmineError(
    "ERMINE_USAGE",
    `${where}: this ${mark.kind} was made by another copy of @ermine/core (${versions}), and two copies do not share tensors. Load one: ` +
      "let all packages depend on one version (npm ls @ermine/core shows who asks for which, npm dedupe joins them); let bundles that " +
      "exchange objects share it (external, or a common chunk); in a test runner, import everything again after resetting modules.",
  );
}
