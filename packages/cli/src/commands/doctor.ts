/** `ermine doctor`: whether trainings can run here, and what to do where they cannot. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { manualSeed, probeBackends, createBackend, mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { dataset, sgd, Trainer } from "@ermine/trainer";
import { version } from "../run/environment.js";
import type { Output } from "../run/output.js";
import { registerBackends } from "../training/backends.js";

/** One thing that was looked at. */
interface Finding {
  readonly name: string;
  /** "ok", or a problem: of what is needed, or of what would be an advantage. */
  readonly state: "ok" | "problem" | "advice";
  readonly text: string;
}

/** @returns the exit status: 1 where something that is needed does not work */
export async function doctor(output: Output): Promise<number> {
  const findings = [nodeVersion(), memory(), await currentFolder(), ...(await eachBackend())];
  for (const finding of findings) {
    output.event("finding", finding);
    output.say(`${{ ok: "✓", problem: "✗", advice: "·" }[finding.state]} ${finding.name}: ${finding.text}`);
  }
  const problems = findings.filter(({ state }) => state === "problem").length;
  output.event("end", { ermine: version, problems });
  output.say(
    problems === 0 ? "\nTrainings can run here." : `\n${problems} of these must be put right before trainings can run here.`,
  );
  return problems === 0 ? 0 : 1;
}

function nodeVersion(): Finding {
  const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
  if (major < 20 || (major === 20 && minor < 20))
    return {
      name: "Node",
      state: "problem",
      text: `${process.version} is older than 20.20, the oldest that is supported. Install Node 24.`,
    };
  return major < 24
    ? { name: "Node", state: "advice", text: `${process.version}. Node 24 trains up to twice as fast.` }
    : { name: "Node", state: "ok", text: process.version };
}

const memory = (): Finding => ({
  name: "machine",
  state: "ok",
  text: `${availableParallelism()} threads, ${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory, ermine ${version}`,
});

async function currentFolder(): Promise<Finding> {
  const isWritable = await access(".", constants.W_OK).then(
    () => true,
    () => false,
  );
  return isWritable
    ? { name: "folder", state: "ok", text: `${process.cwd()} can be written.` }
    : { name: "folder", state: "problem", text: `${process.cwd()} cannot be written: runs need --out with a folder that can.` };
}

async function eachBackend(): Promise<Finding[]> {
  const installed = await registerBackends();
  const findings: Finding[] = [];
  for (const status of await probeBackends()) {
    if (!installed.includes(status.name)) continue;
    const name = `backend ${status.name}`;
    const state = status.name === "cpu" ? "problem" : "advice";
    if (!status.available) findings.push({ name, state, text: `${status.reason} ${status.remedy}` });
    else findings.push(await tried(status.name, name, status.engine, state));
  }
  if (!installed.includes("tfjs"))
    findings.push({
      name: "backend tfjs",
      state: "advice",
      text: "is not installed. Wide layers train faster on it: npm install @ermine/backend-tfjs.",
    });
  return findings;
}

/** Trains a line on it. */
async function tried(backendName: string, name: string, engine: string, state: "problem" | "advice"): Promise<Finding> {
  try {
    manualSeed(0);
    const backend = await createBackend(backendName);
    const trainer = new Trainer({ model: new Linear(1, 1), loss: mse, optimizer: sgd({ learningRate: 0.1 }), backend });
    const x = Float32Array.from({ length: 32 }, (_, i) => i / 16 - 1);
    const data = dataset({
      inputs: { data: x, shape: [32, 1] },
      targets: { data: x.map((value) => 2 * value + 1), shape: [32, 1] },
    });
    const { epochs } = await trainer.fit(data, { epochs: 100, batchSize: 8 });
    trainer.dispose();
    const loss = epochs.at(-1)!["loss"]!;
    return loss < 1e-4
      ? { name, state: "ok", text: `${engine}; a line was learned on it.` }
      : { name, state, text: `${engine}; a line was not learned: its loss is ${loss}.` };
  } catch (error) {
    return { name, state, text: `${engine}; training fails: ${(error as Error).message}` };
  }
}
