import type { RemotePipeline, RemoteRequest, RemoteStatement } from "@lacuna/page";
import { encodeSqlValue } from "./sql-value.ts";

/** The body of `POST /v2/pipeline`: JSON text. What has its default is left out. */
export function encodePipeline({ baton, requests }: RemotePipeline): string {
  return JSON.stringify({ baton: baton ?? null, requests: requests.map(requestJson) });
}

function requestJson(request: RemoteRequest): unknown {
  const { type } = request;
  switch (type) {
    case "execute":
      return { type, stmt: statementJson(request.statement) };
    case "batch":
      return {
        type,
        batch: {
          steps: request.steps.map((step) => ({
            condition: step.condition ?? null,
            stmt: statementJson(step),
          })),
        },
      };
    case "sequence":
      return { type, sql: request.sql };
    default:
      return { type };
  }
}

function statementJson({ sql, args = [], namedArgs = [], wantRows = false }: RemoteStatement): unknown {
  const named = namedArgs.map(({ name, value }) => ({ name, value: encodeSqlValue(value) }));
  return {
    sql,
    ...(args.length > 0 ? { args: args.map(encodeSqlValue) } : {}),
    ...(named.length > 0 ? { named_args: named } : {}),
    want_rows: wantRows,
  };
}
