// The panel's letters, from Gradio's own files.

const FONT = 'IBM Plex Sans';
const FONT_FILES = { 400: 'Regular', 700: 'Bold' };

/** A host's theme may have no bold that holds letters: bring the regular and the bold one where they are not there. */
function bringFonts() {
  if ([...document.fonts].some((face) => face.family.replaceAll('"', '') === FONT && face.weight === '700')) return;
  const base = document.querySelector('link[href*="theme.css"]')?.href ?? document.baseURI;
  for (const [weight, name] of Object.entries(FONT_FILES)) {
    const url = new URL(`static/fonts/IBMPlexSans/IBMPlexSans-${name}.woff2`, base).href;
    document.fonts.add(new FontFace(FONT, `url(${JSON.stringify(url)})`, { weight, display: 'swap' }));
  }
}
