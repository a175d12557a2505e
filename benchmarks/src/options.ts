/** The command line of `pnpm bench`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { nearestName } from "@ermine/core/define";
import { backendNames, peerNames, type BackendName, type PeerName } from "./contestants.js";
import { workloadGroups, workloadNames } from "./workloads/index.js";

export interface BenchOptions {
  readonly workloads: readonly string[];
  readonly backends: readonly BackendName[];
  readonly peers: readonly PeerName[];
  readonly python: string;
  readonly rounds: number;
  /** Of one contestant in one round. */
  readonly milliseconds: number;
  readonly threads: number;
  /** The version of Node, "current" or a binary's path. */
  readonly node: string;
  readonly json: boolean;
  readonly long: boolean;
  /** Write RESULTS.md. */
  readonly write: boolean;
  /** Its name, where it is another. */
  readonly out: string;
  readonly help: boolean;
}

export const usage = `Usage: pnpm bench [options]

  --workload ${workloadNames.join(",")}
                        which; default all. ${Object.keys(workloadGroups).join(", ")} for ${Object.values(workloadGroups)
                          .map((names) => names.join(", "))
                          .join("; ")}
  --backend ${backendNames.join(",")}
                        ermine's own; default all. cpu is as it comes; cpu-flags asks for what Node has behind
                        flags of V8: 256-bit vectors from 24 on, relaxed SIMD in 20
  --peers ${peerNames.join(",")}
                        whom to compare with; default all, none for nobody
  --python PATH         an interpreter that has torch and numpy, tensorflow; default python3
  --rounds 9            turns of each contestant; min and median are over these
  --milliseconds 250    how long a turn is
  --threads ${String(availableParallelism()).padEnd(12)}for everybody; default: one for each core
  --node 24             for everybody: the version that RESULTS.md is made on, from the package registry;
                        current for this one, or the path of a binary
  --long                memory also over 200,000 steps
  --json                one object instead of tables
  --write, --no-write   make benchmarks/RESULTS.md; default where all workloads, backends and peers run
  --out RESULTS.md      a page of another name in that folder, as for another version of Node

Ratios are of medians, peer / ermine: above 1 ermine is faster.`;

const spec = {
  workload: { type: "string" },
  backend: { type: "string" },
  peers: { type: "string" },
  python: { type: "string", default: "python3" },
  rounds: { type: "string", default: "9" },
  milliseconds: { type: "string", default: "250" },
  threads: { type: "string" },
  node: { type: "string", default: "24" },
  long: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  write: { type: "boolean" },
  "no-write": { type: "boolean" },
  out: { type: "string", default: "RESULTS.md" },
  help: { type: "boolean", default: false },
} as const;

/** Said on standard error; the exit status is 2. */
export class BadOption extends Error {}

function list<T extends string>(
  name: string,
  value: string | undefined,
  allowed: readonly T[],
  groups: Readonly<Record<string, readonly string[]>> = {},
): readonly T[] {
  if (value === undefined) return allowed;
  const wanted = value.split(",").flatMap((word) => groups[word.trim()] ?? [word.trim()]);
  const all: readonly string[] = [...allowed, ...Object.keys(groups)];
  for (const word of wanted) {
    if (all.includes(word)) continue;
    const near = nearestName(word, all);
    throw new BadOption(
      `--${name}: there is no "${word}". ${near === undefined ? "" : `Did you mean "${near}"? `}There are: ${all.join(", ")}.`,
    );
  }
  // In the order in which they are shown, each once.
  return allowed.filter((word) => wanted.includes(word));
}

function whole(name: string, value: string): number {
  const n = Number(value);
  if (value.trim() !== "" && Number.isInteger(n) && n >= 1) return n;
  throw new BadOption(`--${name} is a whole number of at least 1, got "${value}".`);
}

/** @throws BadOption with one message for people */
export function parseOptions(args: readonly string[]): BenchOptions {
  for (const arg of args) {
    const name = arg.startsWith("--") ? arg.slice(2).split("=")[0]! : undefined;
    if (name === undefined || name === "" || name in spec) continue;
    const near = nearestName(name, Object.keys(spec), { workloads: "workload", backends: "backend", peer: "peers" });
    throw new BadOption(
      `There is no option --${name}.${near === undefined ? " --help shows what there is." : ` Did you mean --${near}?`}`,
    );
  }
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: spec, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new BadOption((error as Error).message.split(". To ")[0]!);
  }
  if (values.write === true && values["no-write"] === true)
    throw new BadOption("--write and --no-write are opposites: give one.");
  if (!/^[\w.-]+\.md$/.test(values.out)) throw new BadOption(`--out is the name of a Markdown file, got "${values.out}".`);
  const workloads = list("workload", values.workload, workloadNames, workloadGroups);
  const backends = list("backend", values.backend, backendNames);
  const peers = values.peers === "none" ? [] : list("peers", values.peers, peerNames);
  const all = workloads.length + backends.length + peers.length === workloadNames.length + backendNames.length + peerNames.length;
  return {
    workloads,
    backends,
    peers,
    python: values.python,
    rounds: whole("rounds", values.rounds),
    milliseconds: whole("milliseconds", values.milliseconds),
    threads: values.threads === undefined ? availableParallelism() : whole("threads", values.threads),
    node: values.node,
    json: values.json,
    long: values.long,
    write: values.write ?? (values["no-write"] !== true && all),
    out: values.out,
    help: values.help,
  };
}
