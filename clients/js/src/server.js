/** The endpoints that are about the session. */

import { RatchetError, bodyOf, refusal } from "./answers.js";
import { linked } from "./waiting.js";

export class Server {
  #base;
  #send;
  #timeout;
  #closing;

  /** @param {URL} base @param {typeof fetch} send @param {number} timeout in milliseconds
   *  @param {AbortSignal} closing */
  constructor(base, send, timeout, closing) {
    this.#base = base;
    this.#send = send;
    this.#timeout = timeout;
    this.#closing = closing;
  }

  /**
   * The body of an answer. It has to come in time, since the other tabs wait for it.
   *
   * @throws {RatchetError} the server refuses, or there is no answer
   */
  async ask(path, { method = "POST", json, headers = {}, signal } = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), this.#timeout);
    const unlink = linked(stop, signal, this.#closing);
    let answer, text;
    try {
      answer = await this.#send(new URL(path, this.#base).href, {
        method,
        headers: {
          Accept: "application/json",
          ...(json && { "Content-Type": "application/json" }),
          ...headers,
        },
        body: json && JSON.stringify(json),
        signal: stop.signal,
        credentials: "include", // the API may be on another subdomain
        cache: "no-store",
        redirect: "error", // a password goes nowhere else
      });
      text = await answer.text();
    } catch (cause) {
      signal?.throwIfAborted();
      this.#closing.throwIfAborted();
      throw new RatchetError({ code: "no_answer", detail: "The server did not answer.", cause });
    } finally {
      clearTimeout(timer);
      unlink();
    }
    if (!answer.ok) throw refusal(answer, text);
    return bodyOf(answer, text);
  }
}
