// Which files import which, by the rules in .dependency-cruiser.mjs, and how many imports break them. A package that is not clean yet has an
// allowance, which may only shrink. The sources are read by TypeScript 5.9 (`packageExtensions` in pnpm-workspace.yaml): 7 has no JavaScript API yet.
import { cruise } from "dependency-cruiser";
import rules from "../.dependency-cruiser.mjs";

/** How many imports may still break the rules. */
const allowed = { "packages/backend-cpu": 5 };

const { options, ...ruleSet } = rules;
const { output } = await cruise(
  ["packages", "apps", "benchmarks", "environments", "examples"],
  { ...options, ruleSet, validate: true },
  options.enhancedResolveOptions,
);
const { violations, totalCruised } = output.summary;
if (totalCruised < 400) throw new Error(`Only ${totalCruised} files were read: TypeScript's sources are not understood.`);

/** "packages/core", "benchmarks". */
const packageOf = (file) => /^(?:(?:packages|apps)\/)?[^/]+/.exec(file)[0];

const counts = Object.fromEntries(Object.keys(allowed).map((name) => [name, 0]));
for (const { from } of violations) counts[packageOf(from)] = (counts[packageOf(from)] ?? 0) + 1;

let failed = false;
for (const [name, count] of Object.entries(counts)) {
  const most = allowed[name] ?? 0;
  if (count < most)
    console.log(`${name}: ${count} imports break the rules; lower its allowance of ${most} in scripts/dependencies.mjs.`);
  if (count <= most) continue;
  failed = true;
  console.error(`${name}: ${count} imports break the rules, and ${most} may:`);
  for (const { from, to, rule, cycle } of violations.filter((violation) => packageOf(violation.from) === name)) {
    const path = cycle === undefined ? to : cycle.map((step) => step.name ?? step).join(" → ");
    console.error(`  ${rule.name}: ${from} → ${path}`);
  }
}
console.log(`${violations.length} imports of ${totalCruised} files break the rules.`);
process.exitCode = failed ? 1 : 0;
