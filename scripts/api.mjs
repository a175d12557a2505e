// `pnpm api`: writes the public API of every entry to packages/<name>/api/<entry>.api.md, so that a change of it shows in review.
// `pnpm api --check` says what is not current, and exits with 1.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";
import { entries } from "./declarations.mjs";
import { root, turboQuietly } from "./run.mjs";

/** path from the root → text of every report, made from the declarations in `dist`. */
export function reports() {
  const folder = mkdtempSync(join(tmpdir(), "api-"));
  try {
    return Object.fromEntries(entries().map((entry) => [reportOf(entry), report(entry, folder)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** "packages/core/api/nn.api.md" */
function reportOf({ folder, specifier }) {
  const entry = specifier.split("/").slice(2).join("-") || "index";
  return `packages/${folder}/api/${entry}.api.md`;
}

function report(entry, folder) {
  const projectFolder = join(root, "packages", entry.folder);
  const name = entry.specifier.replaceAll("/", "-").replace("@", "");
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder,
      mainEntryPointFilePath: entry.declarations,
      newlineKind: "lf",
      compiler: { overrideTsconfig: compiler },
      apiReport: {
        enabled: true,
        reportFolder: folder,
        reportTempFolder: join(folder, "temp"),
        reportFileName: `${name}.api.md`,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: "none" } },
        extractorMessageReporting: { default: { logLevel: "none" } },
        tsdocMessageReporting: { default: { logLevel: "none" } },
      },
    },
    configObjectFullPath: join(projectFolder, "api-extractor.json"),
    packageJsonFullPath: join(projectFolder, "package.json"),
  });
  mkdirSync(folder, { recursive: true });
  // Only errors are of interest: the version of the compiler inside is none.
  Extractor.invoke(config, { localBuild: true, messageCallback: (message) => (message.handled = message.logLevel !== "error") });
  return readFileSync(join(folder, `${name}.api.md`), "utf8");
}

const compiler = {
  compilerOptions: {
    target: "es2022",
    lib: ["es2022", "es2023.array", "esnext.disposable", "dom"],
    module: "nodenext",
    moduleResolution: "nodenext",
    strict: true,
    skipLibCheck: true,
    types: [],
  },
};

/** What is not as it should be: one line each. */
export function outdated(made = reports()) {
  const said = Object.entries(made).flatMap(([path, text]) => {
    const file = join(root, path);
    if (!existsSync(file)) return [`${path} is not there`];
    return readFileSync(file, "utf8") === text ? [] : [`${path} is not current`];
  });
  const folders = new Set(Object.keys(made).map((path) => dirname(path)));
  const gone = [...folders]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((file) => `${folder}/${file}`))
    .filter((path) => !(path in made))
    .map((path) => `${path} is of an entry that is gone`);
  return [...said, ...gone];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const built = turboQuietly("build", "--filter=./packages/*");
  if (built !== 0) process.exit(built);
  const made = reports();
  if (process.argv.includes("--check")) {
    const wrong = outdated(made);
    for (const line of wrong) console.error(`${line}: run \`npx --yes pnpm@12 api\` and look at what has changed.`);
    process.exitCode = wrong.length === 0 ? 0 : 1;
  } else {
    for (const [path, text] of Object.entries(made)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
      console.log(relative(process.cwd(), join(root, path)));
    }
  }
}
