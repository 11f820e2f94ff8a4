"use strict";

// Shows openapi.json with Swagger UI, and sends calls to the server that this page comes from.

// The document's paths begin with /api. A proxy may have put a prefix before it: only the browser knows.
const SERVER = new URL("..", location.href).href.replace(/\/$/, "");
const LOGIN = `${SERVER}/api/login`;

function show(openapi) {
  const page = SwaggerUIBundle({
    spec: { ...openapi, servers: [{ url: SERVER }] },
    dom_id: "#calls",
    deepLinking: true,
    // The default sends the document to another host.
    validatorUrl: null,
    // After a login, all further calls carry its token.
    responseInterceptor: (answer) => {
      if (answer.url === LOGIN && answer.ok) page.preauthorizeApiKey("accessToken", answer.obj.accessToken);
      return answer;
    },
  });
}

function tell(error) {
  document.getElementById("calls").textContent = `The page cannot be shown: ${error}`;
}

fetch("openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch(tell);
