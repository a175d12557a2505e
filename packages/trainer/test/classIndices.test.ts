/** The diagnosis of class indices in a refused step uses an op's declaration, not the names of its inputs. */
import { expandDims, less, mul, onesLike, sum, where, type Tensor } from "@ermine/core";
import { type Op, apply1, defineFusedOp, defineLoss } from "@ermine/core/define";
import { Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { describe, expect, test } from "vitest";
import { dataset, sgd, Trainer, type TrainerOptions } from "../src/index.js";

type None = Record<never, never>;

/** The sum of a row's scores, NaN where the label is 3 or more. */
const opWith = (input: string, classIndices?: Op<None>["classIndices"]): Op<None> =>
  defineFusedOp<None>({
    name: "ownElements",
    inputs: [
      { name: "scores", dtype: "float32" },
      { name: input, dtype: "int32", differentiable: false },
    ],
    infer: ([scores]) => [{ ...scores!, shape: [scores!.shape[0]!] }],
    decompose: ([scores, labels]) => [where(less(labels!, 3), sum(scores!, { axis: 1 }), NaN)],
    gradient: ([g], [scores]) => [mul(onesLike(scores!), expandDims(g!, 1)), undefined],
    ...(classIndices === undefined ? {} : { classIndices }),
  });

async function messageOf(op: Op<None>, compile: boolean): Promise<string> {
  const loss = defineLoss({
    name: "own",
    link: "identity",
    inputs: [{ name: "scores" }, { name: "labels" }],
    elements: ([scores, labels]: readonly [Tensor, Tensor]) => ({ value: apply1(op, [scores, labels], {}) }),
  });
  const options = { model: new Sequential(new Linear(2, 3)), loss, optimizer: sgd(), backend: reference(), compile };
  const trainer = new Trainer(options as unknown as TrainerOptions<never>);
  const inputs = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
  try {
    await trainer.fit(dataset({ inputs, targets: { data: Int32Array.of(0, 7), shape: [2] } }), { epochs: 1, batchSize: 2 });
    return "nothing";
  } catch (error) {
    return (error as Error).message;
  } finally {
    trainer.dispose();
  }
}

describe.each([false, true])("compiled: %s", (compile) => {
  test("an op that declares its class indices has a bad one named, whatever the input is called", async () => {
    const declared = opWith("labels", ([scores]) => ({ input: 1, classes: scores!.shape[1]! }));
    expect(await messageOf(declared, compile)).toMatch(/ownElements.*\b7\b.*\b2\b/s);
  });

  test("an int32 input that is called target is nothing by that", async () => {
    const message = await messageOf(opWith("target"), compile);
    expect(message).toMatch(/ownElements/);
    expect(message).not.toMatch(/\b7\b/);
  });
});
