// A waveform as a tinted picture: the PNG holds only alpha, the theme gives the ink.

const PNG_URL = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;

/** A picture of a waveform or spectrogram that can be painted over from the left as it plays. */
class Wave {
  constructor(className) {
    this.rest = make('div', { class: 'wave-rest' });
    this.element = make('div', { class: `wave no-picture ${className}` }, this.rest);
    this.played = null;
    this.picture = '';
  }

  /** Show a picture; where there is none, a line at rest. */
  show(picture) {
    const url = pictureUrl(picture);
    if (url === this.picture) return;
    this.picture = url;
    this.element.classList.toggle('no-picture', !url);
    for (const layer of this.layers()) layer.style.maskImage = url;
  }

  layers() {
    return this.played ? [this.rest, this.played] : [this.rest];
  }

  /** Make ready to be painted, or take the paint off. Where it stands is the CSS variable --p, from 0 to 1. */
  paint(on) {
    if (on === Boolean(this.played)) return;
    if (on) {
      this.played = make('div', { class: 'wave-played' });
      this.played.style.maskImage = this.picture;
      this.head = make('div', { class: 'playhead' });
      this.element.append(this.played, this.head);
    } else {
      this.played.remove();
      this.head.remove();
      this.played = null;
    }
    this.element.classList.toggle('painted', on);
  }
}

/** A picture as CSS takes it; empty for what is none. */
function pictureUrl(picture) {
  return PNG_URL.test(picture ?? '') ? `url("${picture}")` : '';
}

/** Where across an element a pointer stands, from 0 to 1. */
function fractionAcross(element, event) {
  const box = element.getBoundingClientRect();
  return box.width > 0 ? Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) : 0;
}
