import { expect, it } from "vitest";
import { optimizers } from "../src/catalog.js";

it.each(["step", "zeroGrad", "minimize"])("an optimizer has no %s(), and says what to call", (name) => {
  for (const make of Object.values(optimizers)) {
    const optimizer = make() as unknown as Record<string, () => unknown>;
    expect(() => optimizer[name]!()).toThrow(/keeps no parameters\. .*(Trainer|valueAndGrad)/);
  }
});
