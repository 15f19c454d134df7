/** The endpoints that are about the session. */

import { RatchetError, bodyOf, refusal } from "./answers.js";
import { linked, orAborted, throwIfAborted } from "./waiting.js";

export class Endpoints {
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
   * Return the body of an answer. It has to come in time, since the other tabs wait for it.
   *
   * @throws {RatchetError} the server refuses, or there is no answer
   */
  async ask(path, { method = "POST", json, headers = {}, keepalive = false, signal } = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), this.#timeout);
    const unlink = linked(stop, signal, this.#closing);
    const url = new URL(path, this.#base).href;
    const request = async () => {
      const answer = await this.#send(url, {
        method,
        headers: {
          Accept: "application/json",
          ...(json && { "Content-Type": "application/json" }),
          ...headers,
        },
        body: json && JSON.stringify(json),
        signal: stop.signal,
        keepalive,
        credentials: "include", // the API may be on another subdomain
        cache: "no-store",
        redirect: "manual", // a password goes nowhere else
      });
      if (isRedirect(answer)) throw await this.#redirected(url, answer, stop.signal);
      return [answer, await answer.text()];
    };
    let answer, text;
    try {
      // Even if this fetch, or an app's storage behind it, ignores the signal.
      [answer, text] = await orAborted(request(), stop.signal);
    } catch (cause) {
      throwIfAborted(signal);
      throwIfAborted(this.#closing);
      if (cause instanceof RatchetError) throw cause;
      throw new RatchetError({ code: "no_answer", detail: "The server did not answer.", cause });
    } finally {
      clearTimeout(timer);
      unlink();
    }
    if (!answer.ok) throw refusal(answer, text);
    return bodyOf(answer, text);
  }

  async #redirected(url, { status, headers }, signal) {
    const target = headers.get("Location") ?? (await this.#targetOf(url, signal));
    const where = target ? new URL(target, url).href : "another address";
    const detail = `${url} redirected to ${where}: is baseUrl right?`;
    return new RatchetError({ status, code: "redirected", detail });
  }

  /** Where the redirect leads, which browsers show only to those who follow it: with nothing. */
  async #targetOf(url, signal) {
    try {
      const followed = await this.#send(url, { method: "HEAD", credentials: "omit", signal });
      return followed.redirected ? followed.url : null;
    } catch {
      return null;
    }
  }
}

function isRedirect({ type, status }) {
  return type === "opaqueredirect" || (status >= 300 && status < 400);
}
