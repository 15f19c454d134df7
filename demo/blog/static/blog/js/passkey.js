/** Register and use passkeys, in the JSON that servers and browsers have agreed on (WebAuthn 3). */

/** Whether this page may use passkeys: they belong to a name, and not to an address of numbers. */
export const canUsePasskeys =
  typeof PublicKeyCredential !== "undefined" &&
  "parseCreationOptionsFromJSON" in PublicKeyCredential &&
  !/^[\d.]+$|^\[/.test(location.hostname);

export async function registerPasskey({ publicKey }) {
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
  return asked(navigator.credentials.create({ publicKey: options }));
}

export async function authenticateBy({ publicKey }) {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  return asked(navigator.credentials.get({ publicKey: options }));
}

async function asked(credential) {
  try {
    return (await credential).toJSON();
  } catch (error) {
    if (error.name !== "NotAllowedError") throw error;
    throw { status: 0, detail: "No passkey was used." };
  }
}
