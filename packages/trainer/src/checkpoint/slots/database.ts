/** IndexedDB: a record for each slot, by run and slot. */

const databaseName = "ermine-checkpoints";
const storeName = "slots";

const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function inTransaction<T>(mode: IDBTransactionMode, fn: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(databaseName, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
  const database = await resultOf(opening);
  try {
    const transaction = database.transaction(storeName, mode, { durability: "strict" });
    const completion = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const request = fn(transaction.objectStore(storeName));
    // A request that fails aborts its transaction, whose error says why.
    const [result] = await Promise.all([resultOf(request), completion]);
    return result;
  } finally {
    database.close();
  }
}

export async function writeRecord(run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void> {
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  await inTransaction("readwrite", (store) => store.put(bytes, [run, slot]));
}

export const readRecord = (run: string, slot: string): Promise<Uint8Array | undefined> =>
  inTransaction("readonly", (store) => store.get([run, slot]) as IDBRequest<Uint8Array | undefined>);

/** All slots of a run are between these keys: a list is above every text. */
const keysOf = (run: string): IDBKeyRange => IDBKeyRange.bound([run], [run, []]);

export async function removeRecords(run: string): Promise<void> {
  await inTransaction("readwrite", (store) => store.delete(keysOf(run)));
}

export async function recordRuns(): Promise<readonly string[]> {
  const keys = (await inTransaction("readonly", (store) => store.getAllKeys())) as unknown as readonly (readonly [
    run: string,
    slot: string,
  ])[];
  return [...new Set(keys.map(([run]) => run))];
}
