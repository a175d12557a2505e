import { expect, it } from "vitest";
import { missing } from "../../scripts/docstrings.mjs";

it("every export and option has a docstring, every option that may be left out says its default, what users call has an example", () => {
  expect(missing().map(({ place, name, problem }) => `${place}: ${name} ${problem}`)).toEqual([]);
});
