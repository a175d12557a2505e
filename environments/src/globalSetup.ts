/** Packs and installs the packages once for all test files. */
import { rm } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { installPackages } from "./project.js";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder whose node_modules has the packages as they are published, and the fixtures next to it. */
    project: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const project = await installPackages();
  provide("project", project);
  return () => rm(project, { recursive: true, force: true });
}
