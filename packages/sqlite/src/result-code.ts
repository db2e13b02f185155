/** Results of SQLite's C functions that decide something here. "Result and Error Codes". */
export const SQLITE_OK = 0;
export const SQLITE_BUSY = 5;
export const SQLITE_IOERR = 10;
export const SQLITE_NOTFOUND = 12;
export const SQLITE_IGNORE = 2;
export const SQLITE_CANTOPEN = 14;
export const SQLITE_READONLY = 8;
export const SQLITE_ROW = 100;
export const SQLITE_DONE = 101;
export const SQLITE_BUSY_SNAPSHOT = 517;
export const SQLITE_IOERR_SHORT_READ = 522;

/** Types of values. "Fundamental Datatypes". */
export const SQLITE_INTEGER = 1;
export const SQLITE_FLOAT = 2;
export const SQLITE_TEXT = 3;
export const SQLITE_BLOB = 4;
