/** The gallery's curves: of every definition that core and the trainer export, with the slopes that their values have. */
import { useBackend, type Activation, type Loss } from "@ermine/core";
import { activations, losses } from "@ermine/core/catalog";
import { reference } from "@ermine/core/reference";
import { optimizers, schedules } from "@ermine/trainer/catalog";
import { beforeAll, describe, expect, it } from "vitest";
import { activationCode, lossCode, moduleName, optimizerCode, scheduleCode } from "../../site/src/gallery/code.js";
import { activationCurve, lossCurves, spread } from "../../src/curves.js";
import { formatGallery, parseGallery } from "../../site/src/gallery/link.js";
import { changedValues, parametersOf, readValues } from "../../site/src/gallery/parameters.js";
import { optimizerProse } from "../../site/src/gallery/optimizerProse.js";
import { optionsOfSchedule, parametersOfSchedule, scheduleCurve, scheduleNames } from "../../site/src/gallery/scheduleCurves.js";
import { scheduleProse } from "../../site/src/gallery/scheduleProse.js";
import { heights, moving, surfaces, trajectory } from "../../site/src/gallery/surfaces.js";

beforeAll(() => {
  useBackend(reference());
});

/** How far slopes are from those of the neighbours' values, where both sides agree: not at a kink. */
function slopeErrors(x: readonly number[], value: readonly number[], slope: readonly number[]): number[] {
  return x.flatMap((_, i) => {
    if (i === 0 || i === x.length - 1) return [];
    const [before, after] = [
      (value[i]! - value[i - 1]!) / (x[i]! - x[i - 1]!),
      (value[i + 1]! - value[i]!) / (x[i + 1]! - x[i]!),
    ];
    const size = Math.max(1, Math.abs(before), Math.abs(after));
    return Math.abs(before - after) > 0.05 * size ? [] : [Math.abs((before + after) / 2 - slope[i]!) / size];
  });
}

describe("activations", () => {
  it.each(activations.map((entry) => [entry.name, entry] as const))("%s has its slope, and the slope of that", (_, entry) => {
    const x = spread(-6, 6, 601);
    const { value, slope, bend } = activationCurve(entry, {}, x);
    for (const curve of [value, slope, bend]) expect(curve.every(Number.isFinite)).toBe(true);
    for (const errors of [slopeErrors(x, value, slope), slopeErrors(x, slope, bend)]) {
      expect(errors.length).toBeGreaterThan(500);
      expect(errors.filter((error) => error > 2e-3).length).toBeLessThan(5);
      // Next to a kink of the derivative.
      expect(Math.max(...errors)).toBeLessThan(0.03);
    }
  });

  it("have controls whose values change the curve, are refused with the reason, and are written in the code", () => {
    const x = spread(-6, 6, 121);
    for (const entry of activations) {
      if (!("defaults" in entry.activation)) continue;
      const { defaults, optionExamples } = entry.activation as Activation;
      const parameters = parametersOf(defaults, optionExamples);
      for (const { name } of parameters) {
        const values = changedValues(parameters, { [name]: optionExamples[name] as number });
        const changed = activationCurve(entry, values, x);
        expect(changed.value, `${entry.name} ${name}`).not.toEqual(activationCurve(entry, {}, x).value);
        expect(activationCode(entry.name, "x", values).ermine).toContain(`${name}: `);
        expect(readValues(parameters, new Map(Object.entries(values).map(([key, value]) => [key, String(value)])))).toEqual(
          values,
        );
      }
    }
    const hardTanh = activations.find(({ name }) => name === "hardTanh")!;
    expect(() => activationCurve(hardTanh, { minValue: 3 }, x)).toThrow(/minValue/);
  });

  it("are modules of PyTorch's names", () => {
    for (const { name } of activations) expect(moduleName(name), name).toBeDefined();
    expect(activationCode("leakyRelu", "x", { negativeSlope: 0.2 })).toEqual({
      ermine:
        'import { leakyRelu } from "@ermine/core";\nleakyRelu(x, { negativeSlope: 0.2 });\n\n' +
        'import { LeakyReLU } from "@ermine/core/nn";\nnew LeakyReLU({ negativeSlope: 0.2 });',
      torch: "torch.nn.LeakyReLU(negative_slope=0.2)(x)",
    });
  });
});

describe("losses", () => {
  const cases = losses.flatMap(({ name, loss }) =>
    Object.keys(loss.samples).map((sample) => [name, sample, loss as Loss] as const),
  );
  it.each(cases)("%s of %s has its slope, and moves with the prediction", (_, sample, loss) => {
    const { x, lines } = lossCurves(loss, sample, {}, 161);
    expect(lines.length).toBeGreaterThan(0);
    if (sample === "targets too long") {
      for (const { value } of lines) expect(value.every((each) => each === Infinity)).toBe(true);
      return;
    }
    for (const { value, slope } of lines) {
      expect([...value, ...slope].every(Number.isFinite)).toBe(true);
      const errors = slopeErrors(x, value, slope);
      expect(errors.length).toBeGreaterThan(40);
      expect(Math.max(...errors)).toBeLessThan(0.03);
    }
    expect(lines.some(({ value }) => new Set(value).size > 10)).toBe(true);
  });

  it("of a residual are 0 where there is none, and grow on both sides", () => {
    for (const name of ["mse", "l1", "huber", "smoothL1", "logCosh"]) {
      const { x, lines } = lossCurves(losses.find((each) => each.name === name)!.loss as Loss, "numbers", {}, 81);
      const [{ value }] = lines as [(typeof lines)[number]];
      expect(value[x.indexOf(0)], name).toBe(0);
      expect(value[0], name).toBeGreaterThan(1);
      expect(value[0], name).toBeCloseTo(value.at(-1)!, 9);
    }
  });

  it("are written with their inputs and options; PyTorch's where it has them", () => {
    expect(lossCode("huber", ["prediction", "target"], { delta: 0.5 }).torch).toBe(
      "torch.nn.HuberLoss(delta=0.5)(prediction, target)",
    );
    expect(lossCode("focal", ["prediction", "target"], {}).torch).toBeUndefined();
    for (const { name } of losses) expect(moduleName(name, "Loss"), name).toBeDefined();
  });
});

describe("optimizers", () => {
  it("are all there but the one of looked-up rows", () => {
    expect(Object.keys(optimizers).filter((name) => !moving.includes(name))).toEqual(["sparseAdam"]);
    expect(moving.map((name) => optimizerCode(name, 0.1).torch === undefined && name).filter(Boolean)).toEqual(["lion", "lamb"]);
  });

  it.each(moving)("%s goes downhill in the valley at some learning rate", (name) => {
    const [valley] = surfaces;
    const height = ([x, y]: readonly [number, number]): number => 0.05 * x * x + y * y;
    const ends = [0.01, 0.1, 1].map((rate) => trajectory(valley!, name, rate, 200));
    expect(ends.every((way) => way[0]!.join() === valley!.start.join())).toBe(true);
    expect(Math.min(...ends.map((way) => height(way.at(-1)!)))).toBeLessThan(0.8 * height(valley!.start));
  });

  it("end early where they leave the map, and surfaces have their minimum where it is marked", () => {
    expect(trajectory(surfaces[1]!, "sgd", 1, 200).length).toBeLessThan(20);
    for (const surface of surfaces) {
      const values = heights(surface, 81);
      const lowest = values.indexOf(Math.min(...values));
      const at = [0, 1].map((axis) => {
        const part = axis === 0 ? ((lowest % 81) + 0.5) / 81 : 1 - (Math.floor(lowest / 81) + 0.5) / 81;
        return surface.low[axis]! + (surface.high[axis]! - surface.low[axis]!) * part;
      });
      at.forEach((value, axis) =>
        expect(Math.abs(Math.abs(value) - Math.abs(surface.minimum[axis]!)), surface.name).toBeLessThan(0.12),
      );
    }
  });
});

describe("schedules", () => {
  it.each(scheduleNames)("%s has a curve that moves, by each of its options", (name) => {
    const { value } = scheduleCurve(name, {});
    expect(value.every((rate) => rate >= 0 && rate <= 1.0001)).toBe(true);
    expect(new Set(value).size).toBeGreaterThan(1);
    const parameters = parametersOfSchedule(name);
    expect(parameters.length).toBeGreaterThan(0);
    for (const parameter of parameters) {
      if (parameter.kind !== "number") continue;
      const other = parameter.initial === parameter.low ? parameter.high / 2 : (parameter.initial + parameter.low) / 2;
      const changed = scheduleCurve(name, {
        [parameter.name]: parameter.step >= 1 ? Math.floor(other) : other,
      }).value;
      expect(changed, parameter.name).not.toEqual(value);
    }
  });

  it("are all that the trainer has", () => {
    expect(scheduleNames).toEqual(Object.keys(schedules));
  });
});

describe("every entry of the gallery says what it is", () => {
  /** Each description by its name, and what it must say. */
  const described = {
    activations: [activations.map(({ name, prose }) => [name, prose]), ["formula", "derivative", "range", "saturates", "role"]],
    losses: [
      losses.map(({ name, prose }) => [name, prose]),
      ["formula", "derivative", "expects", "targets", "use", "outliers", "mean"],
    ],
    optimizers: [moving.map((name) => [name, optimizerProse[name]]), ["formula", "step", "state", "role", "source"]],
    schedules: [Object.keys(schedules).map((name) => [name, scheduleProse[name]]), ["formula", "range", "role"]],
  } as const;

  it.each(Object.entries(described))("%s", (_, [entries, keys]) => {
    const missing = entries.flatMap(([name, prose]) =>
      keys.flatMap((key) => {
        const text = (prose as Readonly<Record<string, string | undefined>> | undefined)?.[key];
        return text === undefined || text.trim() === "" ? [`${String(name)}: ${key}`] : [];
      }),
    );
    expect(missing).toEqual([]);
    expect(entries.length).toBeGreaterThan(10);
  });

  it("and nothing is described that is not there", () => {
    expect(Object.keys(optimizerProse).filter((name) => !moving.includes(name))).toEqual([]);
    expect(Object.keys(scheduleProse).filter((name) => !(name in schedules))).toEqual([]);
  });

  it("and how it is written: in ermine, and in PyTorch where that has it", () => {
    const codes = [
      ...activations.map(({ name }) => [name, activationCode(name, "x", {})] as const),
      ...losses.map(({ name, loss }) => {
        const inputs = (loss as Loss).inputs.map((input) => input.name);
        return [name, lossCode(name, inputs, {})] as const;
      }),
      ...moving.map((name) => [name, optimizerCode(name, 0.1)] as const),
      ...scheduleNames.map((name) => [name, scheduleCode(name, 1, optionsOfSchedule(name, {}))] as const),
    ];
    for (const [name, { ermine }] of codes) expect(ermine, name).toContain(name);
    const onlyErmine = codes.flatMap(([name, { torch }]) => (torch === undefined ? [name] : []));
    expect(onlyErmine).toEqual(["dice", "focal", "logCosh", "lion", "lamb", "warmupCosine"]);
  });
});

it("schedules are written with the options that are shown", () => {
  expect(scheduleCode("cosineWarmRestarts", 1, optionsOfSchedule("cosineWarmRestarts", { cycleFactor: 3 }))).toEqual({
    ermine:
      'import { adamw, schedules } from "@ermine/trainer";\n' +
      "const learningRate = schedules.cosineWarmRestarts(1, { firstCycleSteps: 15, cycleFactor: 3, minLearningRate: 0 });\n" +
      "const optimizer = adamw({ learningRate });",
    torch: "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=15, T_mult=3, eta_min=0)",
  });
});

it("a link has kind, name, options and others", () => {
  const state = { kind: "losses", name: "huber", others: ["l1", "mse"], given: new Map([["delta", "0.5"]]) } as const;
  expect(parseGallery(formatGallery(state))).toEqual(state);
  expect(parseGallery("")).toEqual({ kind: "activations", name: undefined, others: [], given: new Map() });
});
