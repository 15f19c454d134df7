/** React: who is signed in, in every component. */

import { createContext, createElement, useContext, useSyncExternalStore } from "react";

const Given = createContext(null);

/** Give a client to the components below. It is made outside, once: `createClient()`. */
export function SessionProvider({ client, children }) {
  return createElement(Given.Provider, { value: client }, children);
}

/** The client, to sign in and out and to fetch with. */
export function useClient() {
  const client = useContext(Given);
  if (!client) throw new Error("There is no <SessionProvider client={…}> around this component.");
  return client;
}

/** Who is signed in. The first component that asks has it found out. */
export function useSession() {
  const { subscribe, read } = storeOf(useClient());
  return useSyncExternalStore(subscribe, read, readUnknown);
}

const UNKNOWN = Object.freeze({ session: null, isLoading: true, error: null });
/** On a server and while its page is hydrated: a page that many may get says of nobody. */
const readUnknown = () => UNKNOWN;

// By client and not in a component: one that suspends, or that StrictMode makes twice, keeps none.
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
      // Where nobody listens, nobody has told it what happened since.
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
