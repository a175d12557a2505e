/** Jest: jsdom, CommonJS through Babel, native modules, and ts-jest with the module resolution of Node 10. */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { runProgram } from "../src/project.js";

const project = inject("project");
const require = createRequire(import.meta.url);
const jest = join(dirname(require.resolve("jest/package.json")), "bin", "jest.js");

/** Of @babel/preset-env, those that make CommonJS of modules. */
const plugins = ["@babel/plugin-transform-modules-commonjs", "@babel/plugin-transform-dynamic-import"];
const babel = { plugins: plugins.map((name) => require.resolve(name)), babelrc: false, configFile: false };
const commonJs = { "\\.m?js$": [require.resolve("babel-jest"), babel] };
const common = {
  rootDir: project,
  moduleFileExtensions: ["js", "mjs", "ts"],
  testEnvironment: "node",
  transformIgnorePatterns: [],
};

const projects = [
  { ...common, displayName: "CommonJS", testMatch: ["**/jest/{training,reset}.test.js"], transform: commonJs },
  {
    ...common,
    displayName: "jsdom",
    testMatch: ["**/jest/training.test.js"],
    testEnvironment: require.resolve("jest-environment-jsdom"),
    transform: commonJs,
  },
  {
    ...common,
    displayName: "ts-jest",
    testMatch: ["**/jest/typed.test.ts"],
    transform: { ...commonJs, "\\.ts$": [require.resolve("ts-jest"), { tsconfig: join(project, "jest", "tsconfig.json") }] },
  },
];

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

describe("Jest", () => {
  let report: Report;
  beforeAll(async () => {
    const compilerOptions = {
      module: "commonjs",
      moduleResolution: "node",
      target: "es2022",
      lib: ["es2022", "dom"],
      strict: true,
      types: ["jest"],
      typeRoots: [dirname(dirname(require.resolve("@types/jest/package.json")))],
    };
    writeFileSync(join(project, "jest", "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const config = join(project, "jest.config.json");
    writeFileSync(config, JSON.stringify({ projects }));
    const output = join(project, "jest.json");
    const { errors } = await runProgram(process.execPath, [jest, "--config", config, "--json", "--outputFile", output, "--ci"], {
      cwd: project,
    });
    report = JSON.parse(read(output, errors)) as Report;
  });

  const read = (path: string, errors: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      throw new Error(`Jest gave no report:\n${errors}`);
    }
  };

  it.each([
    ["CommonJS and jsdom train", "training.test.js", 2],
    ["tensors from before a reset of modules are refused", "reset.test.js", 1],
    ["ts-jest with moduleResolution node finds modules and types", "typed.test.ts", 1],
  ])("%s", (_, file, runs) => {
    const results = report.testResults.filter(({ name }) => name.endsWith(file));
    expect(results.map(({ message }) => message).join("")).toBe("");
    expect(results).toHaveLength(runs);
    for (const { assertionResults } of results) expect(assertionResults.map(({ status }) => status)).toEqual(["passed"]);
  });
});
