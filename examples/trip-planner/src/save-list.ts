/** Offers a list as a JSON file to whoever sits before the page. */
export function saveList(name: string, list: unknown): void {
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(list, null, 2)}\n`], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 1_000);
}
