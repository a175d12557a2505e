import { add, compile, ones, tensor, Variable, withBackend, type Tensor } from "@ermine/core";
import { expect, it } from "vitest";
import { tfjs } from "../src/index.js";
import { describeNative } from "./native.js";

describeNative("a backend that was disposed of", () => {
  it("refuses whatever is asked of it or of what it made, and other backends go on", async () => {
    const [backend, other] = [await tfjs(), await tfjs()];
    const v = withBackend(backend, () => new Variable(ones([3])));
    const program = compile((x: Tensor) => (v.value = add(v.value, x)), { backend });
    const result = withBackend(backend, () => program(ones([3])));
    backend.dispose();
    backend.dispose();
    const refusal = /tfjs backend was disposed of.*await tfjs\(\)/;
    expect(() => withBackend(backend, () => add(tensor([1]), 2))).toThrow(refusal);
    expect(() => result.dataSync()).toThrow(refusal);
    await expect(result.data()).rejects.toThrow(refusal);
    expect(() => program(ones([3]))).toThrow(refusal);
    await expect(v.data()).rejects.toThrow(refusal);
    result.dispose();
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0 });
    expect(withBackend(other, () => [...add(ones([2]), 1).dataSync()])).toEqual([2, 2]);
    other.dispose();
  });
});
