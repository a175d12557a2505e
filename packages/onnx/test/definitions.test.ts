/** Every op, activation and loss of core, in every call that the laws of conformance are tried on: a file says it, and onnxruntime gives what the reference gives. */
import { beforeAll, describe, expect, test } from "vitest";
import { Tensor, useBackend } from "@ermine/core";
import { sameShape } from "@ermine/core/define";
import { Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { callsOf, draw, ownDefinitions } from "@ermine/conformance";
import { expectSame } from "./support.js";

type Call = ReturnType<typeof callsOf>[number];

class Called extends Module {
  readonly #call: Call;
  constructor(call: Call) {
    super();
    this.#call = call;
  }
  forward(...inputs: readonly Tensor[]): Tensor | readonly Tensor[] {
    return this.#call.run(...inputs);
  }
}

beforeAll(async () => {
  useBackend(await reference());
});

const calls = callsOf(ownDefinitions());

/** What no file says, and why: nothing else is refused. */
const refused: Readonly<Record<string, RegExp>> = {
  random: /draws random numbers in evaluation/,
  batchNorm: /by the batch's own mean and variance/,
  "batchNorm, its statistics too": /by the batch's own mean and variance/,
};

/** Of these core itself says that their size must be known. */
const ofKnownSize = ["slice of int32", "at, steps"];

/** Does the size stand on the first axis of the first input, and nowhere else? */
const isBatch = (a: readonly Tensor[], b: readonly Tensor[]): boolean =>
  a.length > 0 &&
  a[0]!.shape[0] === 7 &&
  a.every(({ shape }, i) => {
    const isOpen = shape[0] === 7 && b[i]!.shape[0] === 5;
    return isOpen ? sameShape(shape.slice(1), b[i]!.shape.slice(1)) : sameShape(shape, b[i]!.shape) && shape[0] !== 7;
  });

describe("onnxruntime gives what the reference gives:", () => {
  for (const call of calls) {
    test(call.name, async () => {
      const inputs = call.inputs(7, draw(1));
      const others = call.inputs(5, draw(2));
      if (refused[call.name] !== undefined) {
        await expect(expectSame(new Called(call), [inputs], { batchAxis: null })).rejects.toThrow(refused[call.name]!);
        return;
      }
      await expectSame(new Called(call), [inputs], { batchAxis: null });
      if (isBatch(inputs, others) && !ofKnownSize.includes(call.name)) await expectSame(new Called(call), [inputs, others]);
    });
  }
});
