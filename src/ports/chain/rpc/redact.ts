/**
 * The part of an RPC URL that may be shown: scheme, host and port. User, password, path and query, where providers
 * put their API keys, are left out.
 */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return "(not a URL)";
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname.length > 1 || search !== "" ? "/…" : ""}`;
}

/** Removes from `text`, such as a server's message, every secret part of `url`. */
export function scrub(text: string, url: string): string {
  if (!URL.canParse(url)) return text;
  const { username, password, pathname, searchParams } = new URL(url);
  const parts = [username, password, ...pathname.split("/"), ...searchParams.values()];
  const secrets = parts.flatMap((part) => [part, decodeURIComponentOr(part)]).filter((part) => part.length >= 4);
  const shown = text.replaceAll(url, redactUrl(url));
  return secrets.sort((a, b) => b.length - a.length).reduce((result, secret) => result.replaceAll(secret, "…"), shown);
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // A lone percent sign: the text is not percent-encoded.
    if (error instanceof URIError) return text;
    throw error;
  }
}
