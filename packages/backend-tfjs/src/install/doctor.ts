/** Says what of the native backend is there, what is wrong and what to do, without changing anything. */
import { health, type Health } from "./health.js";
import { libraryState } from "./library.js";
import { leftovers, type Site } from "./site.js";
import { notInstalled, type Problem } from "../native/problem.js";
import { compiler, python, room } from "./tools.js";

export interface Finding {
  readonly ok: boolean;
  readonly text: string;
  readonly remedy?: string;
}

export interface Report {
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

const good = (text: string): Finding => ({ ok: true, text });
const bad = ({ what, remedy }: Problem): Finding => ({ ok: false, text: what, remedy });

export function examine(site: Site): Report {
  const findings: Finding[] = [good(`Node ${process.versions.node}, ${site.machine}`)];
  const found = site.package;
  if (found === undefined) {
    findings.push(bad(notInstalled("@tensorflow/tfjs-node")));
    return { healthy: false, findings };
  }
  findings.push(good(`${found.name} ${found.version} in ${found.root}`));
  const now = health(site, found);
  findings.push("version" in now ? good(described(now)) : bad(now));
  findings.push(...cacheFindings(site));
  if (!("version" in now)) findings.push(...prerequisites(site));
  return { healthy: findings.every(({ ok }) => ok), findings };
}

const described = ({ version, gpu }: Health): string => `TensorFlow ${version}, ${gpu ? "GPU" : "CPU"}: it loads`;

function cacheFindings(site: Site): Finding[] {
  const rest = leftovers(site);
  const findings = rest.map((folder) =>
    bad({
      what: `An install was broken off and left ${folder}.`,
      remedy: "Run: npx ermine-tfjs install (it cleans up and starts again).",
    }),
  );
  if (site.wheel === undefined) return findings;
  const state = libraryState(site, site.wheel);
  if (typeof state !== "string") findings.push(bad(state));
  else
    findings.push(
      good(
        state === "whole" ? `TensorFlow ${site.wheel.version} in the cache ${site.cache}` : `nothing in the cache ${site.cache}`,
      ),
    );
  return findings;
}

/** What a repair would need. */
function prerequisites(site: Site): Finding[] {
  if (site.wheel === undefined) {
    return [
      bad({
        what: `There is no pinned wheel of TensorFlow for ${site.machine}.`,
        remedy: "Only tfjs-node's own installer can help: npm rebuild @tensorflow/tfjs-node",
      }),
    ];
  }
  const tool = (name: string, result: string | Problem): Finding =>
    typeof result === "string" ? good(`${name}: ${result}`) : bad(result);
  const findings = [tool("C++ compiler", compiler(site))];
  if (libraryState(site, site.wheel) === "whole") return findings;
  const full = room(site.cache, site.wheel.room);
  return [...findings, tool("Python with pip", python(site)), full === undefined ? good("room on the disk") : bad(full)];
}
