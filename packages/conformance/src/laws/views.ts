/** A backend seen through glasses: with some of its kernels only, or with one that fails. */
import type { Backend } from "@ermine/core";
import type { Kernel } from "@ermine/core/backend";
import { exportedOps } from "./definitions.js";

/** The same backend, storages shared, with some members replaced. */
function withChanges(backend: Backend, changes: Partial<Backend>): Backend {
  return new Proxy(backend, {
    get(target, key) {
      if (key in changes) return changes[key as keyof Backend];
      const value: unknown = target[key as keyof Backend];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const primitiveViews = new WeakMap<Backend, Backend>();

/** The backend with its primitives alone: core then runs what each op means. */
export function primitivesOf(backend: Backend): Backend {
  const cached = primitiveViews.get(backend);
  if (cached !== undefined) return cached;
  const primitives = new Set(exportedOps().flatMap((op) => (op.decompose === undefined ? [op.name] : [])));
  const ops = new Map([...backend.capabilities.ops].filter(([name]) => primitives.has(name)));
  const view = withChanges(backend, { capabilities: { ...backend.capabilities, ops } });
  primitiveViews.set(backend, view);
  return view;
}

/** The error of a kernel that was made to fail. */
export class Broken extends Error {}

/** A backend whose kernels can be made to fail. */
export interface Fragile {
  readonly backend: Backend;
  /** From now on the n-th call of a kernel fails, and all after it. */
  failFrom(n: number): void;
  /** How many calls there were since then. */
  calls(): number;
}

export function fragile(backend: Backend): Fragile {
  let [calls, limit] = [0, Infinity];
  const kernels = Object.fromEntries(
    Object.entries(backend.kernels).map(([name, kernel]): [string, Kernel] => [
      name,
      (...args) => {
        if (++calls >= limit) throw new Broken(`${name} was made to fail`);
        return kernel(...args);
      },
    ]),
  );
  return {
    backend: withChanges(backend, { kernels }),
    failFrom: (n) => void ([calls, limit] = [0, n]),
    calls: () => calls,
  };
}
