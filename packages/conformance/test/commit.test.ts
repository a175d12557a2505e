/** Law 5: nothing that is not finite is written to a parameter, a slot or a buffer, whatever made it. */
import { log, manualSeed, mse, mul, sub, type Tensor } from "@ermine/core";
import { BatchNorm1d, Linear, Module, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adam, dataset, sgd, Trainer, type Optimizer, type Schedule, type TrainerOptions } from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import { law, refused, type Instance } from "./law.js";

const samples = 8;
const inputs = { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] };
const values = dataset({ inputs, targets: { data: new Float32Array(samples).fill(1), shape: [samples, 1] } });
const from = (bad: number): Schedule => ({ name: "from", per: "step", at: (step) => (step < 2 ? 0.01 : bad) });

/** The logarithm of what training makes negative: NaN in the forward pass from some step on. */
class Logarithm extends Module {
  readonly fc = new Linear(2, 1);
  forward(x: Tensor): Tensor {
    return log(sub(mul(this.fc.forward(x), 10), 1));
  }
}

/** @param mayPass can the step be finite, so that it need not be refused? */
async function check(options: Partial<TrainerOptions>, mayPass = false): Promise<void> {
  manualSeed(3);
  const model = options.model ?? new Sequential(new Linear(2, 4), new BatchNorm1d(4), new Linear(4, 1));
  const backend = reference({ precision: "float32" });
  const trainer = new Trainer({ loss: mse, optimizer: sgd(), backend, ...options, model } as TrainerOptions<never>);
  const fit = () => trainer.fit(values, { epochs: 4, batchSize: 4, notice: () => undefined });
  if (mayPass) await fit().catch(() => undefined);
  else await refused(fit);
  for (const [name, { data }] of Object.entries(await model.stateDict())) {
    const bad = data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) throw new Error(`${name} holds ${bad}`);
  }
  trainer.dispose();
}

const instances: Instance[] = [true, false].flatMap((compile) => {
  const mode = compile ? "compiled" : "eager";
  const all = Object.entries(optimizers as Record<string, (options?: object) => Optimizer>);
  return [
    // rprop's rate is only where its step sizes start.
    ...all.flatMap(([name, make]) => [
      {
        name: `${name}, a rate of NaN, ${mode}`,
        check: () => check({ optimizer: make({ learningRate: from(NaN) }), compile }, name === "rprop"),
      },
      {
        name: `${name}, a rate of 3e38, ${mode}`,
        check: () => check({ optimizer: make({ learningRate: from(3e38) }), compile }, true),
      },
    ]),
    {
      name: `adamw, a decay of NaN, ${mode}`,
      check: () => check({ optimizer: optimizers["adamw"]!({ weightDecay: from(NaN) }), compile }),
    },
    { name: `sgd, a momentum of NaN, ${mode}`, check: () => check({ optimizer: sgd({ momentum: from(NaN) }), compile }) },
    {
      name: `a forward pass of NaN, ${mode}`,
      check: () => check({ model: new Logarithm(), optimizer: adam({ learningRate: 0.5 }), compile }),
    },
    {
      name: `two micro-batches, a rate of NaN, ${mode}`,
      check: () => check({ optimizer: sgd({ learningRate: from(NaN) }), accumulate: 2, compile }),
    },
  ];
});

law("nothing that is not finite is committed", "", instances, []);
