// Which files import which, by the rules in .dependency-cruiser.mjs, and how many imports break them: none may. The sources are read by TypeScript 5.9
// (`packageExtensions` in pnpm-workspace.yaml): 7 has no JavaScript API yet.
import { cruise } from "dependency-cruiser";
import rules from "../.dependency-cruiser.mjs";

const { options, ...ruleSet } = rules;
const { output } = await cruise(
  ["packages", "apps", "benchmarks", "environments", "examples"],
  { ...options, ruleSet, validate: true },
  options.enhancedResolveOptions,
);
const { violations, totalCruised } = output.summary;
if (totalCruised < 400) throw new Error(`Only ${totalCruised} files were read: TypeScript's sources are not understood.`);

for (const { from, to, rule, cycle } of violations) {
  const path = cycle === undefined ? to : cycle.map((step) => step.name ?? step).join(" → ");
  console.error(`${rule.name}: ${from} → ${path}`);
}
console.log(`${violations.length} imports of ${totalCruised} files break the rules.`);
process.exitCode = violations.length > 0 ? 1 : 0;
