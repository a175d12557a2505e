/** Laws over many instances of which some do not hold yet: each of those is an expected failure, named with what will end it. */
import { describe, test } from "vitest";

export { refused } from "../src/laws/refused.js";

export interface Instance {
  readonly name: string;
  check(): void | Promise<void>;
}

/** @param failing the instances that fail today; one that holds again is reported until its name is taken out */
export function law(name: string, ends: string, instances: readonly Instance[], failing: readonly string[]): void {
  describe(name, () => {
    const unknown = failing.filter((known) => !instances.some((instance) => instance.name === known));
    if (unknown.length > 0) throw new Error(`no instances: ${unknown.join(", ")}`);
    for (const instance of instances) {
      const fails = failing.includes(instance.name);
      (fails ? test.fails : test)(fails ? `${instance.name} (${ends})` : instance.name, () => instance.check());
    }
  });
}
