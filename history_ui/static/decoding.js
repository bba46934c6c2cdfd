// The samples of two takes, as the audio graph takes them.

const MOST_DECODED_BYTES = 384 * 2 ** 20;
const EXCERPT_S = 120;
const LOWEST_CONTEXT_HZ = 8000;
const HIGHEST_CONTEXT_HZ = 192000;
const HEADER_BYTES = 65536;

/** The takes' own rate where they share one, else the higher of the two: then only one of them is resampled. */
function contextRate(rates) {
  return Math.min(HIGHEST_CONTEXT_HZ, Math.max(LOWEST_CONTEXT_HZ, ...rates));
}

/** How much memory two takes need side by side: both get the length of the longer one, four bytes a sample. */
function decodedBytes(sides, rate) {
  const longestS = Math.max(...sides.map(({ card }) => card.duration_s));
  return sides.reduce((sum, { channels }) => sum + longestS * rate * (channels ?? 2) * 4, 0);
}

/**
 * Fetch and decode one take. `excerpt` {startS, lengthS} fetches only that part of the file; null all of it.
 * `tell(fraction)` hears how far the fetching is. Fails with words where there is nothing to be had.
 */
async function decodeTake(context, card, { excerpt, signal, tell }) {
  if (!card.audio) throw new Error('its audio file is missing');
  const { audio } = card;
  const bytes = excerpt ? await fetchExcerpt(audio, excerpt, signal, tell) : await fetchAll(audio, signal, tell);
  try {
    return await context.decodeAudioData(bytes);
  } catch {
    throw new Error('the browser cannot decode its audio');
  }
}

async function fetchAll(url, signal, tell) {
  return readAll(await fetchPart(url, signal), tell);
}

async function fetchPart(url, signal, range) {
  const answer = await fetch(url, { signal, ...(range && { headers: { Range: `bytes=${range}` } }) }).catch((error) => {
    throw signal.aborted ? error : new Error('the server does not answer');
  });
  if (!answer.ok) throw new Error('its audio file is missing or out of reach');
  return answer;
}

/** Read a body piece by piece, so that it can be told how far it is. */
async function readAll(answer, tell) {
  const size = Number(answer.headers.get('content-length')) || 0;
  const pieces = [];
  let read = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    read += value.length;
    if (size > 0) tell(Math.min(1, read / size));
  }
  return new Blob(pieces).arrayBuffer();
}

/** Fetch a stretch of a WAV file as a WAV file of its own: the same format chunk, and those frames. */
async function fetchExcerpt(url, { startS, lengthS }, signal, tell) {
  const head = await (await fetchPart(url, signal, `0-${HEADER_BYTES - 1}`)).arrayBuffer();
  const { format, dataAt, dataBytes, frameBytes, rate } = wavLayout(head);
  const first = Math.min(Math.floor(startS * rate) * frameBytes, dataBytes);
  const bytes = Math.min(Math.floor(lengthS * rate) * frameBytes, dataBytes - first);
  if (bytes <= 0) return wavOf(format, new ArrayBuffer(0));
  const answer = await fetchPart(url, signal, `${dataAt + first}-${dataAt + first + bytes - 1}`);
  return wavOf(format, await readAll(answer, tell));
}

/** Where in a WAV file the format and the samples are. Fails where they do not begin within its first bytes. */
function wavLayout(head) {
  const view = new DataView(head);
  const name = (at) => String.fromCharCode(...new Uint8Array(head, at, 4));
  let format = null;
  for (let at = 12; at + 8 <= head.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === 'fmt ') format = head.slice(at, at + 8 + size);
    if (name(at) === 'data' && format) {
      const told = new DataView(format);
      const [rate, frameBytes] = [told.getUint32(12, true), told.getUint16(20, true)];
      return { format, dataAt: at + 8, dataBytes: size, rate, frameBytes };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error('its audio file cannot be read in parts');
}

async function wavOf(format, samples) {
  const text = (words) => new TextEncoder().encode(words);
  const size = (bytes) => new Uint8Array(new Uint32Array([bytes]).buffer);
  const whole = size(4 + format.byteLength + 8 + samples.byteLength);
  const parts = [text('RIFF'), whole, text('WAVE'), format, text('data'), size(samples.byteLength), samples];
  return new Blob(parts).arrayBuffer();
}
