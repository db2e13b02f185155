/** Resolves after everything that is due in this turn of the event loop and the next. */
export async function laterTurn(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
