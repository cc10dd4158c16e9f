/**
 * Which headers, query parameters and fields carry a secret: they are called so, whoever invented them. One list for what
 * blots secrets out of errors and for what keeps them out of files.
 */

const SECRET = /key|token|secret|auth|cookie|passw|pwd|passphrase|credential|signature|bearer|jwt|assertion|^sig$/i;

/** Called alike, and public: rate limits count tokens, CORS and challenges only name what is wanted. */
const PUBLIC = /ratelimit|-tokens-(?:limit|remaining|reset)$|^access-control-|^(?:www|proxy)-authenticate$/i;

/** Whether what is called `name` is a secret. Rather once too often than once too seldom. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name) && !PUBLIC.test(name);
}
