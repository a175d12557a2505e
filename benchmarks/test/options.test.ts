import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BadOption, parseOptions } from "../src/options.js";
import { root } from "../src/place.js";

const complaint = (...args: string[]): string => {
  try {
    parseOptions(args);
  } catch (error) {
    expect(error).toBeInstanceOf(BadOption);
    return (error as Error).message;
  }
  return "";
};

test("without options everything runs and the results are written", () => {
  const options = parseOptions([]);
  expect(options.workloads).toEqual([
    "iris",
    "digits",
    "wide",
    "cnn",
    "attention",
    "resnet",
    "mobilenet",
    "conv1d",
    "autoencoder",
    "embedding",
    "tabular",
    "gpt",
    "lstm",
    "gru",
    "predict",
    "gan",
    "kernels",
    "optimizers",
    "startup",
    "memory",
    "loader",
  ]);
  expect(options.backends).toEqual(["cpu", "cpu-flags", "cpu-portable", "tfjs"]);
  expect(options.peers).toEqual(["tfjs-node", "tfjs-wasm", "jax-js", "brain", "pytorch", "tensorflow"]);
  expect(options.write).toBe(true);
  expect(parseOptions(["--no-write"]).write).toBe(false);
});

test("a part of it does not overwrite the results, unless asked to", () => {
  expect(parseOptions(["--workload", "cnn,iris"]).write).toBe(false);
  expect(parseOptions(["--workload", "cnn", "--write"]).write).toBe(true);
  expect(parseOptions(["--peers", "none"])).toMatchObject({ peers: [], write: false });
});

test("names are taken once, in the order of the tables", () => {
  expect(parseOptions(["--workload", "cnn,iris,cnn", "--backend=tfjs"])).toMatchObject({
    workloads: ["iris", "cnn"],
    backends: ["tfjs"],
  });
});

test("a group is all of its workloads", () => {
  const networks = ["resnet", "mobilenet", "conv1d", "autoencoder", "embedding", "tabular", "gpt", "lstm", "gru"];
  expect(parseOptions(["--workload", "networks"])).toMatchObject({ workloads: networks, write: false });
  expect(parseOptions(["--workload", "gpt,networks,iris"]).workloads).toEqual(["iris", ...networks]);
  expect(complaint("--workload", "network")).toContain('Did you mean "networks"?');
});

test("what does not exist is named, with what is near", () => {
  expect(complaint("--workload", "digit")).toContain('Did you mean "digits"?');
  expect(complaint("--peers", "torch")).toContain("pytorch");
  expect(complaint("--backend", "gpu")).toContain("cpu, cpu-flags, cpu-portable, tfjs");
  expect(complaint("--workloads", "iris")).toContain("--workload");
  expect(complaint("iris")).toContain("iris");
});

test("numbers are whole and at least 1", () => {
  for (const value of ["0", "-3", "1.5", "many", " "]) {
    expect(complaint(`--rounds=${value}`)).toContain("--rounds is a whole number of at least 1");
    expect(complaint(`--threads=${value}`)).toContain("--threads");
  }
  expect(complaint("--write", "--no-write")).toContain("opposites");
});

test("a bad option is one message on standard error and status 2", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "dist", "main.js"), "--wrkload", "iris"], {
    encoding: "utf8",
  });
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n")).toEqual(["There is no option --wrkload. Did you mean --workload?"]);
});

test("--help shows the options and measures nothing", () => {
  const { status, stdout } = spawnSync(process.execPath, [join(root, "dist", "main.js"), "--help"], { encoding: "utf8" });
  expect(status).toBe(0);
  for (const name of ["--workload", "--backend", "--peers", "--python", "--rounds", "--threads", "--json"]) {
    expect(stdout).toContain(name);
  }
});

test("results go to a page of the folder, by another name if wanted", () => {
  expect(parseOptions([]).out).toBe("RESULTS.md");
  expect(parseOptions(["--write", "--out", "RESULTS-node20.md"]).out).toBe("RESULTS-node20.md");
  for (const bad of ["../README.md", "results", "/tmp/a.md"]) expect(complaint("--out", bad)).toContain(`got "${bad}"`);
});
