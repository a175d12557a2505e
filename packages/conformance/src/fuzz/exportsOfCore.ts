/** Core's exports by name, from all of its entries: programs at random call functions and name ops of all of them. */
import * as core from "@ermine/core";
import * as backend from "@ermine/core/backend";
import * as define from "@ermine/core/define";

const entries: readonly (readonly [specifier: string, exports: object])[] = [
  ["@ermine/core", core],
  ["@ermine/core/define", define],
  ["@ermine/core/backend", backend],
];

/** The value that core exports under a name. */
export function exportOfCore(name: string): unknown {
  for (const [, exports] of entries) if (name in exports) return (exports as Readonly<Record<string, unknown>>)[name];
  return undefined;
}

/** The entry that exports a name; of types, the first. */
export const entryOfCore = (name: string): string => entries.find(([, exports]) => name in exports)?.[0] ?? entries[0]![0];
