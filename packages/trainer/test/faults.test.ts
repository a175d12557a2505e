/** Faults that were found in use, as tests of the right behaviour. */
import { reactive } from "@vue/reactivity";
import { describe, expect, test } from "vitest";
import {
  add,
  bceWithLogits,
  concat,
  crossEntropy,
  ErmineError,
  manualSeed,
  mse,
  mul,
  sub,
  sum,
  tensor,
  valueAndGrad,
  Variable,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { defineLoss } from "@ermine/core/define";
import { Dropout, Linear, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  accuracy,
  adam,
  dataset,
  earlyStopping,
  lookahead,
  meanAbsoluteError,
  schedules,
  sgd,
  Trainer,
  type Schedule,
  type TrainerOptions,
} from "../src/index.js";

const samples = 8;
const inputs = { data: Float32Array.from({ length: 2 * samples }, (_, i) => ((i * 7) % 11) / 5 - 1), shape: [samples, 2] };
const values = dataset({
  inputs,
  targets: { data: Float32Array.from({ length: samples }, (_, i) => i / 4 - 1), shape: [samples, 1] },
});
const threeWide = { data: new Float32Array(3 * samples), shape: [samples, 3] };
const oneWide = { data: new Float32Array(samples), shape: [samples, 1] };
const wide = dataset({ inputs: threeWide });

function make(options: Partial<TrainerOptions> = {}): Trainer {
  manualSeed(3);
  const model = new Sequential(new Linear(2, 1));
  const given = { model, loss: mse, optimizer: sgd({ learningRate: 0.1 }), backend: reference(), ...options };
  return new Trainer(given as TrainerOptions<never>);
}
const weights = async ({ model }: Pick<Trainer, "model">): Promise<number[]> =>
  Object.values(await model.stateDict()).flatMap(({ data }) => Array.from(data));
const run = { epochs: 2, batchSize: 4, shuffle: false, notice: () => undefined } as const;

/** Code and message of an ErmineError; other errors are rethrown. */
async function refusal(fn: () => unknown): Promise<string> {
  try {
    await fn();
  } catch (error) {
    if (error instanceof ErmineError) return error.message;
    return `a raw ${(error as Error).name}: ${(error as Error).message}`;
  }
  return "nothing was refused";
}

describe("A7: a schedule's state belongs to a training", () => {
  test("A7: a second trainer with the same options starts at the first rate", async () => {
    const shared = sgd({ learningRate: schedules.reduceOnPlateau(0.1, { monitor: "loss", patience: 0, threshold: 0.9 }) });
    const long = { ...run, epochs: 4 };
    const first = await make({ optimizer: shared }).fit(values, long);
    const second = await make({ optimizer: shared }).fit(values, long);
    expect(second.steps).toEqual(first.steps);
  });
  test("A7: two trainers that train at once share an optimizer, a schedule and callbacks, and nothing of their state", async () => {
    const shared = () => ({
      optimizer: lookahead(
        sgd({ learningRate: schedules.reduceOnPlateau(0.1, { monitor: "loss", patience: 0, threshold: 0.9 }) }),
      ),
      callbacks: [earlyStopping({ monitor: "loss", patience: 2, minDelta: 0.01 })],
    });
    const one = async ({ optimizer, callbacks }: ReturnType<typeof shared>, seed: number, learns: boolean) => {
      const trainer = make({ optimizer, seed });
      const history = await trainer.fit(learns ? values : dataset({ ...constant }), { ...run, epochs: 8, callbacks });
      return [history, await weights(trainer)];
    };
    const constant = { inputs: { data: new Float32Array(16), shape: [8, 2] }, targets: oneWide };
    const alone = [await one(shared(), 1, true), await one(shared(), 2, false)];
    const both = shared();
    expect(await Promise.all([one(both, 1, true), one(both, 2, false)])).toEqual(alone);
  });
  test("A7: a schedule that keeps its state itself is refused", async () => {
    const lossSchedule = { name: "own", per: "epoch", monitor: "loss", at: () => 0.1, observe: () => undefined } as const;
    expect(await refusal(() => make({ optimizer: sgd({ learningRate: lossSchedule }) }))).toMatch(
      /own observes a log and has no init\(\)/,
    );
  });
});

describe.each([true, false])("A9: nothing that is not finite is committed (compiled: %s)", (compile) => {
  const never: Schedule = { name: "never", per: "step", at: (step) => (step < 2 ? 0.1 : NaN) };
  test("A9: a rate of NaN is refused, and the parameters stay", async () => {
    const trainer = make({ optimizer: sgd({ learningRate: never }), compile });
    expect(await refusal(() => trainer.fit(values, run))).toMatch(/sgd has learningRate NaN, which is not finite/);
    expect((await weights(trainer)).every(Number.isFinite)).toBe(true);
    expect((await trainer.evaluate(values)).loss).toBeGreaterThan(0);
  });
  test("A9: adam with eps 0 where a gradient is 0 commits nothing", async () => {
    const trainer = make({ optimizer: adam({ eps: 0 }), compile });
    const still = dataset({
      inputs: { data: new Float32Array(16), shape: [8, 2] },
      targets: { data: new Float32Array(8).fill(1), shape: [8, 1] },
    });
    await refusal(() => trainer.fit(still, run));
    expect((await weights(trainer)).every(Number.isFinite)).toBe(true);
  });
  test("A9: a step that overflows is not committed", async () => {
    const trainer = make({ optimizer: sgd({ learningRate: 3e38 }), backend: reference({ precision: "float32" }), compile });
    await refusal(() => trainer.fit(values, run));
    expect((await weights(trainer)).every(Number.isFinite)).toBe(true);
  });
});

test.each([
  [{ clipGradNorm: NaN }, /clipGradNorm must be a number above 0, got NaN/],
  [{ clipGradNorm: -1 }, /clipGradNorm must be a number above 0, got -1/],
  [{ clipGradNorm: 0 }, /clipGradNorm must be a number above 0, got 0/],
  [{ clipGradNorm: "1" }, /clipGradNorm must be a number above 0, got "1"/],
  [{ clipGradNorm: null }, /clipGradNorm must be a number above 0, got null/],
  [{ clipGradNorm: { maxNorm: -1 } }, /clipGradNorm\.maxNorm must be a number above 0/],
  [{ clipGradNorm: { maxNorm: 1, normType: NaN } }, /clipGradNorm\.normType must be a number above 0/],
  [{ clipGradNorm: { max_norm: 1 } }, /Did you mean "maxNorm"/],
  [{ clipGradValue: 0 }, /clipGradValue must be a number above 0/],
  [{ clipGradValue: NaN }, /clipGradValue must be a number above 0/],
])("A9: the trainer refuses %o", async (options, message) => {
  expect(await refusal(() => make(options as unknown as Partial<TrainerOptions>))).toMatch(message);
});

describe("A20: one thing at a time", () => {
  test("A20: a second fit on a trainer that fits is refused, and the first is as it would be", async () => {
    const alone = await make().fit(values, run);
    const trainer = make();
    const first = trainer.fit(values, run);
    const second = refusal(() => trainer.fit(values, run));
    expect((await first).steps).toEqual(alone.steps);
    expect(await second).toMatch(/fit/);
  });
  test("A20: dispose during fit says so", async () => {
    const trainer = make();
    const message = await refusal(() =>
      trainer.fit(values, { ...run, callbacks: [{ name: "stop", onStep: () => trainer.dispose() }] }),
    );
    expect(message).toMatch(/dispose/);
  });
  test("A20: a signal that is aborted already takes no step", async () => {
    const trainer = make();
    const before = await weights(trainer);
    const { steps, stopped } = await trainer.fit(values, { ...run, signal: AbortSignal.abort() });
    expect([steps, stopped]).toEqual([[], "aborted"]);
    expect(await weights(trainer)).toEqual(before);
  });
});

describe("A21: a refused call leaves no trace", () => {
  const refused: Record<string, (trainer: Trainer) => Promise<unknown>> = {
    "predict of a wrong width": (trainer) => trainer.predict(wide),
    "evaluate without targets": (trainer) => trainer.evaluate(dataset({ inputs })),
    "evaluate of a wrong width": (trainer) => trainer.evaluate(dataset({ inputs: threeWide, targets: oneWide })),
    "fit of a wrong width": (trainer) => trainer.fit(dataset({ inputs: threeWide, targets: oneWide }), run),
    "fit without targets": (trainer) => trainer.fit(dataset({ inputs }), run),
  };
  test.each(Object.entries(refused))("A21: after %s, fit and predict go as without it", async (_, call) => {
    const [trainer, other] = [make(), make()];
    expect(await refusal(() => call(trainer))).toMatch(/./);
    const [{ steps }, expected] = [await trainer.fit(values, run), await other.fit(values, run)];
    expect(steps).toEqual(expected.steps);
    expect(await trainer.predict(values)).toEqual(await other.predict(values));
  });
});

describe("B4: losses with inputs and results of other kinds", () => {
  test("B4: a loss whose inputs are called logits and labels trains", async () => {
    const elements = ([p, t]: readonly [Tensor, Tensor]) => ({ value: mul(sub(p, t), sub(p, t)) });
    const named = (a: string, b: string) =>
      defineLoss({ name: "own", link: "identity", inputs: [{ name: a }, { name: b }], elements });
    const expected = await make({ loss: named("prediction", "target") as never }).fit(values, run);
    const { steps } = await make({ loss: named("logits", "labels") as never }).fit(values, run);
    expect(steps).toEqual(expected.steps);
  });
  test("B4: a loss whose elements returns a tensor is refused by name", async () => {
    const wrong = defineLoss({
      name: "own",
      link: "identity",
      inputs: [{ name: "prediction" }, { name: "target" }],
      elements: (([p, t]: readonly [Tensor, Tensor]) => sub(p, t)) as never,
    });
    expect(await refusal(() => make({ loss: wrong as never }).fit(values, run))).toMatch(/own: elements .*\{ value/);
  });
});

describe("B6: things of another kind than they must be", () => {
  const trainerOptions: readonly (readonly [string, object, RegExp])[] = [
    ['loss: "mse"', { loss: "mse" }, /loss.*mse/],
    ['optimizer: "adam"', { optimizer: "adam" }, /optimizer.*adam\(/],
    ["model: a function", { model: (x: Tensor) => x }, /model/],
  ];
  test.each([
    ["accuracy", /accuracy\(\)/],
    [accuracy, /accuracy\(\)/],
  ])("B6: metrics: [%s] is refused with the spelling", async (metric, message) => {
    expect(await refusal(() => make({ metrics: [metric as never] }))).toMatch(message);
  });
  test.each(trainerOptions)("B6: %s is refused with the spelling", async (_, options, message) => {
    const text = await refusal(() => make(options).fit(values, run));
    expect(text).not.toMatch(/^a raw/);
    expect(text).toMatch(message);
  });
  test("B6: posWeight of a number", async () => {
    const text = await refusal(() => bceWithLogits(tensor([0.5]), tensor([1]), { posWeight: 3 as never }));
    expect(text).toMatch(/posWeight.*(scalar|tensor)\(/);
  });
  test("B6: class weights as an array", async () => {
    const labels = tensor([0], { dtype: "int32" });
    expect(await refusal(() => crossEntropy(tensor([[1, 2]]), labels, { weight: [1, 2] as never }))).toMatch(/weight.*tensor\(/);
  });
  test("B6: predict takes arrays and tensors", async () => {
    const trainer = make();
    const expected = await trainer.predict(dataset({ inputs: { data: Float32Array.of(1, 2), shape: [1, 2] } }));
    expect(await trainer.predict([[1, 2]] as never)).toEqual(expected);
    expect(await trainer.predict(tensor([[1, 2]]) as never)).toEqual(expected);
  });
});

describe("B16: predictions are of a model in evaluation", () => {
  const dropping = () => {
    manualSeed(4);
    return new Sequential(new Linear(2, 8), new Dropout(0.5), new Linear(8, 1));
  };
  test("a loaded model predicts the same each time, without eval()", async () => {
    const model = dropping();
    model.loadStateDict(await dropping().stateDict());
    const trainer = make({ model });
    const first = await trainer.predict(values);
    expect(await trainer.predict(values)).toEqual(first);
    expect(Array.from(first.data)).toEqual(
      Array.from(
        model
          .eval()
          .forward(tensor(inputs.data, { shape: inputs.shape }))
          .dataSync(),
      ),
    );
  });
  test("B16: a tensor is predicted as by eval()", async () => {
    const trainer = make({ model: dropping() });
    const x = tensor(inputs.data, { shape: inputs.shape });
    const { data } = await trainer.predict(x as never);
    expect(Array.from(data)).toEqual(Array.from((trainer.model as Sequential).eval().forward(x).dataSync()));
  });
  test("B16: predict and evaluate leave the model in the mode that it had", async () => {
    const trainer = make({ model: dropping().train() });
    await trainer.predict(values);
    expect(trainer.model.training).toBe(true);
    await trainer.evaluate(values);
    expect(trainer.model.training).toBe(true);
  });
});

describe("D8: what is ended ends", () => {
  test("D8: a trainer that is disposed during fit leaves the model to the next one", async () => {
    const model = new Sequential(new Linear(2, 1));
    const first = make({ model });
    const running = refusal(() => first.fit(values, { ...run, epochs: 50 }));
    first.dispose();
    const second = make({ model });
    const { steps } = await second.fit(values, run);
    expect(steps).toHaveLength(4);
    expect(await running).toMatch(/dispose/);
  });
  test("D8: an abort in onEpochEnd takes no more step", async () => {
    const controller = new AbortController();
    const abort = { name: "abort", onEpochEnd: () => controller.abort() };
    const { steps } = await make().fit(values, { ...run, signal: controller.signal, callbacks: [abort] });
    expect(steps).toHaveLength(2);
  });
});

describe("D13: two trainers, and proxies", () => {
  test("D13: two trainers train one model in turns, as one would", async () => {
    const alone = make();
    const expected = [...(await alone.fit(values, run)).steps, ...(await alone.fit(values, run)).steps];
    manualSeed(3);
    const model = new Sequential(new Linear(2, 1));
    const [one, two] = [make({ model }), make({ model })];
    model.loadStateDict(await make().model.stateDict());
    expect([...(await one.fit(values, run)).steps, ...(await two.fit(values, run)).steps]).toEqual(expected);
  });
  describe("Vue's reactive()", () => {
    const optimizer = adam({ learningRate: 0.1 });
    const model = new Sequential(new Linear(2, 1));
    const variable = new Variable(tensor([1, 2]));
    const on = (fn: () => unknown): unknown => withBackend(reference(), fn);
    const refused: Readonly<Record<string, () => unknown>> = {
      model: () => make({ model: reactive(model) as never }).fit(values, run),
      "a model within an object": () => make({ model: reactive({ model }).model as never }).fit(values, run),
      "a data set": () => make().fit(reactive(values) as never, run),
      "a data set to evaluate": () => make().evaluate(reactive(values) as never),
      "a data set to predict": () => make().predict(reactive(values) as never),
      trainer: () => (reactive(make()) as unknown as Trainer).fit(values, run),
      tensor: () => on(() => add(reactive(tensor([1, 2])) as never, 1)),
      "a tensor in a list": () => on(() => concat(reactive([tensor([1]), tensor([2])]) as never)),
      "a loss's target": () => on(() => mse(tensor([1]), reactive(tensor([1])) as never)),
      variable: () => on(() => valueAndGrad(() => sum(variable.value), [reactive(variable) as never])),
    };
    test.each(Object.keys(refused))("D13: refuses %s, with the remedy", async (name) => {
      const message = await refusal(async () => refused[name]!());
      expect(message).toMatch(/markRaw\(/);
      expect(message).not.toMatch(/another copy/);
    });
    test("D13: takes optimizers, losses, metrics, callbacks and options, which are plain: the same bits", async () => {
      const options = { optimizer, metrics: [meanAbsoluteError()], seed: 5 };
      manualSeed(3);
      const expected = await make({ model: new Sequential(new Linear(2, 1)), ...options }).fit(values, run);
      manualSeed(3);
      const proxied = reactive(options) as unknown as typeof options;
      const proxiedHistory = await make({ model: new Sequential(new Linear(2, 1)), ...proxied }).fit(
        values,
        reactive({ ...run }) as never,
      );
      expect(proxiedHistory).toEqual(expected);
    });
    test("D13: takes a backend", async () => {
      manualSeed(3);
      const expected = await make({ model: new Sequential(new Linear(2, 1)), backend: reference() }).fit(values, run);
      manualSeed(3);
      const backend = reactive(reference()) as unknown as Backend;
      expect(await make({ model: new Sequential(new Linear(2, 1)), backend }).fit(values, run)).toEqual(expected);
    });
  });
  test("D13: a proxied model is refused with the remedy", async () => {
    const model = new Proxy(new Sequential(new Linear(2, 1)), {});
    expect(await refusal(() => make({ model }).fit(values, run))).toMatch(/markRaw/);
  });
  test("D13: a proxied trainer is refused with the remedy, whatever is called", async () => {
    const calls: Readonly<Record<string, (trainer: Trainer) => unknown>> = {
      fit: (trainer) => trainer.fit(values, run),
      evaluate: (trainer) => trainer.evaluate(values),
      predict: (trainer) => trainer.predict(values),
      plan: (trainer) => trainer.plan(values),
      profile: (trainer) => trainer.profile(values),
      withAveragedWeights: (trainer) => trainer.withAveragedWeights(() => 1),
      snapshot: (trainer) => trainer.snapshot(),
      restore: (trainer) => trainer.restore({} as never),
      dispose: (trainer) => trainer.dispose(),
      rateNow: (trainer) => trainer.rateNow(0.1),
      model: (trainer) => trainer.model,
      backend: (trainer) => trainer.backend,
      configuration: (trainer) => trainer.configuration,
      step: (trainer) => trainer.step,
    };
    const members = Object.getOwnPropertyNames(Trainer.prototype).filter((name) => name !== "constructor");
    expect(Object.keys(calls).sort()).toEqual(members.sort());
    const trainer = make();
    for (const [name, call] of Object.entries(calls)) {
      const message = await refusal(async () => call(new Proxy(trainer, {})));
      expect(message).toMatch(new RegExp(`^trainer\\.${name} was called on .*markRaw`));
    }
    const { fit } = trainer;
    expect(await refusal(() => fit(values, run))).toMatch(/trainer\.fit\(…\)/);
    await trainer.fit(values, run);
  });
});
