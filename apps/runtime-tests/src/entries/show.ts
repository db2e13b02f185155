import { openOpfsStore } from "@lacuna/storage/opfs";
import { connect } from "lacuna";

/** For the scripts that drive a browser: they call these by name. */
Reflect.set(globalThis, "connect", connect);
Reflect.set(globalThis, "openOpfsStore", openOpfsStore);
