// Numbers, times and sizes as people read them.

const MINUS = '\u2212';
const DOT = '\u00b7';
const NUMBERS = new Intl.NumberFormat('en-US');

/** Cut what is far too long to show: a title may be a megabyte, and layout would choke on it. */
function clip(text, characters = 200) {
  const string = String(text ?? '');
  return string.length <= characters ? string : `${string.slice(0, characters - 1)}\u2026`;
}

/** 68.4 s is "1:08". */
function clock(seconds) {
  if (!Number.isFinite(seconds)) return '\u2013:\u2013\u2013';
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const minutes = Math.floor(whole / 60);
  const rest = String(whole % 60).padStart(2, '0');
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

/** A length is rounded, so that 7.98 s reads 0:08; nothing that can be heard reads 0:00. */
function lengthClock(seconds) {
  return clock(seconds > 0 ? Math.max(1, Math.round(seconds)) : seconds);
}

/** 3 600 000 000 bytes are "3.6 GB". */
function size(bytes) {
  if (bytes < 1000) return plural(bytes, 'byte');
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  while (value >= 999.5 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[0]}`;
}

/** 1284 is "1,284". */
function count(number) {
  return NUMBERS.format(number);
}

/** "1 take", "84 takes". */
function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** A number with a true minus sign; `signed` adds the plus. */
function signedNumber(number, decimals, signed) {
  const digits = decimals === undefined ? String(Math.abs(number)) : Math.abs(number).toFixed(decimals);
  if (Number(digits) === 0) return digits;
  return `${number < 0 ? MINUS : signed ? '+' : ''}${digits}`;
}

/** −6.04 is "−6 dB". */
function decibels(value, decimals = 0) {
  return `${signedNumber(value, decimals)} dB`;
}

/** The age of a take on its card: "now", "4 min", "3 h", then the time of day, or the date where no heading says it. */
function age(timeS, nowS, underHeading) {
  const seconds = nowS - timeS;
  if (seconds < 60 && seconds > -60) return 'now';
  if (seconds > 0 && seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (dayStart(timeS) === dayStart(nowS)) return seconds > 0 ? `${Math.floor(seconds / 3600)} h` : timeOfDay(timeS);
  return underHeading ? timeOfDay(timeS) : shortDate(timeS, nowS);
}

function timeOfDay(timeS) {
  const date = new Date(timeS * 1000);
  return `${date.getHours()}:${String(date.getMinutes()).padStart(2, '0')}`;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function shortDate(timeS, nowS) {
  const date = new Date(timeS * 1000);
  const day = `${date.getDate()} ${MONTHS[date.getMonth()].slice(0, 3)}`;
  return date.getFullYear() === new Date(nowS * 1000).getFullYear() ? day : `${day} ${date.getFullYear()}`;
}

/** The local midnight a moment's day began at, in POSIX seconds: days may have 23 or 25 hours. */
function dayStart(timeS) {
  const date = new Date(timeS * 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 1000;
}

/** The local midnight after a day's own. */
function nextDay(startS) {
  const date = new Date(startS * 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime() / 1000;
}

/** "Today", "Yesterday", "Monday", then "3 March", with the year where it is another one. */
function dayName(startS, nowS) {
  const today = dayStart(nowS);
  if (startS === today) return 'Today';
  if (nextDay(startS) === today) return 'Yesterday';
  const date = new Date(startS * 1000);
  const days = Math.round((today - startS) / 86400);
  if (days > 0 && days < 7) return WEEKDAYS[date.getDay()];
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  return date.getFullYear() === new Date(nowS * 1000).getFullYear() ? day : `${day} ${date.getFullYear()}`;
}

/** "today 14:32" in running text. */
function moment(timeS, nowS) {
  const name = dayName(dayStart(timeS), nowS);
  return `${['Today', 'Yesterday'].includes(name) ? name.toLowerCase() : name} ${timeOfDay(timeS)}`;
}

function nowSeconds() {
  return Date.now() / 1000;
}
