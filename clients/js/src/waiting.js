/** Waiting that a signal can end. */

/** Throw the reason of a signal that is aborted. React Native's have neither reason nor method. */
export function throwIfAborted(signal) {
  if (signal?.aborted) throw reasonOf(signal);
}

function reasonOf(signal) {
  return signal.reason ?? abortError("This was aborted.");
}

export function abortError(message) {
  if (globalThis.DOMException) return new DOMException(message, "AbortError");
  return Object.assign(new Error(message), { name: "AbortError" });
}

/** Work that all who want it wait for together, and that stops when the last has gone. */
export class SharedWork {
  #closing;
  #current = null;

  constructor(closing) {
    this.#closing = closing;
  }

  async join(run, signal) {
    throwIfAborted(this.#closing);
    throwIfAborted(signal);
    const work = (this.#current ??= this.#start(run));
    work.waiting += 1;
    try {
      return await orAborted(work.promise, signal);
    } finally {
      work.waiting -= 1;
      if (work.waiting === 0) {
        this.#forget(work);
        work.stop.abort();
      }
    }
  }

  #start(run) {
    const stop = new AbortController();
    const unlink = linked(stop, this.#closing);
    const work = { waiting: 0, stop, promise: run(stop.signal) };
    const over = () => {
      unlink();
      this.#forget(work);
    };
    work.promise.then(over, over);
    return work;
  }

  #forget(work) {
    if (this.#current === work) this.#current = null;
  }
}

export function pause(ms, signal) {
  let timer;
  const over = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  return orAborted(over, signal).finally(() => clearTimeout(timer));
}

/** Wait for an event, but no longer than so many milliseconds; tell whether it came. */
export function happened(target, event, ms, signal) {
  let heard, timer;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, false);
    target.addEventListener(event, (heard = () => resolve(true)));
  });
  return orAborted(over, signal).finally(() => {
    clearTimeout(timer);
    target.removeEventListener(event, heard);
  });
}

/** The promise, or the signal's reason once it is aborted. */
export async function orAborted(promise, signal) {
  if (!signal) return promise;
  throwIfAborted(signal);
  let abort;
  const aborted = new Promise((_, reject) => {
    signal.addEventListener("abort", (abort = () => reject(reasonOf(signal))));
  });
  return Promise.race([promise, aborted]).finally(() =>
    signal.removeEventListener("abort", abort),
  );
}

/** Let the controller follow the signals. AbortSignal.any is younger than the browsers we want. */
export function linked(controller, ...signals) {
  const follow = (event) => controller.abort(reasonOf(event.target));
  for (const signal of signals) {
    if (signal?.aborted) controller.abort(reasonOf(signal));
    signal?.addEventListener("abort", follow);
  }
  return () => signals.forEach((signal) => signal?.removeEventListener("abort", follow));
}
