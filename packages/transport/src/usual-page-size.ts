/**
 * Bytes per page where they are not known yet: SQLite makes databases so unless it is told otherwise. In a module of its
 * own, which brings nothing else along.
 */
export const USUAL_PAGE_SIZE = 4096;
