/** Tell something; their argument, if any, is the name of what they tell about. */
const TELLING = new Set(
  `collation_list compile_options data_version database_list foreign_key_check foreign_key_list freelist_count
  function_list index_info index_list index_xinfo integrity_check module_list page_count pragma_list quick_check
  table_info table_list table_xinfo`.split(/\s+/),
);
/** Tell when they have no argument; with one they would change what belongs to the server, and that is refused. */
const TELLING_ONLY = new Set(
  `auto_vacuum cache_size encoding hard_heap_limit journal_mode journal_size_limit locking_mode max_page_count
  mmap_size page_size schema_version soft_heap_limit synchronous temp_store threads trusted_schema
  wal_autocheckpoint writable_schema`.split(/\s+/),
);
/** Change how this connection works, for as long as it lives. */
const SETTING = new Set(
  `analysis_limit automatic_index busy_timeout cell_size_check defer_foreign_keys foreign_keys
  ignore_check_constraints legacy_alter_table query_only recursive_triggers reverse_unordered_selects
  secure_delete`.split(/\s+/),
);
/** Change the database. */
const WRITING = new Set(["application_id", "incremental_vacuum", "optimize", "user_version"]);

/**
 * What a PRAGMA may do. Those are refused that reach other files, that weaken what a commit promises, that lift limits,
 * and that take over what is the server's business, such as checkpoints.
 * @param argument what stands behind the name; `undefined` for nothing
 */
export function pragmaEffect(name: string, argument: string | undefined): "read" | "write" | "refused" {
  const lower = name.toLowerCase();
  if (TELLING.has(lower)) return "read";
  if (SETTING.has(lower)) return "read";
  if (WRITING.has(lower)) return argument === undefined && !/^(inc|opt)/.test(lower) ? "read" : "write";
  if (!TELLING_ONLY.has(lower)) return "refused";
  // Setting what is set already does no harm, and programs written for SQLite do it by habit.
  if (argument === undefined || (lower === "journal_mode" && /^wal$/i.test(argument))) return "read";
  return "refused";
}
