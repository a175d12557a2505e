/** The backends that the command runs on: plugins loaded by module name, so that the kit depends on none. */
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ErmineError, type Backend, type BackendPlugin } from "@ermine/core";
import { referencePlugin } from "@ermine/core/reference";

export interface Target {
  /** "cpu fast". */
  readonly label: string;
  /** The options of its plugin. */
  readonly options?: Variant;
  create(): Promise<Backend>;
}

/** Options under which a backend counts as one of several. */
export interface Variant {
  readonly numerics: string;
  readonly threads?: number;
}

export type Variants = Readonly<Record<string, readonly Variant[]>>;

const usual: Variants = {
  cpu: [{ numerics: "fast" }, { numerics: "fast", threads: 1 }, { numerics: "portable" }],
};
const packages = ["cpu", "tfjs"];

export interface TargetRequest {
  /** A name, or the module of a plugin; absent: every backend that is available. */
  readonly backend?: string | undefined;
  readonly numerics?: string | undefined;
  /** Modules that export plugins, beside those found as @ermine/backend-<name>. */
  readonly plugins: readonly string[];
  readonly cwd: string;
  /** Under which options backends count as several. Default: cpu fast on all threads and on one, and portable. */
  readonly variants?: Variants;
  /** Told of a backend that is not available. */
  readonly notice: (message: string) => void;
}

/** @throws ErmineError ERMINE_BACKEND where the one that was asked for is not to be had */
export async function findTargets(request: TargetRequest): Promise<readonly Target[]> {
  const { backend, numerics, notice, variants = usual } = request;
  const plugins = await loadPlugins(request);
  const requested =
    backend === undefined ? plugins : plugins.filter(({ plugin, module }) => [plugin.name, module].includes(backend));
  if (requested.length === 0) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `There is no backend "${backend}". Found: ${plugins.map(({ plugin }) => plugin.name).join(", ")}. ` +
        "A name stands for the package @ermine/backend-<name>; --plugin takes the module of any other.",
    );
  }
  const targets: Target[] = [];
  for (const { plugin } of requested) {
    const probe = await plugin.probe();
    if (!probe.available) {
      if (backend !== undefined) throw new ErmineError("ERMINE_BACKEND", `${plugin.name}: ${probe.reason} ${probe.remedy}`);
      notice(`${plugin.name}: not run (${probe.reason} ${probe.remedy})`);
      continue;
    }
    const several = variants[plugin.name];
    if (several === undefined && numerics !== undefined && backend === undefined) continue;
    const chosen = several?.filter((options) => numerics === undefined || options.numerics === numerics);
    if (chosen === undefined) {
      const options = numerics === undefined ? undefined : { numerics };
      targets.push({ label: plugin.name, create: () => plugin.create(options) });
    } else {
      for (const options of chosen) {
        const { threads } = options;
        const count = threads === undefined ? "" : `, ${threads} thread${threads === 1 ? "" : "s"}`;
        targets.push({ label: `${plugin.name} ${options.numerics}${count}`, options, create: () => plugin.create(options) });
      }
    }
  }
  return targets;
}

interface PluginSource {
  readonly plugin: BackendPlugin;
  readonly module: string;
}

async function loadPlugins({ backend, plugins, cwd }: TargetRequest): Promise<readonly PluginSource[]> {
  const sources: PluginSource[] = [{ plugin: referencePlugin, module: "@ermine/core/reference" }];
  const add = (module: string, exported: readonly BackendPlugin[]): void => {
    for (const plugin of exported)
      if (!sources.some((other) => other.plugin.name === plugin.name)) sources.push({ plugin, module });
  };
  for (const module of plugins) add(module, await pluginsOf(module, cwd));
  const names = backend === undefined || packages.includes(backend) ? packages : [...packages, backend];
  for (const name of names) {
    if (sources.some(({ plugin }) => plugin.name === name)) continue;
    for (const module of [`@ermine/backend-${name}`, ...(name === backend ? [name] : [])]) {
      if (resolveFrom(module, cwd) !== undefined) add(module, await pluginsOf(module, cwd));
    }
  }
  return sources;
}

async function pluginsOf(module: string, cwd: string): Promise<BackendPlugin[]> {
  const url = resolveFrom(module, cwd);
  if (url === undefined)
    throw new ErmineError("ERMINE_BACKEND", `The module "${module}" cannot be found from ${cwd}. Install it there.`);
  const exports = (await import(url)) as Record<string, unknown>;
  const plugins = Object.values(exports).filter(isPlugin);
  if (plugins.length === 0) throw new ErmineError("ERMINE_BACKEND", `The module "${module}" exports no backend plugin.`);
  return plugins;
}

const isPlugin = (value: unknown): value is BackendPlugin =>
  typeof value === "object" && value !== null && "contract" in value && "probe" in value && "create" in value;

/** The module's URL as seen from `cwd`; undefined where it is not there. */
function resolveFrom(module: string, cwd: string): string | undefined {
  const require = createRequire(join(cwd, "package.json"));
  try {
    return pathToFileURL(require.resolve(module)).href;
  } catch {
    return undefined;
  }
}
