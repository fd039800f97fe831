// Asks for a passkey, or makes one, and posts what it says with the form. Shows the form only where that can work.
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (all) => (all || []).map((one) => ({ ...one, id: bytes(one.id) }));

  function readable(given) {
    const options = { ...given, challenge: bytes(given.challenge), allowCredentials: listed(given.allowCredentials), excludeCredentials: listed(given.excludeCredentials) };
    if (given.user) options.user = { ...given.user, id: bytes(given.user.id) };
    return options;
  }
  function answer(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: credential.getClientExtensionResults() };
  }
  async function ask(form) {
    const asked = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
    if (!asked.ok) throw new Error(asked.status);
    const publicKey = readable((await asked.json()).publicKey);
    form.elements.credential.value = JSON.stringify(answer(await navigator.credentials[form.dataset.passkey]({ publicKey })));
    form.submit();
  }

  // A passkey belongs to a name; an address by number has none.
  const can = window.PublicKeyCredential && window.isSecureContext && !/^[\d.]+$|:/.test(location.hostname);
  for (const form of can ? document.querySelectorAll("form[data-passkey]") : []) {
    form.hidden = false;
    document.querySelector("[data-passkey-missing]")?.remove();
    const failed = form.querySelector("[data-passkey-failed]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      failed.hidden = true;
      ask(form).catch(() => { failed.hidden = false; });
    });
  }
})();
