/** Small things kept in this browser for the next visit; without storage they last as long as the page. */
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(`lacuna-inspector:${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`lacuna-inspector:${name}`, value);
  } catch {
    // Private windows and full storage: the page works without it.
  }
}
