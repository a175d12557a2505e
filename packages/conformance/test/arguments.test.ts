import { describe, test } from "vitest";
import { useBackend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { checkArgumentsOf } from "../src/laws/arguments.js";
import { rows } from "./arguments/core.js";
useBackend(reference());
describe("core", () => {
  for (const [name, call] of Object.entries(rows)) test(name, () => checkArgumentsOf(call));
});
