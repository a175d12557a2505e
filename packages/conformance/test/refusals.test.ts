/** Law 8: after a refused call every correct call works, and gives the bits that it would have given. */
import { manualSeed, mse } from "@ermine/core";
import { Dropout, Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adam, dataset, Trainer, type TrainerOptions } from "@ermine/trainer";
import { law, refused, type Instance } from "./law.js";

const samples = 6;
const column = (width: number, fill?: number) => ({
  data: Float32Array.from({ length: width * samples }, (_, i) => fill ?? ((i * 7) % 11) / 5 - 1),
  shape: [samples, width],
});
const good = dataset({ inputs: column(2), targets: column(1) });
const wide = dataset({ inputs: column(3), targets: column(1) });
const bare = dataset({ inputs: column(2) });
const broad = dataset({ inputs: column(2), targets: column(2) });
const infinite = dataset({ inputs: column(2, Infinity), targets: column(1) });
const run = { epochs: 1, batchSize: 3, notice: () => undefined } as const;

const calls: Readonly<Record<string, (trainer: Trainer) => unknown>> = {
  "predict of another width": (t) => t.predict(wide),
  "predict of no data set": (t) => t.predict([[1, 2]] as never),
  "predict of classes": (t) => t.predict(good, { as: "classes" }),
  "evaluate of another width": (t) => t.evaluate(wide),
  "evaluate without targets": (t) => t.evaluate(bare),
  "evaluate of other targets": (t) => t.evaluate(broad),
  "fit of another width": (t) => t.fit(wide, run),
  "fit without targets": (t) => t.fit(bare, run),
  "fit of other targets": (t) => t.fit(broad, run),
  "fit of infinite inputs": (t) => t.fit(infinite, run),
  "fit with validation of another width": (t) => t.fit(good, { ...run, validation: wide }),
  "fit with validation without targets": (t) => t.fit(good, { ...run, validation: bare }),
  "fit of no epochs": (t) => t.fit(good, { ...run, epochs: 0 }),
  "fit with a misspelt option": (t) => t.fit(good, { ...run, batchsize: 3 } as never),
  "plan of another width": (t) => t.plan(wide),
  "profile of another width": (t) => t.profile(wide),
};

async function after(compile: boolean, trained: boolean, call?: (trainer: Trainer) => unknown): Promise<string> {
  manualSeed(3);
  const model = new Sequential(new Linear(2, 4), new Dropout(0.5), new Linear(4, 1));
  const trainer = new Trainer({
    model,
    loss: mse,
    optimizer: adam(),
    backend: reference(),
    compile,
    seed: 5,
  } as TrainerOptions<never>);
  if (trained) await trainer.fit(good, run);
  if (call !== undefined) await refused(() => call(trainer));
  const { loss } = await trainer.evaluate(good);
  const { steps } = await trainer.fit(good, run);
  const { data } = await trainer.predict(good);
  trainer.dispose();
  return [loss, ...steps, ...data].join();
}

const instances: Instance[] = [true, false].flatMap((compile) =>
  [false, true].flatMap((trained) =>
    Object.entries(calls).map(([name, call]) => ({
      name: `${name}, ${trained ? "after training" : "at first"}, ${compile ? "compiled" : "eager"}`,
      async check() {
        const [a, b] = [await after(compile, trained, call), await after(compile, trained)];
        if (a !== b) throw new Error(`then ${a}, without it ${b}`);
      },
    })),
  ),
);

const spoil = [
  "predict of another width",
  "predict of no data set",
  "fit of another width",
  "fit without targets",
  "fit of other targets",
];
law(
  "a refused call leaves no trace",
  "issue I, item 4: step.run",
  instances,
  instances.map(({ name }) => name).filter((name) => spoil.some((call) => name.startsWith(`${call}, `))),
);
