// How one sound gives way to another so that nobody hears the seam.

const GENTLER = [2, 2.5, 3, 4];

/**
 * Make the fade from one sound to another, of which all that sounds meanwhile is known.
 *
 * Two sounds that have nothing in common keep their power under cosine and sine. Two that are alike would swell by up to
 * 3 dB on the way: so the curves are divided by what the two have in common during this very fade, which for one and the
 * same sound leaves gains that add up to 1. Where the sum would still take a larger step than `limit.step`, or leave full
 * scale, as two low tones may that pull each other along, powers of cosine and sine let both dip on the way, no deeper
 * than they must.
 *
 * `leaving` and `coming` are lists of ears, each the samples to be heard there; a fade is {out, in}, a gain for each.
 */
function fadeFor(leaving, coming, limit) {
  let best = null;
  for (const fade of fades(leaving, coming)) {
    const heard = boundsOf(mixed(leaving, coming, fade));
    const excess = Math.max(share(heard.step, limit.step), share(heard.peak, Math.max(1, limit.peak)));
    if (!best || excess < best.excess) best = { fade, excess };
    if (excess <= 1 + 1e-6) break;
  }
  return best.fade;
}

function* fades(leaving, coming) {
  yield evenFade(leaving, coming);
  const frames = leaving[0].length;
  for (const power of GENTLER) yield fadeOf(frames, (cosine, sine) => [cosine ** power, sine ** power]);
}

/** Keep the power steady for what the two really have in common; what is against each other is left as it is. */
function evenFade(leaving, coming) {
  let [powerOut, powerIn, common] = [0, 0, 0];
  leaving.forEach((ear, number) => {
    for (let frame = 0; frame < ear.length; frame += 1) {
      powerOut += ear[frame] ** 2;
      powerIn += coming[number][frame] ** 2;
      common += ear[frame] * coming[number][frame];
    }
  });
  return fadeOf(leaving[0].length, (cosine, sine) => {
    const apart = cosine ** 2 * powerOut + sine ** 2 * powerIn;
    const together = apart + 2 * cosine * sine * Math.max(0, common);
    const even = together > 0 ? Math.sqrt(apart / together) : 1;
    return [cosine * even, sine * even];
  });
}

function fadeOf(frames, gainsAt) {
  const fade = { out: new Float32Array(frames), in: new Float32Array(frames) };
  for (let frame = 0; frame < frames; frame += 1) {
    const angle = ((frame / (frames - 1)) * Math.PI) / 2;
    [fade.out[frame], fade.in[frame]] = gainsAt(Math.cos(angle), Math.sin(angle));
  }
  [fade.out[0], fade.in[0], fade.out[frames - 1], fade.in[frames - 1]] = [1, 0, 0, 1];
  return fade;
}

function mixed(leaving, coming, fade) {
  return leaving.map((ear, number) =>
    ear.map((sample, frame) => sample * fade.out[frame] + coming[number][frame] * fade.in[frame]),
  );
}

/** The highest sample, and the largest step from one to the next. */
function boundsOf(ears) {
  let [peak, step] = [0, 0];
  for (const ear of ears) {
    for (let frame = 0; frame < ear.length; frame += 1) {
      peak = Math.max(peak, Math.abs(ear[frame]));
      if (frame > 0) step = Math.max(step, Math.abs(ear[frame] - ear[frame - 1]));
    }
  }
  return { peak, step };
}

function share(value, limit) {
  return limit > 0 ? value / limit : 0;
}
