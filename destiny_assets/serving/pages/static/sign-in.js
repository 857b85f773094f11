// A link from another site comes without the cookie (SameSite=Strict), though there may be a session. Our own request carries it, and
// whoever has a session is sent on.
if (!document.querySelector("#problem").textContent) {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (answer.type === "opaqueredirect") location.replace(document.querySelector("input[name=next]").value);
}
const provider = document.querySelector("#provider"), target = document.querySelector("input[name=next]").value;
provider.search = new URLSearchParams({ next: target });
