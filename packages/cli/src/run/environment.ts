/** What a run was made with. Nothing of the process's environment variables stands in it: they hold secrets. */
import { availableParallelism, platform, release } from "node:os";
import type { Backend } from "@ermine/core";

/** Plain JSON. */
export interface Environment {
  readonly ermine: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly threads: number;
  readonly backend: string;
}

declare const __ERMINE_VERSION__: string | undefined;

/** This package's version. */
export const version = typeof __ERMINE_VERSION__ === "undefined" ? "built from source" : __ERMINE_VERSION__;

/** What runs. */
export const environmentOf = (backend: Backend): Environment => ({
  ermine: version,
  node: process.version,
  platform: `${platform()} ${release()}`,
  processor: process.arch,
  threads: availableParallelism(),
  backend: `${backend.name} (${backend.engine})`,
});
