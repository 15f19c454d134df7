/** Say in words how somebody signed in. */

const WORDS = {
  pwd: "password",
  otp: "code",
  sms: "text message",
  hwk: "passkey of one device",
  swk: "passkey",
};

/** @param amr values of RFC 8176. "mfa" is left out: the list says so. */
export function methodsInWords(amr) {
  const words = amr.map((value) => WORDS[value]).filter(Boolean);
  return words.length > 0 ? words.join(" and ") : "another account or a sign-up";
}
