// Where uploads wait on the device until the server has them: IndexedDB, or memory where the browser allows none.

const DATABASE = "masseflyt-uploads";
const STORE = "uploads";
const KEPT = ["id", "kind", "title", "isShared", "name", "blob", "addedAt", "problem"];

/** The uploads of one person on one page. `isLasting` is false where they live only as long as the page. */
export async function openKeeper({ page, owner }) {
  let database = await open();
  const inMemory = new Map();

  const run = (mode, work) =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });

  return {
    get isLasting() {
      return database !== null;
    },
    async keep(upload) {
      const row = Object.fromEntries(KEPT.map((name) => [name, upload[name]]));
      try {
        if (database) await run("readwrite", (store) => store.put({ ...row, page, owner }));
      } catch {
        database = null; // full, or a private window
      }
      if (!database) inMemory.set(upload.id, row);
    },
    async forget(id) {
      inMemory.delete(id);
      if (database) await run("readwrite", (store) => store.delete(id));
    },
    async all() {
      if (!database) return [...inMemory.values()];
      const rows = await run("readonly", (store) => store.getAll());
      return rows.filter((row) => row.page === page && row.owner === owner).sort((a, b) => a.addedAt - b.addedAt);
    },
  };
}

function open() {
  return new Promise((resolve) => {
    let request;
    try {
      request = indexedDB.open(DATABASE, 1);
    } catch {
      resolve(null);
      return;
    }
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => resolve(null);
  });
}
