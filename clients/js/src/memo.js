import { memoryStorage, randomKey } from "./environment.js";

/**
 * What outlives a tab: when the last state came and how long its token is good, and the
 * Idempotency-Key of a step up that has had no answer. No token, and nothing that is made from one.
 */
export class Memo {
  #storage;
  #prefix;
  #memory = memoryStorage();

  constructor(storage, name) {
    this.#storage = storage;
    this.#prefix = `${name} `;
  }

  /** When the last state came; 0 where there was none, null where this cannot be known. */
  marker() {
    const [at, until] = (this.#get("marker") ?? "0 0").split(" ").map(Number);
    if (this.#storage === null) return null;
    return Number.isSafeInteger(at) && Number.isFinite(until) ? { at, until } : { at: 0, until: 0 };
  }

  mark(at, until) {
    this.#set("marker", `${at} ${until}`);
  }

  /** The key of a step up that has had no answer; null for none. */
  key() {
    const key = this.#get("key");
    return key !== null && /^[!-~]{1,128}$/.test(key) ? key : null;
  }

  /** A new key, kept before it is used. */
  newKey() {
    const key = randomKey();
    this.#set("key", key);
    return key;
  }

  dropKey() {
    // Nearly always there is none, and nothing to write.
    if (this.#get("key") === null) return;
    this.#trying((storage) => storage.removeItem(`${this.#prefix}key`));
  }

  #get(item) {
    return this.#trying((storage) => storage.getItem(this.#prefix + item));
  }

  #set(item, value) {
    this.#trying((storage) => storage.setItem(this.#prefix + item, value));
  }

  /** Where the storage throws, memory has to do; a browser that blocks one blocks cookies too. */
  #trying(act) {
    if (this.#storage !== null) {
      try {
        return act(this.#storage);
      } catch {
        this.#storage = null;
      }
    }
    return act(this.#memory);
  }
}
