/** One post of the blog, with the buttons that its reader may use. */

import { element } from "./element.js";
import { inWords, verbatim } from "./refusal.js";
import { timeElement } from "./when.js";
import { onPress, onSubmit } from "./working.js";

/**
 * @param post the post, as the API returns it
 * @param me {username, role} of the reader, or null
 * @param actions save(post, draft), remove(post) and tryAnyway(post); each rejects with a refusal
 */
export function makePost(post, me, actions) {
  const mayChange = me !== null && (me.username === post.author || me.role === "admin");
  const answer = element("p", { class: "answer", role: "status" });
  const buttons = element("div", { class: "row" });
  const article = element("article", { class: "post", "data-post": post.id, "data-author": post.author });

  function showRead() {
    const title = element("h3", { id: `post-${post.id}` }, post.title);
    article.setAttribute("aria-labelledby", title.id);
    article.replaceChildren(
      title,
      element("p", { class: "by" }, `${post.author}, `, timeElement(post.created_at)),
      element("p", { class: "post-text" }, post.body),
      buttons,
      answer,
    );
    showButtons();
  }

  function showButtons() {
    if (!mayChange) {
      const anyway = button("Try to edit it anyway", "quiet", "try");
      onPress(anyway, tryAnyway);
      buttons.replaceChildren(anyway);
      return null;
    }
    const edit = button("Edit", "", "edit");
    const remove = button("Delete", "", "delete");
    onPress(edit, showForm);
    onPress(remove, askWhetherToDelete);
    buttons.replaceChildren(edit, remove);
    return { edit, remove };
  }

  function askWhetherToDelete() {
    const really = button("Delete for good", "danger", "delete-really");
    const keep = button("Keep", "", "keep");
    onPress(keep, () => showButtons().remove.focus());
    onPress(really, async () => {
      try {
        await actions.remove(post);
        article.remove();
      } catch (error) {
        explain(inWords(error), "bad");
      }
    });
    buttons.replaceChildren(really, keep);
    keep.focus();
  }

  function showForm() {
    const title = element("input", { id: `title-${post.id}`, name: "title", maxlength: 200, required: true });
    const body = element("textarea", { id: `body-${post.id}`, name: "body", rows: 4, required: true });
    const cancel = element("button", { type: "button" }, "Cancel");
    const form = element(
      "form",
      { class: "post-form", "aria-label": `Edit ${post.title}` },
      element("label", { for: title.id }, "Title"),
      title,
      element("label", { for: body.id }, "Text"),
      body,
      element("div", { class: "row" }, element("button", { class: "primary" }, "Save"), cancel),
    );
    title.value = post.title;
    body.value = post.body;
    onSubmit(form, async () => {
      try {
        post = await actions.save(post, { title: title.value, body: body.value });
        leaveForm();
        explain("Saved.");
      } catch (error) {
        explain(inWords(error), "bad");
      }
    });
    onPress(cancel, leaveForm);
    explain("");
    // The form replaces the title, which named the article.
    article.removeAttribute("aria-labelledby");
    article.replaceChildren(form, answer);
    title.focus();
  }

  function leaveForm() {
    showRead();
    buttons.querySelector("[data-action=edit]").focus();
  }

  async function tryAnyway() {
    try {
      await actions.tryAnyway(post);
      explain("200: the server allows it.", "good");
    } catch (error) {
      explain(error.status ? verbatim(error) : inWords(error), "bad");
    }
  }

  function button(label, kind, action) {
    return element(
      "button",
      { type: "button", class: kind || null, "data-action": action, "aria-describedby": `post-${post.id}` },
      label,
    );
  }

  function explain(words, kind = "") {
    answer.textContent = words;
    answer.dataset.kind = kind;
  }

  showRead();
  return article;
}
