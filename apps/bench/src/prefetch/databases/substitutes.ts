import { DatabaseSync } from "node:sqlite";
import { wordOf } from "./message-database.ts";

function create(path: string, schema: string, fill: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; ${schema}; BEGIN`);
    fill(db);
    db.exec("COMMIT");
  } finally {
    db.close();
  }
}

/** A music shop with the tables of the Chinook sample that the workloads use, of about its size. */
export function createMusicDatabase(path: string): void {
  create(
    path,
    `CREATE TABLE Artist(ArtistId INTEGER PRIMARY KEY, Name TEXT);
     CREATE TABLE Album(AlbumId INTEGER PRIMARY KEY, Title TEXT NOT NULL, ArtistId INTEGER NOT NULL);
     CREATE INDEX AlbumArtist ON Album(ArtistId);
     CREATE TABLE Track(TrackId INTEGER PRIMARY KEY, Name TEXT, AlbumId INTEGER, Composer TEXT, Milliseconds INTEGER,
       Bytes INTEGER, UnitPrice NUMERIC);
     CREATE INDEX TrackAlbum ON Track(AlbumId);
     CREATE TABLE InvoiceLine(InvoiceLineId INTEGER PRIMARY KEY, InvoiceId INTEGER, TrackId INTEGER, UnitPrice NUMERIC,
       Quantity INTEGER);
     CREATE INDEX LineTrack ON InvoiceLine(TrackId)`,
    (db) => {
      const name = (id: number): string => `${wordOf((id * 7) % 4000)} ${wordOf((id * 31) % 4000)}`;
      const artist = db.prepare("INSERT INTO Artist VALUES (?, ?)");
      for (let id = 1; id <= 275; id++) artist.run(id, name(id));
      const album = db.prepare("INSERT INTO Album VALUES (?, ?, ?)");
      for (let id = 1; id <= 347; id++) album.run(id, name(id + 500), 1 + ((id * 89) % 275));
      const track = db.prepare("INSERT INTO Track VALUES (?, ?, ?, ?, ?, ?, 0.99)");
      for (let id = 1; id <= 3503; id++) {
        track.run(id, name(id + 1000), 1 + (id % 347), `${name(id)}, ${name(id + 1)}`, id * 97, id * 3571);
      }
      const line = db.prepare("INSERT INTO InvoiceLine VALUES (?, ?, ?, 0.99, 1)");
      for (let id = 1; id <= 2240; id++) line.run(id, 1 + Math.floor(id / 6), 1 + ((id * 1543) % 3503));
    },
  );
}

/** Coordinate systems with the tables and keys of PROJ's database that the workloads use. */
export function createCatalogDatabase(path: string): void {
  create(
    path,
    `CREATE TABLE geodetic_crs(auth_name TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, description TEXT,
       deprecated BOOLEAN, PRIMARY KEY (auth_name, code)) WITHOUT ROWID;
     CREATE TABLE extent(auth_name TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
       PRIMARY KEY (auth_name, code)) WITHOUT ROWID;
     CREATE TABLE scope(auth_name TEXT NOT NULL, code TEXT NOT NULL, scope TEXT NOT NULL,
       PRIMARY KEY (auth_name, code)) WITHOUT ROWID;
     CREATE TABLE usage(auth_name TEXT, code TEXT, object_table_name TEXT NOT NULL, object_auth_name TEXT NOT NULL,
       object_code TEXT NOT NULL, extent_auth_name TEXT NOT NULL, extent_code TEXT NOT NULL, scope_auth_name TEXT NOT NULL,
       scope_code TEXT NOT NULL, PRIMARY KEY (auth_name, code));
     CREATE INDEX usage_object ON usage(object_table_name, object_auth_name, object_code)`,
    (db) => {
      const long = (id: number): string =>
        Array.from({ length: 12 }, (_, word) => wordOf((id * 37 + word * 613) % 4000)).join(" ");
      const crs = db.prepare("INSERT INTO geodetic_crs VALUES ('EPSG', ?, ?, ?, 0)");
      const usage = db.prepare(
        "INSERT INTO usage VALUES ('EPSG', ?, 'geodetic_crs', 'EPSG', ?, 'EPSG', ?, 'EPSG', ?)",
      );
      for (let code = 4001; code <= 7000; code++) {
        crs.run(`${code}`, `${wordOf(code % 4000)} ${code % 100}`, long(code));
        for (let use = 0; use < 3; use++) {
          usage.run(`${code * 10 + use}`, `${code}`, `${(code * 71 + use * 13) % 4000}`, `${code % 300}`);
        }
      }
      const extent = db.prepare("INSERT INTO extent VALUES ('EPSG', ?, ?, ?)");
      for (let code = 0; code < 4000; code++) extent.run(`${code}`, wordOf(code), long(code));
      const scope = db.prepare("INSERT INTO scope VALUES ('EPSG', ?, ?)");
      for (let code = 0; code < 300; code++) scope.run(`${code}`, long(code));
    },
  );
}
