/** A program that only predicts carries no gradients; one that trains does. */
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";
import { root } from "../src/place.js";

const forward = `
import { cpu } from "@ermine/backend-cpu";
import { convolution, gelu, linear, maxPool, mul, relu, scaledDotProductAttention, softmax, sum, tensor, useBackend } from "@ermine/core";
export async function predict(inputs, weight) {
  useBackend(await cpu());
  return [linear, relu, gelu, softmax, convolution, maxPool, scaledDotProductAttention, mul, sum].map((op) => op(tensor(inputs), weight));
}
`;

/** The program and all that it imports, not minified: what is in it can be read. */
async function bundled(contents: string): Promise<string> {
  const build = await rolldown({
    input: "program",
    cwd: root,
    platform: "browser",
    external: /^node:/,
    plugins: [
      {
        name: "program",
        resolveId(source, importer) {
          if (source === "program") return "\0program";
          return importer === "\0program" ? this.resolve(source, join(root, "package.json"), { skipSelf: true }) : undefined;
        },
        load: (id) => (id === "\0program" ? contents : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: "esm" });
  await build.close();
  return output.map((file) => ("code" in file ? file.code : "")).join("\n");
}

/** Core's rules, by the constants that they are, and what walks them. (A backend's kernels for them are its own.) */
function gradientsIn(code: string): string[] {
  const rules = /\b(?:const|var|let) (\w+) = (?:\/\*.*?\*\/ )?(?:gradientOf|fusedGradient|activationGradient|reduceGradient)\(/g;
  const machinery = /\b(?:function|class|const|var|let) (backpropagate|Tape|gradientOf|fusedGradient|activationGradient)\b/g;
  return [rules, machinery].flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name!));
}

test("a program of forward ops carries no gradient", async () => {
  const code = await bundled(forward);
  expect(code).toContain('"scaledDotProductAttention"');
  expect(gradientsIn(code)).toEqual([]);
});

test("a program that differentiates carries the gradients of all ops, of those that it does not call too", async () => {
  const rules = gradientsIn(await bundled('export { valueAndGrad } from "@ermine/core";'));
  expect(rules).toEqual(expect.arrayContaining(["backpropagate", "Tape", "mulGradient", "convolutionGradient", "mishGradient"]));
});
