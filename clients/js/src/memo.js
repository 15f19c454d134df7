import { memoryStorage } from "./environment.js";

/**
 * What outlives a tab: the Idempotency-Key of a turn that has had no answer, and when the last
 * state came and how long its token is good. No token, and nothing that is made from one.
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
    const [at, until] = (this.get("marker") ?? "0 0").split(" ").map(Number);
    if (this.#storage === null) return null;
    return Number.isSafeInteger(at) && Number.isFinite(until) ? { at, until } : { at: 0, until: 0 };
  }

  mark(at, until) {
    this.#set("marker", `${at} ${until}`);
  }

  /** The key of the turn that is under way, or a new one; kept before it is used. */
  key() {
    let key = this.get("key");
    if (!key || !/^[!-~]{1,128}$/.test(key)) {
      key = [...crypto.getRandomValues(new Uint8Array(16))]
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join("");
      this.#set("key", key);
    }
    return key;
  }

  get(item) {
    return this.#trying((storage) => storage.getItem(this.#prefix + item));
  }

  remove(item) {
    this.#trying((storage) => storage.removeItem(this.#prefix + item));
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
