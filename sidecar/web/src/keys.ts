/** Whether a key goes into a text field, and so is none of ours. */
export const typing = (event: KeyboardEvent): boolean =>
  event.ctrlKey ||
  event.metaKey ||
  event.altKey ||
  (event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable]') !== null);
