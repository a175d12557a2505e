/** The backends that the scripts compare, by name. */
const backends = {
  reference: async () => (await import("../../packages/core/dist/reference/index.js")).reference(),
  cpu: async () => (await import("../../packages/backend-cpu/dist/index.js")).cpu(),
  tfjs: async () => (await import("../../packages/backend-tfjs/dist/index.js")).tfjs(),
};

/** Computes with the backend of that name. */
export async function useNamed(core, name) {
  const create = backends[name];
  if (create === undefined) throw new Error(`--backend is one of ${Object.keys(backends).join(", ")}, got ${name}.`);
  core.useBackend(await create());
}
