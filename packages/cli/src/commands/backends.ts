/** `ermine backends`: what trainings can run on here. */
import { probeBackends } from "@ermine/core";
import { textTable } from "../report/terminal.js";
import type { Output } from "../run/output.js";
import { backendNames, registerBackends } from "../training/backends.js";

/** @returns the exit status */
export async function backends(output: Output): Promise<number> {
  const installed = await registerBackends();
  const statuses = await probeBackends();
  const rows = backendNames.map((name) => {
    const status = statuses.find((one) => one.name === name);
    if (status === undefined || !installed.includes(name))
      return {
        name,
        available: false,
        engine: null,
        reason: "It is not installed.",
        remedy: `npm install @ermine/backend-${name}`,
      };
    return status.available
      ? { name, available: true, engine: status.engine, reason: null, remedy: null }
      : { name, available: false, engine: null, reason: status.reason, remedy: status.remedy };
  });
  for (const row of rows) output.event("backend", row);
  output.say(
    textTable(
      ["backend", "here", "engine, or what to do"],
      rows.map(({ name, available, engine, reason, remedy }) => [
        name,
        available ? "yes" : "no",
        engine ?? `${reason} ${remedy}`,
      ]),
      "left",
    ),
  );
  return 0;
}
