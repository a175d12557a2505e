/** The test runner that laws become tests of. */

/** What vitest, jest, mocha and node:test have. */
export interface TestRunner {
  /** Groups tests. */
  describe(name: string, fn: () => void): unknown;
  /** A test; `timeout` in milliseconds. */
  it(name: string, fn: () => Promise<void>, timeout?: number): unknown;
}
