/** Node's own modules without an import, for which a bundler for browsers would look. */

/** The module, or undefined outside of Node. */
export function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown; versions?: { node?: string } } };
  if (process?.versions?.node === undefined) return undefined;
  return process.getBuiltinModule?.(name) as T | undefined;
}
