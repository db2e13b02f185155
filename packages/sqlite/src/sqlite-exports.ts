/** The C functions of the official build that are used here. Pointers and sizes are i32, 64-bit integers are bigint. */
export interface SqliteExports {
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  sqlite3_initialize(): number;
  sqlite3_vfs_register(vfs: number, makeDefault: number): number;
  sqlite3_open_v2(name: number, outDb: number, flags: number, vfsName: number): number;
  sqlite3_close_v2(db: number): number;
  sqlite3_extended_result_codes(db: number, on: number): number;
  sqlite3_prepare_v3(
    db: number,
    sql: number,
    sqlBytes: number,
    flags: number,
    outStatement: number,
    outTail: number,
  ): number;
  sqlite3_finalize(statement: number): number;
  sqlite3_reset(statement: number): number;
  sqlite3_clear_bindings(statement: number): number;
  sqlite3_step(statement: number): number;
  sqlite3_stmt_readonly(statement: number): number;
  sqlite3_stmt_status(statement: number, counter: number, reset: number): number;
  sqlite3_get_autocommit(db: number): number;
  sqlite3_changes64(db: number): bigint;
  sqlite3_total_changes64(db: number): bigint;
  sqlite3_last_insert_rowid(db: number): bigint;
  sqlite3_errmsg(db: number): number;
  sqlite3_errstr(code: number): number;
  sqlite3_error_offset(db: number): number;
  sqlite3_extended_errcode(db: number): number;
  sqlite3_progress_handler(db: number, steps: number, callback: number, argument: number): void;
  sqlite3_data_count(statement: number): number;
  sqlite3_column_count(statement: number): number;
  sqlite3_column_name(statement: number, column: number): number;
  sqlite3_column_decltype(statement: number, column: number): number;
  sqlite3_column_database_name(statement: number, column: number): number;
  sqlite3_column_table_name(statement: number, column: number): number;
  sqlite3_column_origin_name(statement: number, column: number): number;
  sqlite3_column_type(statement: number, column: number): number;
  sqlite3_column_int64(statement: number, column: number): bigint;
  sqlite3_column_double(statement: number, column: number): number;
  sqlite3_column_text(statement: number, column: number): number;
  sqlite3_column_blob(statement: number, column: number): number;
  sqlite3_column_bytes(statement: number, column: number): number;
  sqlite3_bind_parameter_count(statement: number): number;
  sqlite3_bind_parameter_name(statement: number, index: number): number;
  sqlite3_bind_null(statement: number, index: number): number;
  sqlite3_bind_int64(statement: number, index: number, value: bigint): number;
  sqlite3_bind_int(statement: number, index: number, value: number): number;
  sqlite3_bind_double(statement: number, index: number, value: number): number;
  sqlite3_bind_text(
    statement: number,
    index: number,
    text: number,
    bytes: number,
    destructor: number,
  ): number;
  sqlite3_bind_blob(
    statement: number,
    index: number,
    blob: number,
    bytes: number,
    destructor: number,
  ): number;
  sqlite3_sql(statement: number): number;
  sqlite3_free(pointer: number): void;
  sqlite3_set_authorizer(db: number, callback: number, argument: number): number;
  sqlite3_commit_hook(db: number, callback: number, argument: number): number;
  sqlite3_preupdate_hook(db: number, callback: number, argument: number): number;
  sqlite3_preupdate_old(db: number, column: number, outValue: number): number;
  sqlite3_preupdate_new(db: number, column: number, outValue: number): number;
  sqlite3_preupdate_count(db: number): number;
  sqlite3_preupdate_depth(db: number): number;
  sqlite3_value_type(value: number): number;
  sqlite3_value_int64(value: number): bigint;
  sqlite3_value_double(value: number): number;
  sqlite3_value_text(value: number): number;
  sqlite3_value_blob(value: number): number;
  sqlite3_value_bytes(value: number): number;
  sqlite3session_create(db: number, database: number, outSession: number): number;
  sqlite3session_delete(session: number): void;
  sqlite3session_enable(session: number, on: number): number;
  sqlite3session_attach(session: number, table: number): number;
  sqlite3session_table_filter(session: number, callback: number, argument: number): void;
  sqlite3session_object_config(session: number, option: number, inOut: number): number;
  sqlite3session_isempty(session: number): number;
  sqlite3session_changeset(session: number, outBytes: number, outPointer: number): number;
  sqlite3__wasm_enum_json(): number;
  sqlite3__wasm_db_config_ip(db: number, option: number, value: number, out: number): number;
}
