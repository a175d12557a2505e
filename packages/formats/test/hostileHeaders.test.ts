/** Headers that are made to cost memory and time: refused within twice their size and 50 MB. `pnpm faults formats` has the largest, and the time. */
import { expect, it } from "vitest";
import { allowedBytes, readHostile } from "./hostileHeaders.js";

/** The default of maxHeaderBytes. */
const header = 16_000_000;

it.each([
  ["nested lists", /at byte 1 it has "\[\[/],
  ["nested objects", /"a" has "a"/],
  ["space", /its end where '"' belongs/],
  ["a name without an end", /its end where the rest of a string/],
  ["a name of two bytes a character", /it has "1\} *" where '\{' belongs/],
  ["a name of escapes", /it has "1\} *" where '\{' belongs/],
  ["a name of escaped units", /it has "1\} *" where '\{' belongs/],
  ["a text of escapes", /it has "1\} *" where '\{' belongs/],
  ["texts of metadata", /more than 100000 texts/],
  ["axes of size 0", /more than 64 axes/],
  ["axes of size 1", /more than 64 axes/],
  ["axes of size 2⁶⁴ − 1", /more than 64 axes/],
  ["offsets", /more than two data_offsets/],
  ["digits", /an unsigned integer/],
  ["tensors, and a mark too many", /its end belongs/],
])("%s", async (kind, message) => {
  const { name, code, length, grown, ...outcome } = await readHostile(kind, header);
  expect([name, outcome.message]).toEqual(["ErmineError", expect.stringMatching(message)]);
  expect(code).toMatch(/ERMINE_(DATA|UNSUPPORTED)/);
  // Names are cut.
  expect(length).toBeLessThan(400);
  // Next to the heap, whose limit the process has, there is what V8 allocates new objects in.
  expect(grown).toBeLessThan(allowedBytes(header) + 32e6);
});
