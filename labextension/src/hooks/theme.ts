/** Milliseconds until the colours of a new theme are there: they come after its name. */
const COLOURS_MS = 300;

/**
 * Call `changed` each time that JupyterLab shows another theme, for what is drawn on a canvas; the
 * call that is answered ends that.
 */
export function watchTheme(changed: () => void): () => void {
  let later: ReturnType<typeof setTimeout> | undefined;
  const theme = new MutationObserver(() => {
    clearTimeout(later);
    later = setTimeout(changed, COLOURS_MS);
  });
  theme.observe(document.body, {
    attributes: true,
    attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
  });
  return () => {
    theme.disconnect();
    clearTimeout(later);
  };
}
