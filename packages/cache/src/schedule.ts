/** Runs a callback after everything that is due in this turn. */
export type Schedule = (callback: () => void) => void;

/** One macrotask later: by `setImmediate` where there is one, else by a message to ourselves, else by a timer. */
export function nextMacrotask(): Schedule {
  if (typeof setImmediate === "function") return (callback) => void setImmediate(callback);
  if (typeof MessageChannel === "function") return byMessage;
  return (callback) => void setTimeout(callback, 0);
}

/** Unlike a timer, a message is not held back when timers nest. */
function byMessage(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(undefined);
}
