import { expect, it } from "vitest";
import { missing } from "../../scripts/docstrings.mjs";

const incomplete = missing();

it("every export and option has a docstring, every option that may be left out says its default, what users call has an example", () => {
  expect(incomplete.map(({ place, name, problem }) => `${place}: ${name} ${problem}`)).toEqual([]);
});
