/** Finalizers, called when an object is collected, where the engine has them (workerd does not by default). */

import { checkArgument, checkArguments } from "./arguments.js";

/** A FinalizationRegistry; where the engine has none, one that never calls `cleanup`. */
/* @__NO_SIDE_EFFECTS__ */
export function finalizationRegistry<T>(cleanup: (held: T) => void): Pick<FinalizationRegistry<T>, "register" | "unregister"> {
  checkArguments("finalizationRegistry", arguments, 1);
  checkArgument("finalizationRegistry(cleanup)", "cleanup", cleanup, "function");
  if (typeof FinalizationRegistry !== "undefined") return new FinalizationRegistry<T>(cleanup);
  return { register: () => undefined, unregister: () => false };
}

/** A WeakRef; where the engine has none, one that holds its object. */
/* @__NO_SIDE_EFFECTS__ */
export function weakReference<T extends object>(target: T): Pick<WeakRef<T>, "deref"> {
  return typeof WeakRef !== "undefined" ? new WeakRef(target) : { deref: () => target };
}
