import {
  type DatabaseShape,
  isPageNo,
  isPageSize,
  MAX_PAGE_NO,
  type PageNo,
  type PageRange,
} from "@lacuna/page";

/** @throws {RangeError} unless a page of that many bytes belongs to the shape */
export function checkEntry(page: number, byteLength: number, shape: DatabaseShape | undefined): void {
  if (shape === undefined) throw new RangeError(`page ${page} was put before the store has a shape`);
  if (!isPageNo(page) || page > shape.pageCount) {
    throw new RangeError(`page ${page} is outside the database, which has ${shape.pageCount} pages`);
  }
  if (byteLength !== shape.pageSize) {
    throw new RangeError(`page ${page} should have ${shape.pageSize} bytes, got ${byteLength}`);
  }
}

/** @throws {RangeError} unless a store can hold pages of the shape */
export function checkShape(shape: DatabaseShape): void {
  if (shape.revision.length === 0) throw new RangeError("the revision of a shape must not be empty");
  if (!isPageSize(shape.pageSize)) {
    throw new RangeError(`page size must be a power of two from 512 to 65536, got ${shape.pageSize}`);
  }
  if (shape.pageCount !== 0 && !isPageNo(shape.pageCount)) {
    throw new RangeError(`page count must be an integer from 0 to ${MAX_PAGE_NO}, got ${shape.pageCount}`);
  }
}

/** @throws {RangeError} unless a store of the shape `before` can keep its pages as pages of `shape` */
export function checkSuccessor(shape: DatabaseShape, before: DatabaseShape | undefined): void {
  checkShape(shape);
  if (before === undefined) throw new RangeError("a store that has no shape yet cannot adopt another one");
  if (shape.pageSize === before.pageSize) return;
  throw new RangeError(`expected a shape with pages of ${before.pageSize} bytes, got ${shape.pageSize}`);
}

/** The pages that lie after the end of the database. */
export function afterEnd({ pageCount }: DatabaseShape): readonly PageRange[] {
  return pageCount === MAX_PAGE_NO ? [] : [{ first: (pageCount + 1) as PageNo, last: MAX_PAGE_NO }];
}
