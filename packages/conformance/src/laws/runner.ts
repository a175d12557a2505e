/** The test runner that laws become tests of. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** The common part of vitest, jest, mocha and node:test. */
export interface TestRunner {
  /** Groups tests. */
  describe(name: string, fn: () => void): unknown;
  /** A test; `timeout` in milliseconds. */
  it(name: string, fn: () => Promise<void>, timeout?: number): unknown;
}

/**
 * @internal The runner, looked at before a test is made of it.
 *
 * @throws ErmineError ERMINE_USAGE where it is none
 */
export function checkedRunner(signature: string, runner: TestRunner): TestRunner {
  const { describe, it } = (runner ?? {}) as Partial<TestRunner>;
  if (typeof describe === "function" && typeof it === "function") return runner;
  throw new ErmineError(
    "ERMINE_USAGE",
    `${signature.slice(0, signature.indexOf("("))} makes tests with describe and it of your test runner, got ${show(runner)}. Write ${signature}.`,
  );
}
