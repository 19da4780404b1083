/* What a browser has and jsdom has not. */
const { TextDecoder, TextEncoder } = require('node:util');

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
globalThis.TextDecoder ??= TextDecoder;
globalThis.TextEncoder ??= TextEncoder;
globalThis.fetch ??= () => Promise.reject(new Error('A unit test asks no server.'));
globalThis.Request ??= class {};
globalThis.Response ??= class {};
globalThis.Headers ??= class {};
globalThis.DragEvent ??= class DragEvent extends Event {};
globalThis.requestIdleCallback ??= callback => setTimeout(callback, 0);
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
globalThis.matchMedia ??= () => ({
  matches: false,
  addEventListener() {},
  addListener() {},
  removeListener() {}
});

/* JupyterLab's clipboard and Lumino's grid ask for these when they are loaded. */
Object.defineProperty(globalThis.navigator, 'clipboard', {
  configurable: true,
  value: { writeText: async () => undefined, readText: async () => '' }
});
globalThis.HTMLCanvasElement.prototype.getContext = () => null;
