/** A call of every function of `@ermine/core/define`. */
import * as core from "@ermine/core";
import * as define from "@ermine/core/define";
import type { CallSpec } from "../../src/laws/arguments.js";
import { aTensor, call, fn, integer, list, only, options, text, x } from "./slots.js";

const doubled = define.defineOp({
  name: "doubled",
  inputs: [{ name: "x" }],
  infer: ([t]) => [t!],
  decompose: ([t]) => [core.mul(t!, 2)],
});

const cell = define.defineRecurrentCell({ name: "doubling", gates: 1, step: (gates, [h]) => [core.add(gates, h!)] });

export const rows: Readonly<Record<string, CallSpec>> = {
  defineOp: call(
    define.defineOp,
    options({ name: "own", inputs: [{ name: "x" }], infer: ([t]: readonly unknown[]) => [t] }, "name"),
  ),
  defineFusedOp: call(
    define.defineFusedOp,
    options(
      {
        name: "own",
        inputs: [{ name: "x" }],
        infer: ([t]: readonly unknown[]) => [t],
        gradient: ([g]: readonly unknown[]) => [g],
      },
      "name",
    ),
  ),
  defineActivation: call(
    define.defineActivation,
    options({ name: "own", decompose: core.neg }, "name", "op", "options", "optionExamples"),
  ),
  defineLoss: call(
    define.defineLoss,
    options(
      { name: "own", link: "identity", inputs: [{ name: "prediction" }], elements: () => ({ value: x() }) },
      "name",
      "link",
    ),
  ),
  ...Object.fromEntries(
    ["apply", "apply1"].map((name) => [
      name,
      call(
        define[name as "apply"],
        only(() => doubled),
        only(() => [x()]),
        only({}, "an object"),
      ),
    ]),
  ),
  drawUniform: call(define.drawUniform, list([2]), text("own")),
  withDomain: call(define.withDomain, aTensor(x), text("real")),
  withPath: call(
    define.withPath,
    text("own"),
    fn(() => 1),
  ),
  defineRecurrentCell: call(
    define.defineRecurrentCell,
    options({ name: "own", gates: 1, step: (gates: unknown) => [gates] }, "name"),
  ),
  ...Object.fromEntries(
    (["Recurrent", "RecurrentCell"] as const).map((name) => [
      name,
      call(
        (...args: readonly unknown[]) => new define[name](...(args as [never, never, never])),
        only(() => cell),
        integer(2),
        integer(3),
        options(),
      ),
    ]),
  ),
  totalNormalizer: call(
    define.totalNormalizer,
    only(() => ({ value: x() })),
  ),
  rreluEval: call(define.rreluEval, aTensor(x), options()),
  tanhActivation: call(define.tanhActivation, aTensor(x), options()),
};

const trusted = (names: string, why: string): Readonly<Record<string, string>> =>
  Object.fromEntries(names.split(" ").map((name) => [name, why]));
export const without = {
  ...trusted(
    "addSizes bind broadcastShapes concrete elementsOf formatShape mulSizes sameShape sameSize sizeOf subSizes",
    "arithmetic with the sizes that a definition is given",
  ),
  ...trusted(
    "checkArgument checkArguments checkBroadcastsTo checkClassIndices checkCopy checkDTypeName checkDefinition checkFunction checkOptions checkShape checkValueShape checkedIndices requireOptions",
    "is a check itself",
  ),
  ...trusted("kindsOf withDefaults nearestName show valueRule", "a part of checks"),
  ...trusted("copyMark markCopy", "marks what a package makes"),
  ...trusted("isTypedArray naturalDType nested", "asks what an array is"),
};
