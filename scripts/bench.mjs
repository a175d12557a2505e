// `pnpm bench …`: builds what the benchmarks need, quietly, then runs them with the user's arguments.
import { runNode, turboQuietly } from "./run.mjs";

process.on("SIGINT", () => {});
const built = turboQuietly("build", "--filter=@ermine/benchmarks");
process.exit(built === 0 ? runNode("benchmarks/dist/main.js", process.argv.slice(2)) : built);
