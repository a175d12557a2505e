/** Two programs over the same variables, for the tests of any backend. */
import {
  add,
  Dim,
  manualSeed,
  mean,
  mul,
  square,
  sub,
  valueAndGrad,
  Variable,
  zeros,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { type Program, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";

/** Two networks that are trained against each other, each step a program of its own over both. */
export function adversaries(backend: Backend): { readonly discriminate: Program; readonly generate: Program } {
  manualSeed(1);
  const generator = new Sequential(new Linear(2, 8), new ReLU(), new Linear(8, 4));
  const discriminator = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 1));
  const program = (name: string, trained: Sequential, lossOf: (z: Tensor) => Tensor): Program => {
    const parameters = trained.parameters();
    const velocities = parameters.map((p) => new Variable(zeros(p.shape), { trainable: false }));
    const { graph } = traceEntry(name, (trace) => {
      const z = trace.feed("z", { shape: [Dim.symbol("N"), 2], dtype: "float32", domain: "real" });
      const { value, grads } = valueAndGrad(() => lossOf(z), parameters);
      parameters.forEach((p, i) => {
        const velocity = velocities[i]!;
        velocity.value = add(mul(velocity.value, 0.5), grads[i]!);
        p.value = sub(p.value, mul(velocity.value, 0.001));
      });
      return [value];
    });
    return compileModule(backend, graphModule({ step: graph }));
  };
  const fooled = (z: Tensor): Tensor => discriminator.forward(generator.forward(z));
  return {
    discriminate: program("discriminate", discriminator, (z) => mean(square(fooled(z)))),
    generate: program("generate", generator, (z) => mean(square(sub(fooled(z), 1)))),
  };
}
