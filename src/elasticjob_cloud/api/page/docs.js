"use strict";

// Shows /api/openapi.json as a page. Text is only ever set as text, never as markup.

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function table(heads, rows) {
  const head = element("tr", "", ...heads.map((text) => element("th", text)));
  const body = rows.map((row) => element("tr", "", ...row.map((text) => element("td", text))));
  return element("table", "", head, ...body);
}

function resolved(openapi, schema) {
  if (!schema || !schema.$ref) return schema;
  return openapi.components.schemas[schema.$ref.split("/").pop()];
}

function shape(schema) {
  const { title, description, ...rest } = schema || {};
  return JSON.stringify(rest);
}

function fieldTable(openapi, schema) {
  const fields = resolved(openapi, schema);
  if (!fields || !fields.properties) return element("pre", JSON.stringify(fields, null, 2));
  const required = fields.required || [];
  const rows = Object.entries(fields.properties).map(([name, field]) => [
    name,
    required.includes(name) ? "required" : "",
    shape(field),
    field.description || "",
  ]);
  return table(["field", "", "what", "description"], rows);
}

function showContent(openapi, content) {
  return Object.entries(content).flatMap(([type, media]) => {
    const examples = Object.entries(media.examples || {}).map(([name, example]) => `${name}: ${example.value}`);
    return [element("p", type), fieldTable(openapi, media.schema), ...examples.map((text) => element("pre", text))];
  });
}

function showCall(openapi, path, method, call) {
  const title = element("summary");
  const verb = element("span", method.toUpperCase());
  verb.className = "method";
  title.append(verb, element("code", path), ` ${call.summary || ""}`);
  const parts = [element("p", call.description || "")];
  if (call.parameters) {
    const rows = call.parameters.map((each) => [each.name, each.in, each.required ? "required" : "", shape(each.schema)]);
    parts.push(element("h4", "Parameters"), table(["name", "in", "", "what"], rows));
  }
  if (call.requestBody) parts.push(element("h4", "Body"), ...showContent(openapi, call.requestBody.content));
  parts.push(element("h4", "Answers"));
  const answers = Object.entries(call.responses);
  parts.push(table(["status", "meaning"], answers.map(([status, answer]) => [status, answer.description])));
  const good = call.responses["200"];
  if (good && good.content) parts.push(...showContent(openapi, good.content));
  return element("details", "", title, ...parts);
}

function show(openapi) {
  const groups = new Map();
  for (const [path, calls] of Object.entries(openapi.paths)) {
    for (const [method, call] of Object.entries(calls)) {
      const tag = (call.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(showCall(openapi, path, method, call));
    }
  }
  const sections = [...groups].map(([tag, shown]) => element("section", "", element("h2", tag), ...shown));
  const errors = element("section", "", element("h2", "errors"), fieldTable(openapi, openapi.components.schemas.Error));
  document.getElementById("calls").replaceChildren(element("p", openapi.info.description), ...sections, errors);
}

fetch("openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("calls").replaceChildren(element("p", `The document could not be read: ${error}`));
  });
