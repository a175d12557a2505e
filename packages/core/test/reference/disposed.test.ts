import { expect, it } from "vitest";
import { add, compile, ones, tensor, withBackend } from "../../src/index.js";
import { reference } from "../../src/reference/index.js";

it("a reference backend that was disposed of refuses whatever is asked of it", async () => {
  const backend = reference();
  const made = withBackend(backend, () => add(ones([2]), 1));
  const program = compile((x: ReturnType<typeof tensor>) => add(x, 1), { backend });
  withBackend(backend, () => program(ones([2]))).dispose();
  backend.dispose();
  const refusal = /reference backend was disposed of.*Make a new one/;
  expect(() => withBackend(backend, () => add(tensor([1]), 2))).toThrow(refusal);
  expect(() => made.dataSync()).toThrow(refusal);
  await expect(made.data()).rejects.toThrow(refusal);
  expect(() => withBackend(backend, () => program(ones([2])))).toThrow(refusal);
  made.dispose();
  backend.dispose();
});
