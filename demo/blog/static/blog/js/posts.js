/** The blog: anyone can read, and signed-in users can write. */

import { challengeOf } from "../../drf-ratchet/challenge.js";
import { byId, sayIn } from "./element.js";
import { makePost } from "./post.js";
import { inWords, refusalOf } from "./refusal.js";
import { onPress, onSubmit } from "./working.js";

const POSTS = "/api/posts/";

/**
 * @param client the browser client
 * @param provePasskey asks for a passkey; null where there are none
 */
export function startPosts(client, provePasskey) {
  const list = byId("posts");
  const form = byId("write-post");
  const answer = byId("posts-answer");
  let me = null;
  let posts = [];
  let older = null;
  let draftOf = null;

  /** Send a change and return the response body. Rejects with a refusal. */
  async function send(method, path, body) {
    const ask = () =>
      client.fetch(POSTS + path, {
        method,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body ? JSON.stringify(body) : undefined,
      });
    let response = await ask();
    if (provePasskey && challengeOf(response) !== null) {
      say("Use your passkey to go on.");
      await provePasskey();
      response = await ask();
    }
    if (!response.ok) throw await refusalOf(response);
    return response.status === 204 ? null : response.json();
  }

  // Anyone may read, so no token is sent.
  async function load(url) {
    try {
      const response = await fetch(url);
      if (!response.ok) throw await refusalOf(response);
      const page = await response.json();
      const known = new Set(posts.map((post) => post.id));
      posts.push(...page.results.filter((post) => !known.has(post.id)));
      older = page.next;
      showPosts();
    } catch (error) {
      say(inWords(error), "bad");
    }
  }

  function showPosts() {
    list.replaceChildren(...posts.map((post) => makePost(post, me, actions)));
    byId("posts-older").hidden = older === null;
  }

  const actions = {
    async save(post, draft) {
      const saved = await send("PUT", `${post.id}/`, draft);
      posts = posts.map((one) => (one.id === saved.id ? saved : one));
      return saved;
    },
    async remove(post) {
      await send("DELETE", `${post.id}/`);
      posts = posts.filter((one) => one.id !== post.id);
      say(`“${post.title}” is deleted.`);
      byId("blog-title").focus();
    },
    /** Send a change that would change nothing if the server allowed it. */
    tryAnyway: (post) => send("PATCH", `${post.id}/`, { title: post.title }),
  };

  function say(words, kind = "") {
    sayIn(answer, words, kind);
  }

  onSubmit(form, async () => {
    const { title, body } = form.elements;
    try {
      posts.unshift(await send("POST", "create/", { title: title.value, body: body.value }));
      form.reset();
      showPosts();
      say("Published.");
    } catch (error) {
      say(inWords(error), "bad");
    }
  });
  onPress(byId("posts-older"), () => load(older));
  load(POSTS);

  return (session) => {
    form.hidden = session === null;
    byId("write-hint").hidden = session !== null;
    const { username = null, role = null } = session?.claims ?? {};
    if (me?.username === username && me?.role === role) return;
    me = { username, role };
    // A draft survives the end of its session, and no other user may read it.
    if (username !== null && username !== draftOf) form.reset();
    draftOf = username ?? draftOf;
    showPosts();
  };
}
