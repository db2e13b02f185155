import type { SqlErrorJson } from "@lacuna/protocol";

/** A failure of SQL that is told to the client in the result, not as an HTTP status. */
export class SqlFailure extends Error {
  override readonly name = "SqlFailure";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  toJson(): SqlErrorJson {
    return { message: this.message, code: this.code };
  }
}
