"use client";
/** React: the session in every component. */

import { createContext, createElement, useContext, useSyncExternalStore } from "react";

const ClientContext = /* @__PURE__ */ createContext(null);

/** Give a client to the components below. Make it outside of components, once: `createClient()`. */
export function SessionProvider({ client, children }) {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** Return the client, to sign in and out and to fetch with. */
export function useClient() {
  const client = useContext(ClientContext);
  if (!client) throw new Error("Put a <SessionProvider client={…}> around this component.");
  return client;
}

/** Return the session, and whether it is loading. The first component that asks restores it. */
export function useSession() {
  const { subscribe, read } = storeOf(useClient());
  return useSyncExternalStore(subscribe, read, readUnknown);
}

const UNKNOWN = Object.freeze({ session: null, isLoading: true, error: null });
/** On a server, and while its page is hydrated: many users may get that page. */
const readUnknown = () => UNKNOWN;

// Kept by client: React drops the state of a component that suspends, and StrictMode makes it twice.
const stores = new WeakMap();

function storeOf(client) {
  if (!stores.has(client)) stores.set(client, makeStore(client));
  return stores.get(client);
}

function makeStore(client) {
  const listeners = new Set();
  let stop = null;
  let state = client.session ? known(client.session) : UNKNOWN;

  function show(next) {
    state = next;
    for (const listener of [...listeners]) listener();
  }

  async function restore() {
    try {
      const session = await client.restore();
      if (state.isLoading || state.error || state.session !== session) show(known(session));
    } catch (error) {
      const retry = () => {
        show(UNKNOWN);
        return restore();
      };
      show(Object.freeze({ session: client.session, isLoading: false, error, retry }));
    }
  }

  return {
    read() {
      // Without listeners it has missed what happened since.
      if (!stop && !state.isLoading && state.session !== client.session) {
        state = known(client.session);
      }
      return state;
    },
    subscribe(listener) {
      listeners.add(listener);
      if (!stop) {
        stop = client.onChange((session) => show(known(session)));
        restore();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) {
          stop?.();
          stop = null;
        }
      };
    },
  };
}

const known = (session) => Object.freeze({ session, isLoading: false, error: null });
