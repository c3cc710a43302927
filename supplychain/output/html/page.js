"use strict";
(() => {
  const said = document.getElementById("said");
  const select = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copy = async (node) => {
    try {
      await navigator.clipboard.writeText(node.textContent);
      return "Copied.";
    } catch {
      select(node);
      let copied = false;
      try {
        copied = document.execCommand("copy");
      } catch {
        copied = false;
      }
      return copied ? "Copied." : "Selected: copy it with Ctrl+C.";
    }
  };
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const node = document.getElementById(button.dataset.copies);
    button.hidden = false;
    button.addEventListener("click", async () => {
      const answer = await copy(node);
      said.textContent = answer;
      button.textContent = answer.startsWith("Copied") ? "Copied" : "Selected";
      setTimeout(() => {
        button.textContent = "Copy";
        said.textContent = "";
      }, 4000);
    });
  }
  const closed = [];
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      closed.push(one);
    }
  });
  addEventListener("afterprint", () => {
    for (const one of closed.splice(0)) one.open = false;
  });
})();
