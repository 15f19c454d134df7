"use client";

import { createClient } from "drf-ratchet";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";

const client = createClient({ baseUrl: "/api/" });

export function Controls() {
  const router = useRouter();
  const [isReady, setReady] = useState(false);
  useEffect(() => setReady(true), []);

  async function signIn(form: FormData) {
    await client.login({ username: form.get("username"), password: "ratchet-demo-1" });
    router.refresh();
  }

  async function signOut() {
    await client.logout();
    router.refresh();
  }

  return (
    <main data-ready={isReady || undefined}>
      <form action={signIn}>
        <input name="username" />
        <button id="sign-in">Sign in</button>
      </form>
      <button id="sign-out" onClick={signOut}>
        Sign out
      </button>
    </main>
  );
}
