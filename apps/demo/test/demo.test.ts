import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { activations, losses } from "@ermine/core/catalog";
import { loadDigits } from "../src/digits.js";
import { condensed, sketch } from "../src/sketch.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Runs the command as a user does; once the output has `signalAt`, it is sent the signals. `status`: its exit code, or the signal that has ended it. */
function demo(
  args: readonly string[],
  signalAt?: string,
  signals: readonly NodeJS.Signals[] = ["SIGINT"],
): Promise<{ status: number | string | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr, isSent] = ["", "", false];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (isSent || signalAt === undefined || !stdout.includes(signalAt)) return;
      isSent = true;
      for (const signal of signals) child.kill(signal);
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("close", (status, signal) => resolve({ status: signal ?? status, stdout, stderr }));
  });
}

const events = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("training", () => {
  it("--json gives an object a line; two epochs are well above chance", async () => {
    const { status, stdout } = await demo(["train", "--epochs", "2", "--json"]);
    expect(status).toBe(0);
    const lines = events(stdout);
    expect(lines.map(({ event }) => event)).toEqual(["start", "epoch", "epoch", "end"]);
    expect(lines[0]).toMatchObject({ parameters: 784 * 128 + 128 + 1280 + 10, training: 8000, test: 2000 });
    const end = lines.at(-1)!;
    expect(end).toMatchObject({ event: "end", backend: "cpu", steps: 250 });
    expect(end["testAccuracy"]).toBeGreaterThan(0.88);
    for (const name of ["testLoss", "trainLoss", "stepsPerSecond"]) expect(end[name]).toBeGreaterThan(0);
  }, 60_000);

  it("gives the same numbers for the same seed, portable", async () => {
    const args = ["--epochs", "1", "--hidden", "16", "--numerics", "portable", "--seed", "3", "--json"];
    const [first, second] = await Promise.all([demo(args), demo(args)]);
    const numbers = ({ stdout }: { stdout: string }) => {
      const { testAccuracy, testLoss, trainLoss } = events(stdout).at(-1)!;
      return [testAccuracy, testLoss, trainLoss];
    };
    expect(numbers(first)).toEqual(numbers(second));
  }, 60_000);

  it("shows the layers, the epochs, where the time went, and what was confused", async () => {
    const { status, stdout } = await demo([
      "train",
      "--epochs",
      "1",
      "--model",
      "cnn",
      "--optimizer",
      "sgd",
      "--learning-rate",
      "0.05",
    ]);
    expect(status).toBe(0);
    for (const part of [/Conv2d/, /\[N, 16, 28, 28\]|16.*28.*28/, /accuracy/i, /Where the time went/, /confused/i]) {
      expect(stdout).toMatch(part);
    }
    expect(stdout).toMatch(/\nTraining loss\n +2\.\d+ [┼┤][^]*╰[^]*\n +1 +update 125\n$/);
  }, 120_000);

  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s saves and ends with a message; started again it goes on, to the same numbers",
    async (signal) => {
      const options = ["--epochs", "3", "--hidden", "16", "--numerics", "portable", "--json"];
      const numbersOf = (stdout: string): unknown => {
        const { testAccuracy, testLoss, trainLoss, steps } = events(stdout).at(-1)!;
        return [testAccuracy, testLoss, trainLoss, steps];
      };
      const folder = mkdtempSync(join(tmpdir(), "ermine-demo-test-"));
      try {
        const whole = await demo(options);
        const kept = [...options, "--folder", join(folder, "run")];
        const { status, stdout, stderr } = await demo(kept, '"epoch":1,', [signal]);
        expect([status, stderr]).toEqual([
          130,
          expect.stringMatching(
            new RegExp(`^ermine: ${signal}: training ends after this update, with a checkpoint in the folder`),
          ),
        ]);
        expect(events(stdout)).toContainEqual({
          event: "interrupted",
          folder: join(folder, "run"),
          epochs: expect.any(Number) as number,
        });
        const again = await demo(kept);
        expect([again.status, numbersOf(again.stdout)]).toEqual([0, numbersOf(whole.stdout)]);
        // It went on.
        expect(events(again.stdout).filter(({ event }) => event === "epoch").length).toBeLessThan(3);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );

  it("without a folder it is saved in a temporary one, which it names", async () => {
    const { status, stdout } = await demo(["--epochs", "500"], "Epoch 1/500", ["SIGINT"]);
    const folder = /Go on, with the same options: demo train --folder (\S+)/.exec(stdout)?.[1];
    expect([status, folder]).toEqual([130, expect.stringContaining("ermine-demo-")]);
    expect(readdirSync(folder!).filter((name) => name.startsWith("update-"))).toHaveLength(1);
    rmSync(folder!, { recursive: true });
  }, 60_000);

  it("a second signal ends it at once", async () => {
    const { status } = await demo(["--epochs", "500", "--json"], '"epoch":1,', ["SIGINT", "SIGTERM"]);
    expect(["SIGINT", "SIGTERM"]).toContain(status);
  }, 60_000);
});

describe("what cannot be: one message, exit status 2, no stack trace", () => {
  it.each([
    [["train", "--epochs", "0"], /--epochs is a whole number of at least 1, got "0"/],
    [["train", "--batch-size", "1.5"], /--batch-size is a whole number/],
    [["train", "--hidden", "1000000000"], /--hidden is a whole number from 1 to 100000/],
    [["train", "--lr", "0.1"], /no option --lr\. Did you mean --learning-rate\?/],
    [["train", "--optimiser", "sgd"], /Did you mean --optimizer\?/],
    [["train", "--optimizer", "adamm"], /adam/],
    [["train", "--activation", "rellu"], /relu/],
    [["train", "--model", "mpl"], /Did you mean "mlp"\?/],
    [["train", "--loss", "mse"], /crossEntropy/],
    [["train", "--dataset", "cifar"], /digits/],
    [["train", "--backend", "gpu"], /cpu/],
    [["train", "--numerics", "exact"], /fast or portable/],
    [["train", "--learning-rate"], /learning-rate/],
    [["trian"], /no command "trian"/],
    [["activations", "gelu", "rellu"], /no activation "rellu"\. Did you mean "relu"\?/],
    [["losses", "hubr"], /no loss "hubr"\. Did you mean "huber"\?/],
    [["backends", "gelu"], /nothing to do with "gelu"/],
    [["train", "digits"], /nothing to do with "digits"/],
  ])("%j", async (args, message) => {
    const { status, stdout, stderr } = await demo(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  });
});

describe("definitions", () => {
  it("are listed with their formulas: all that core exports", async () => {
    for (const [command, entries] of [
      ["activations", activations],
      ["losses", losses],
    ] as const) {
      const { status, stdout } = await demo([command]);
      expect(status).toBe(0);
      const lines = stdout.split("\n");
      for (const { name, prose } of entries) {
        const line = lines.find((each) => each.split(" ")[0] === name);
        expect(line, name).toContain(prose?.formula ?? name);
      }
      const listed = events((await demo([command, "--json"])).stdout);
      expect(listed.map(({ name }) => name)).toEqual(entries.map(({ name }) => name));
    }
  });

  it("are drawn by name, each where it is finite", async () => {
    for (const [command, entries] of [
      ["activations", activations],
      ["losses", losses],
    ] as const) {
      const { status, stdout } = await demo([command, ...entries.map(({ name }) => name)]);
      expect(status).toBe(0);
      expect(stdout).not.toMatch(/NaN|undefined/);
      for (const { name } of entries) expect(stdout, name).toMatch(new RegExp(`^${name}\\b`, "m"));
    }
    const { stdout } = await demo(["losses", "huber"]);
    expect(stdout).toMatch(/^huber, target 0\n +3\.5 ┼[^]*prediction 4[^]*^huber, target 1\n/m);
  });

  it("make a line of as many columns as there are, by the means of what falls into each", () => {
    expect(condensed([1, 2, 3], 60)).toEqual([1, 2, 3]);
    expect(condensed([1, 3, 5, 7, 9], 2)).toEqual([2, 7]);
    const axis = { name: "x", low: 0, high: 2 };
    expect(sketch({ name: "flat", values: [2, 2, 2] }, axis)).toMatch(/^flat\n[^]* 2 ┼──\n[^]*x 2$/);
    expect(sketch({ name: "one", values: [1] }, axis)).toMatch(/^one\n[^]*1 ┼/);
    expect(sketch({ name: "gaps", values: [0, Infinity, Number.NaN, 1] }, axis)).toBe(
      sketch({ name: "gaps", values: [0, 1, 1, 1] }, axis),
    );
    expect(sketch({ name: "nowhere", values: [Number.NaN, Infinity] }, axis)).toBe("nowhere: finite nowhere");
  });
});

describe("the choice of a backend", () => {
  it("`backends` shows each with its engine or the remedy, the time of a step, and why", async () => {
    const { status, stdout } = await demo(["backends", "--model", "cnn"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^A step of cnn/);
    expect(stdout).toMatch(/cpu +yes +\d+ +(relaxed|plain) .*\d ms +WebAssembly.*SIMD.*thread/);
    // Asked for: had, or why not.
    expect(stdout).toMatch(/cpu .*256-bit vectors/);
    expect(stdout).toMatch(/tfjs +(yes .*\d ms +TensorFlow 2\.|no .*ermine-tfjs install)/);
    expect(stdout).toMatch(/Backend: (tfjs|cpu) .*the available backend of the highest priority/);
    expect(stdout).toMatch(/Memory for batches of 64/);
  }, 60_000);

  it("--backend fastest says what it measured, and trains there", async () => {
    const { status, stdout } = await demo(["--backend", "fastest", "--epochs", "1", "--json"]);
    expect(status).toBe(0);
    const [choice, start, , end] = events(stdout);
    expect(choice).toMatchObject({ event: "backend", asked: "fastest", name: start!["backend"] });
    expect((choice!["candidates"] as { millisecondsPerStep: number }[])[0]!.millisecondsPerStep).toBeGreaterThan(0);
    expect(end!["testAccuracy"]).toBeGreaterThan(0.85);
  }, 60_000);
});

it("--profile shows where a step's time goes, and writes it for Chrome", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ermine-profile-"));
  const file = join(folder, "trace.json");
  const { status, stdout } = await demo(["train", "--profile", file, "--model", "cnn", "--batch-size", "16"]);
  const events = (JSON.parse(readFileSync(file, "utf8")) as { traceEvents: { name: string }[] }).traceEvents;
  rmSync(folder, { recursive: true });
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /A step of 16 samples on cpu .* takes .* ms, .* ms of it to gather the batch; its parts, .*the compiled program/,
  );
  for (const part of [/convolutionGradient +3 /, /GFLOP\/s/, /adamwUpdate/, /the step/]) expect(stdout).toMatch(part);
  expect(events.some(({ name }) => name === "convolution")).toBe(true);
  const nowhere = await demo(["--profile", "/nowhere/trace.json", "--batch-size", "8"]);
  expect(nowhere).toMatchObject({ status: 2, stderr: expect.stringMatching(/--profile: ENOENT/) as string });
}, 60_000);

describe("the digits", () => {
  it("are the same numbers for a seed, others for another, no row in both parts", () => {
    const of = (seed: number) => loadDigits([784], seed);
    const [a, b, c] = [of(0), of(0), of(1)];
    expect([a.training.length, a.test.length]).toEqual([8000, 2000]);
    const labels = (digits: typeof a) => [...(digits.test.targets as unknown as { data: Int32Array }).data];
    expect(labels(a)).toEqual(labels(b));
    expect(labels(a)).not.toEqual(labels(c));
    expect(new Set(labels(a)).size).toBe(10);
  });
});
