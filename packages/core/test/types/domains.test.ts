import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import * as e from "../../src/index.js";
import { withDomain } from "../../src/entries/define.js";
import type { Tensor } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => e.useBackend(reference()));
const p = (): Tensor<"probabilities"> => withDomain(e.tensor([[0.25, 0.75]]), "probabilities");

describe("domains", () => {
  it("stay through what only moves numbers, in types and at run time", () => {
    const kept = [
      e.reshape(p(), [2]),
      e.permute(p(), [1, 0]),
      e.flip(p()),
      e.at(p(), 0),
      e.concat([p(), p()]),
      e.broadcastTo(p(), [3, 2]),
      e.tile(p(), [2]),
      e.gather(p(), 1, e.tensor([[0]], { dtype: "int32" })),
      e.indexSelect(p(), 1, e.tensor([0], { dtype: "int32" })),
      e.clamp(p(), 0, 0.5),
      e.sort(p()).values,
      e.stopGradient(p()),
      e.split(p(), 1, 1)[0]!,
      e.stack([p()]),
    ];
    for (const t of kept) expect(t.domain).toBe("probabilities");
    expectTypeOf(kept).toEqualTypeOf<Tensor<"probabilities">[]>();
  });

  it("are lost by arithmetic", () => {
    const lost = [
      e.add(p(), p()),
      e.mul(p(), 2),
      e.sum(p()),
      e.neg(p()),
      e.pad(p(), [
        [0, 0],
        [1, 1],
      ]),
      e.mean(p()),
      e.cumsum(p(), 1),
      e.matmul(p(), e.transpose(p())),
    ];
    for (const t of lost) expect(t.domain).toBe("real");
    expectTypeOf(lost).toEqualTypeOf<Tensor<"real">[]>();
    expect(e.concat<e.Domain>([p(), e.zeros([1, 2])]).domain).toBe("real");
    expect(e.clamp(p(), 2, 3).domain).toBe("real");
  });

  it("log and exp lead from probabilities to log probabilities and back", () => {
    expectTypeOf(e.log(p())).toEqualTypeOf<Tensor<"logProbabilities">>();
    expectTypeOf(e.exp(e.log(p()))).toEqualTypeOf<Tensor<"probabilities">>();
    expectTypeOf(e.log(e.zeros([1]))).toEqualTypeOf<Tensor<"real">>();
    expect([e.log(p()).domain, e.exp(e.log(p())).domain, e.exp(p()).domain]).toEqual([
      "logProbabilities",
      "probabilities",
      "real",
    ]);
  });

  it("a plain Tensor fits everywhere, marked ones only where they belong", () => {
    const logits = (z: Tensor<"real">): Tensor<"real"> => z;
    const unknown = e.zeros([1]) as Tensor;
    logits(unknown);
    logits(e.mul(p(), 2));
    // @ts-expect-error probabilities are not logits
    logits(p());
    // @ts-expect-error log probabilities are not probabilities
    const wrong: Tensor<"probabilities"> = e.log(p());
    expect(wrong.domain).toBe("logProbabilities");
    expectTypeOf(e.log(unknown)).toEqualTypeOf<Tensor>();
  });

  it("gradients are real, and have the tree of their sources", () => {
    const sources = { w: new e.Parameter(e.ones([1])), list: [p()] };
    const { grads, value } = e.valueAndGrad(() => e.sum(e.mul(sources.w.value, sources.list[0]!)), sources);
    expectTypeOf(grads).toEqualTypeOf<{ w: Tensor<"real">; list: Tensor<"real">[] }>();
    expectTypeOf(value).toEqualTypeOf<Tensor<"real">>();
    expect(grads.list[0]!.domain).toBe("real");
  });
});
