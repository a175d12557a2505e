/** Core's gradients are found by the names of core's own definitions, and of no others. */
import { describe, expect, it } from "vitest";
import { gradientRuleOf, namesWithGradient } from "../../src/autograd/rules/index.js";
import { activations } from "../../src/catalog.js";
import * as backend from "../../src/entries/backend.js";
import * as define from "../../src/entries/define.js";
import { bindKernels, builtinName } from "../../src/ir/kernels.js";
import * as core from "../../src/index.js";
import type { Op } from "../../src/entries/define.js";
import { splitOp } from "../../src/ops/concat.js";

const isOp = (value: unknown): value is Op => typeof value === "object" && value !== null && "infer" in value;
const exported = Object.values<unknown>({ ...core, ...backend, ...define }).filter(isOp);
const ops = [...exported, splitOp, ...activations.flatMap(({ activation }) => ("op" in activation ? [activation.op] : []))];

describe("gradients of core's own ops", () => {
  it("are each of an op that there is", () => {
    const names = new Set(ops.map(builtinName));
    expect(namesWithGradient().filter((name) => !names.has(name))).toEqual([]);
    expect(new Set(namesWithGradient()).size).toBe(namesWithGradient().length);
  });

  it("are no others': a definition of the same name, or bound to the same kernels, has the gradient of its decomposition", () => {
    const gelu = core.gelu.op;
    expect(gradientRuleOf(gelu)).toBeDefined();
    expect(gradientRuleOf({ ...gelu })).toBeUndefined();
    expect(gradientRuleOf(bindKernels({ ...gelu }))).toBeUndefined();
  });
});
