/** Runs tasks one after the other, in the order they were given. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    // A failure is for whoever gave the task; the next one starts all the same.
    this.#last = result.catch(() => {});
    return result;
  }

  /** One run of a task for all who ask for it before it begins. @returns a function that joins that run, or plans one */
  shared<T>(task: () => Promise<T>): () => Promise<T> {
    let planned: Promise<T> | undefined;
    return () => {
      planned ??= this.run(() => {
        planned = undefined;
        return task();
      });
      return planned;
    };
  }
}
