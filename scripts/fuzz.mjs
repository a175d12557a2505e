// `pnpm fuzz [--seed N] [--minutes M | --programs N] [--backend LIST] [--planted]`: builds the kit and the backends, then draws programs.
import { runNode, turboQuietly } from "./run.mjs";

const built = turboQuietly("build", "--filter=./packages/*");
process.exit(built === 0 ? runNode("packages/conformance/dist/fuzzCli.js", process.argv.slice(2)) : built);
