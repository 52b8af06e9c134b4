"use strict";
(() => {
  const SHOWN_MAX = 500000; // characters of a reply that are shown
  const METHODS = ["get", "post", "put", "patch", "delete"];
  const at = (id) => document.getElementById(id);
  let spec = null;
  let fields = 0;

  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
  }

  // ---- schemas ----

  function resolve(schema) {
    for (let hops = 0; schema && schema.$ref && hops < 20; hops++) {
      const steps = schema.$ref.replace(/^#\//, "").split("/");
      schema = steps.reduce((place, step) => place && place[step.replace(/~1/g, "/").replace(/~0/g, "~")], spec);
    }
    return schema || {};
  }

  function typeOf(schema) {
    const types = [].concat(schema.type || []);
    return types.find((type) => type !== "null") || types[0] || (schema.properties ? "object" : "");
  }

  function typeText(schema) {
    schema = resolve(schema);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.anyOf) return schema.anyOf.map(typeText).join(" | ");
    const text = [].concat(schema.type || "any").join(" | ");
    return typeOf(schema) === "array" && schema.items ? text + " of " + typeText(schema.items) : text;
  }

  // A value that fits the schema: what is declared first, then what is required of it.
  function example(schema, depth = 0) {
    schema = resolve(schema);
    if (schema.examples && schema.examples.length) return schema.examples[0];
    if ("default" in schema) return schema.default;
    if ("const" in schema) return schema.const;
    if (schema.enum) return schema.enum[0];
    if (schema.anyOf) return depth > 6 ? null : example(schema.anyOf[0], depth + 1);
    switch (typeOf(schema)) {
      case "object": return depth > 6 ? {} : exampleObject(schema, depth);
      case "array": return depth > 6 || !schema.items ? [] : [example(schema.items, depth + 1)];
      case "string": return schema.format === "date-time" ? "2026-01-31T12:00:00.000000Z" : "string";
      case "integer":
      case "number": return Math.max(0, schema.minimum ?? 0);
      case "boolean": return true;
      default: return null;
    }
  }

  function exampleObject(schema, depth) {
    const parts = Object.entries(schema.properties || {}).filter(([name]) => name !== "_rev"); // a made-up one is stale
    return Object.fromEntries(parts.map(([name, part]) => [name, example(part, depth + 1)]));
  }

  function schemaBlock(title, schema) {
    return make("details", {},
      make("summary", {}, title),
      make("pre", { tabindex: "0" }, JSON.stringify(resolve(schema), null, 2)));
  }

  // ---- one route ----

  function field(label, note, input) {
    input.id = "field-" + fields++;
    return make("div", { class: "field" },
      make("label", { for: input.id }, label), input,
      note ? make("div", { class: "note" }, note) : null);
  }

  function parameterField(parameter) {
    const schema = resolve(parameter.schema);
    const input = make("input", {
      type: "text", autocomplete: "off", spellcheck: "false",
      required: Boolean(parameter.required), placeholder: "default" in schema ? String(schema.default) : "",
    });
    const note = [parameter.in, typeText(schema), parameter.required ? "required" : "", parameter.description || schema.description || ""];
    return { parameter, input, row: field(parameter.name, note.filter(Boolean).join(", "), input) };
  }

  function contentOf(holder, type) {
    const content = (holder && holder.content) || {};
    return content[type] || Object.values(content)[0] || null;
  }

  function replies(operation) {
    const blocks = [];
    for (const [status, reply] of Object.entries(operation.responses || {})) {
      const content = contentOf(resolve(reply), "application/json");
      const title = `${status} ${resolve(reply).description || ""}`;
      blocks.push(content && content.schema ? schemaBlock(title, content.schema) : make("p", { class: "note" }, title));
    }
    return blocks;
  }

  function buildRequest(path, method, parameters, body, headerText) {
    const query = new URLSearchParams();
    const headers = new Headers();
    for (const { parameter, input } of parameters) {
      if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value === "") continue;
      else if (parameter.in === "query") query.append(parameter.name, input.value);
      else if (parameter.in === "header") headers.set(parameter.name, input.value);
    }
    for (const line of headerText.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    }
    if (at("token").value) headers.set("Authorization", "Bearer " + at("token").value);
    if (body !== null) headers.set("Content-Type", "application/json");
    const text = query.toString();
    return [new URL("./" + path.slice(1) + (text ? "?" + text : ""), document.baseURI), { method: method.toUpperCase(), headers, body, redirect: "manual", cache: "no-store" }];
  }

  function pretty(text, type) {
    if (/json/.test(type)) {
      try {
        return JSON.stringify(JSON.parse(text), null, 2);
      } catch (fault) {
        return text;
      }
    }
    return text;
  }

  // Appends what arrives as it arrives: an event stream is seen live.
  async function readBody(response, pre) {
    const type = response.headers.get("Content-Type") || "";
    const live = /event-stream/.test(type);
    const decoder = new TextDecoder();
    let text = "";
    if (!response.body) return;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      if (live) {
        pre.textContent = text.slice(-SHOWN_MAX);
        pre.scrollTop = pre.scrollHeight;
      }
    }
    if (!live) pre.textContent = pretty(text, type).slice(0, SHOWN_MAX);
  }

  async function run(request, out, cancel) {
    const status = make("p", { class: "status", role: "status" }, "Sending …");
    const body = make("pre", { tabindex: "0", "aria-label": "Body of the reply" });
    const start = performance.now();
    const took = () => `${Math.round(performance.now() - start)} ms`;
    out.replaceChildren(status);
    try {
      const response = await fetch(request[0], { ...request[1], signal: cancel.signal });
      const redirected = response.type === "opaqueredirect";
      const line = redirected ? "A redirect" : `${response.status} ${response.statusText}`;
      const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      status.classList.add(response.ok || redirected ? "good" : "bad");
      status.textContent = `${line} …`;
      out.append(make("details", {}, make("summary", {}, "Headers"), make("pre", { tabindex: "0" }, headers)), body);
      await readBody(response, body);
      status.textContent = `${line} in ${took()}`;
    } catch (fault) {
      status.classList.add("bad");
      status.textContent = fault.name === "AbortError" ? `Cancelled after ${took()}` : `Failed: ${fault.message}`;
    }
    if (!body.textContent) body.remove();
  }

  function tryForm(path, method, operation) {
    const parameters = (operation.parameters || []).map(resolve).map(parameterField);
    const content = contentOf(resolve(operation.requestBody), "application/json");
    const body = content ? make("textarea", { class: "body", spellcheck: "false", autocomplete: "off" }) : null;
    const headers = make("textarea", { spellcheck: "false", autocomplete: "off", placeholder: "If-Match: \"…\"" });
    const out = make("div", {});
    const send = make("button", { class: "send", type: "submit" }, "Send");
    const stop = make("button", { type: "button", disabled: true, onclick: () => cancel.abort() }, "Cancel");
    let cancel = new AbortController();
    if (body) body.value = JSON.stringify(example(content.schema), null, 2);

    async function submit(event) {
      event.preventDefault();
      cancel = new AbortController();
      send.disabled = true;
      stop.disabled = false;
      await run(buildRequest(path, method, parameters, body && body.value, headers.value), out, cancel);
      send.disabled = false;
      stop.disabled = true;
    }
    return make("form", { autocomplete: "off", onsubmit: submit },
      ...parameters.map((parameter) => parameter.row),
      body ? field("Body", typeText(content.schema), body) : null,
      field("More headers", "One a line", headers),
      send, stop, out);
  }

  function fill(box, path, method, operation) {
    const content = contentOf(resolve(operation.requestBody), "application/json");
    box.append(
      make("p", {}, operation.description || ""),
      tryForm(path, method, operation),
      make("h3", {}, "Schemas"),
      content ? schemaBlock("Body", content.schema) : "",
      ...replies(operation));
  }

  function routeBlock(path, method, operation) {
    const box = make("div", {});
    const block = make("details", { class: "route", id: operation.operationId || null },
      make("summary", {},
        make("span", { class: "method " + method }, method.toUpperCase()),
        make("span", { class: "path" }, path),
        make("span", { class: "note" }, operation.summary || "")), box);
    block.addEventListener("toggle", () => {
      if (block.open && !box.childElementCount) fill(box, path, method, operation);
    });
    block.dataset.words = [method, path, operation.summary, operation.operationId].join(" ").toLowerCase();
    return block;
  }

  // ---- the page ----

  function groupRoutes() {
    const groups = new Map();
    for (const [path, item] of Object.entries(spec.paths || {})) {
      for (const method of METHODS.filter((name) => item[name])) {
        const tag = (item[method].tags || ["other"])[0];
        if (!groups.has(tag)) groups.set(tag, []);
        groups.get(tag).push(routeBlock(path, method, item[method]));
      }
    }
    return groups;
  }

  function filterRoutes() {
    const words = at("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of document.querySelectorAll("main section")) {
      let shown = 0;
      for (const block of section.querySelectorAll("details.route")) {
        block.hidden = !words.every((word) => block.dataset.words.includes(word));
        shown += block.hidden ? 0 : 1;
      }
      section.hidden = shown === 0;
    }
  }

  function openNamed() {
    const block = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (block && block.matches("details.route")) {
      block.open = true;
      block.scrollIntoView();
    }
  }

  function show() {
    const info = spec.info || {};
    document.title = at("title").textContent = info.title || "API";
    at("about").append(`${info.version || ""} ${info.description || ""} `, make("a", { href: "openapi.json" }, "openapi.json"));
    for (const [tag, blocks] of groupRoutes()) {
      at("groups").append(make("a", { href: "#group-" + tag }, `${tag} (${blocks.length})`));
      at("routes").append(make("section", { "aria-label": tag }, make("h2", { id: "group-" + tag }, tag), ...blocks));
    }
    at("state").remove();
    openNamed();
  }

  async function load() {
    try {
      const response = await fetch("openapi.json");
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      spec = await response.json();
      show();
    } catch (fault) {
      at("state").textContent = `openapi.json could not be read: ${fault.message}`;
    }
  }

  at("filter").addEventListener("input", filterRoutes);
  at("tools").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", openNamed);
  load();
})();
