import { connect } from "lacuna";

/** What an application has: a connection by the one line that is the same everywhere. */
globalThis.ask = async (url, online) => {
  const offline = async () => {
    throw new TypeError("no network");
  };
  const db = await connect({
    path: "bundled.db",
    url,
    partialSync: {},
    ...(online ? {} : { fetch: offline }),
  });
  try {
    return await db.get("SELECT name FROM person WHERE id = 1234");
  } finally {
    await db.close();
  }
};
