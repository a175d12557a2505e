/** Pages share memory between threads only if they are isolated by headers, which a static host does not send; then the page's own service worker adds them. */

/** In the session's storage while a page is loaded again to become isolated. */
const attemptKey = "ermine isolation";

/** Milliseconds until a page goes on as it is. */
const patience = 2000;

const timeout = (milliseconds: number): Promise<"late"> =>
  new Promise((resolve) => {
    setTimeout(() => resolve("late"), milliseconds);
  });

/** Registers the service worker; resolves when requests of this page go through it. */
async function controlled(container: ServiceWorkerContainer): Promise<void> {
  const isControlled = new Promise<void>((resolve) => {
    container.addEventListener("controllerchange", () => resolve(), { once: true });
  });
  const { active } = await container.register("./isolation.js");
  // One that was active before does not claim a page that went around it (Shift and reload): the next load goes through it.
  if (container.controller === null && active === null) await isControlled;
}

/** @returns is this the first attempt of the session? */
function noteAttempt(): boolean {
  const isFirst = sessionStorage.getItem(attemptKey) === null;
  sessionStorage.setItem(attemptKey, "1");
  return isFirst;
}

/**
 * Has the service worker isolate this page and those that are opened after it, where the host does not and the browser has one. What cannot be isolated (storage is
 * forbidden, the address is neither https nor of this machine, the browser goes around the service worker) goes on with one thread.
 *
 * @param now load this page again, if it has to be, to be isolated itself
 * @returns false: it is being loaded again, and has nothing to show
 */
export async function isolatePage(now: boolean): Promise<boolean> {
  // Absent in browsers without isolation, and on addresses that are not secure.
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  try {
    if (crossOriginIsolated) {
      sessionStorage.removeItem(attemptKey);
      return true;
    }
    if (container === undefined) return true;
    const ready = controlled(container);
    if (!now) {
      ready.catch(() => {});
      return true;
    }
    if ((await Promise.race([ready, timeout(patience)])) === "late") {
      // Never under the hands of somebody who has begun; the next page that is opened is isolated.
      ready.catch(() => {});
      return true;
    }
    if (!noteAttempt()) return true;
  } catch {
    return true;
  }
  location.reload();
  return false;
}
