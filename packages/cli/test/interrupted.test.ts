/** `ermine train` as a process that is sent signals. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { asCsv, shippedRows, temporaryFolder, written, type Event } from "./support.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const folder = temporaryFolder();
const penguins = written(folder, "penguins.csv", asCsv(shippedRows("penguins.json")));
const epochs = 40;
const settings = ["--backend", "cpu", "--set", "network.members=2", "--set", `training.patience=${epochs}`, "--json"];
const begin = (out: string): string[] => [
  "train",
  penguins,
  "--target",
  "Species",
  "--epochs",
  String(epochs),
  ...settings,
  "--out",
  out,
];

/** How a process has ended: its exit code, or the signal. */
interface Ended {
  readonly status: number | string | null;
  readonly events: readonly Event[];
}

/** @param signals sent after so many epochs, at once */
function ermine(args: readonly string[], signals: readonly NodeJS.Signals[] = [], after = 5): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let [text, isSent] = ["", false];
    child.stdout.on("data", (part: Buffer) => {
      text += part.toString();
      if (isSent || text.split('"event":"epoch"').length <= after) return;
      isSent = true;
      for (const signal of signals) child.kill(signal);
    });
    child.on("close", (code, signal) => {
      const lines = text.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
      resolve({ status: signal ?? code, events: lines.map((line) => JSON.parse(line) as Event) });
    });
  });
}

describe("ermine train that is interrupted", { timeout: 120_000 }, () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s saves and ends with a message; --resume goes on, to the same model",
    async (signal) => {
      const [whole, part] = ["whole", "part"].map((name) => join(folder, `${signal}-${name}`)) as [string, string];
      expect((await ermine(begin(whole))).status).toBe(0);
      const { status, events } = await ermine(begin(part), [signal]);
      expect(status).toBe(130);
      expect(events).toContainEqual({
        event: "note",
        message: expect.stringMatching(
          new RegExp(
            `${signal}: training ends after this update, with a checkpoint in the folder .*A second one ends the process at once`,
          ),
        ) as string,
      });
      expect(events.at(-1)).toMatchObject({ event: "interrupted", folder: part });
      expect(existsSync(join(part, "model.onnx"))).toBe(false);
      const resumed = await ermine(["train", "--resume", part, "--json"]);
      expect(resumed.status).toBe(0);
      const count = (list: readonly Event[]): number => list.filter(({ event }) => event === "epoch").length;
      expect(count(events) + count(resumed.events)).toBe(epochs);
      for (const name of ["model.onnx", "history.json"])
        expect(readFileSync(join(part, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
    },
  );

  it("a second signal ends it at once, and what was saved is there", async () => {
    const out = join(folder, "twice");
    const { status } = await ermine(begin(out), ["SIGINT", "SIGTERM"]);
    expect(["SIGINT", "SIGTERM"]).toContain(status);
    expect((await ermine(["train", "--resume", out, "--json"])).status).toBe(0);
  });
});
