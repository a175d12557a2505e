/** A call of each function of the kit itself, and of the command as a function. */
import { reference } from "@ermine/core/reference";
import * as kit from "../../src/index.js";
import type { CallSpec } from "../../src/laws/arguments.js";
import { call, fn, only, options, text } from "./slots.js";

const backend = reference();
const runner = { describe: () => undefined, it: () => undefined };
const aRunner = only(() => runner);
const definitions = { activations: [], losses: [], calls: [] };

export const rows: Readonly<Record<string, CallSpec>> = {
  runGolden: call(kit.runGolden, options({ backend, files: [] })),
  testBackend: call(
    kit.testBackend,
    text("own"),
    fn(() => backend),
    aRunner,
    only(definitions, "undefined"),
  ),
  testArguments: call(kit.testArguments, text("own"), options({ exports: {}, rows: {} }), aRunner),
  testPackageArguments: call(
    kit.testPackageArguments,
    only(() => ({ name: "yours", exports: { ".": "./index.js" } })),
    options({ yours: { exports: {}, rows: {} } }),
    aRunner,
  ),
  testPrograms: call(
    kit.testPrograms,
    text("own"),
    fn(() => backend),
    aRunner,
    options(),
  ),
  fuzz: call(kit.fuzz, options({ targets: [{ label: "own", backend }], programs: 1 })),
  measureAccuracy: call(
    kit.measureAccuracy,
    only(kit.accuracyRows.find(({ name }) => name === "relu")),
    only(backend),
    options(),
  ),
};

const ofTheRepository = "of ermine's own tests and commands, where it is called with types";
export const without: Readonly<Record<string, string>> = {
  runLaws: "each call that is taken tries the laws of the host for minutes: a test of its own calls it wrongly",
  ...Object.fromEntries(
    "accuracyFaults accuracyTable callsOf draw generateProgram listedError meetsGoal ownDefinitions printProgram reasonFor runCall"
      .split(" ")
      .map((name) => [name, ofTheRepository]),
  ),
};
