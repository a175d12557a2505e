// Laws over the files of a package as it is published.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, normalize, relative } from "node:path";
import { root } from "./run.mjs";

/** Unpacks the tarball within `folder`. @throws Error that lists what does not hold */
export function checkTarball(tarball, folder) {
  const place = join(folder, "unpacked");
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  execFileSync("tar", ["-xzf", tarball, "-C", place, "--strip-components=1"]);
  const problems = problemsOf(place);
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

/** What does not hold of the unpacked package in `folder`. */
export function problemsOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return [
    ...entryProblems(folder, manifest),
    ...repositoryProblems(manifest),
    ...files.flatMap((file) => fileProblems(folder, file)),
  ];
}

/** Every entry resolves without `exports` too: `main` and `types` of the package, and of a folder named like the entry. */
function entryProblems(folder, { exports, main, types }) {
  const entries = Object.entries(exports).filter(([, target]) => typeof target === "object");
  return entries.flatMap(([entry, target]) => {
    const place = join(folder, entry, "package.json");
    if (!existsSync(place)) return [`${entry} has no folder for resolvers without exports: ${join(entry, "package.json")}`];
    const found = entry === "." ? { main, types } : JSON.parse(readFileSync(place, "utf8"));
    return [
      ["main", target.default],
      ["types", target.types],
    ].flatMap(([field, expected]) => {
      if (!existsSync(join(folder, expected))) return [`${entry}: ${expected} is not published`];
      if (found[field] === undefined) return [`${entry} has no "${field}"`];
      const resolved = join(entry, found[field]);
      return normalize(resolved) === normalize(expected) ? [] : [`${entry}: "${field}" is ${resolved}, exports say ${expected}`];
    });
  });
}

const repositoryProblems = ({ repository }) =>
  typeof repository?.url === "string" && typeof repository.directory === "string"
    ? []
    : ["package.json names no repository with its directory"];

/** Does the text have this absolute path, and not as the end of another one? */
function namesPath(text, path) {
  if (path.length < 2) return false;
  for (let at = text.indexOf(`${path}/`); at >= 0; at = text.indexOf(`${path}/`, at + 1)) {
    if (text.slice(0, at).endsWith("file://") || !/[\w.@/-]/.test(text[at - 1] ?? " ")) return true;
  }
  return false;
}

function fileProblems(folder, file) {
  const problems = [];
  const text = readFileSync(join(folder, file), "utf8");
  for (const path of [root, homedir()]) if (namesPath(text, path)) problems.push(`${file} names the builder's ${path}`);
  const map = /^\/\/# sourceMappingURL=(?!data:)(\S+)\s*$/m.exec(text)?.[1];
  if (map !== undefined && !existsSync(join(folder, dirname(file), map)))
    problems.push(`${file} refers to ${map}, which is not published`);
  if (file.endsWith(".map")) {
    const { sources, sourceRoot = "" } = JSON.parse(text);
    for (const source of sources) {
      if (!existsSync(join(folder, dirname(file), sourceRoot, source)))
        problems.push(`${file} refers to ${source}, which is not published`);
    }
  }
  return problems;
}
